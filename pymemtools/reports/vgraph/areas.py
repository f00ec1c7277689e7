"""The address space of a process as a column of areas: its mappings, and the holes between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import NamedTuple

from pymemtools.areas import Area, Areas
from pymemtools.cells import Memo
from pymemtools.procfs.maps import Mapping, Mappings
from pymemtools.reports.map_diff import pair
from pymemtools.units import brief_size

NULL_TRAP = "NULL trap"
# What x86-64 gives to processes, with four and with five levels of page tables: TASK_SIZE_MAX in
# arch/x86/include/asm/page_64.h. Above is nothing until [vsyscall], which is the kernel's.
_USER_ENDS = ((1 << 47) - 4096, (1 << 56) - 4096)
_KERNEL_START = 1 << 63
_FOLDED = {"malloc arena": "malloc arenas", "thread stack": "thread stacks"}
_NEAR = 1 << 30  # bytes; areas further apart are not folded into one
_OF_A_FILE = frozenset(("text", "rodata", "relro", "data", "bss", "reserve"))


class Figures(NamedTuple):
    """What the line below a picture says."""

    mappings: int
    mapped: int
    resident: int | None
    swapped: int | None
    largest_hole: int
    holes: int
    writable_code: int


def areas_of(
    mappings: Mappings,
    kinds: Sequence[str],
    resident: Sequence[int | None] | None = None,
    swapped: Sequence[int | None] | None = None,
) -> Areas:
    """Make an area of each mapping, in their order."""
    labels: Memo[tuple[bytes, str, bytes], str] = Memo(lambda key: _label(*key))
    perms: Memo[bytes, str] = Memo(lambda each: each.decode("ascii"))
    return Areas.of_columns(
        mappings.starts,
        mappings.ends,
        kind=kinds,
        label=list(map(labels.__getitem__, zip(mappings.names, kinds, mappings.perms))),
        perms=list(map(perms.__getitem__, mappings.perms)),
        resident=resident,
        swapped=swapped,
    )


def _label(name: bytes, kind: str, perms: bytes) -> str:
    """Name a mapping as the kernel does, or by what it is for."""
    if name:
        return name.decode("utf-8", "surrogateescape")
    if perms[:3] == b"---":
        return {"thread stack": "[stack guard]", "malloc arena": "[arena, reserved]"}.get(kind, "[no access]")
    return f"[{kind}]" if kind else "[anon]"


def whole(areas: Iterable[Area], null_trap: int | None) -> Areas:
    """Add the holes, from address 0 on, and the NULL trap of so many bytes."""
    ordered = Areas.of(areas).ordered()
    return ordered.with_between(
        (place, part) for place, hole in ordered.holes(0) for part in _parts_of(hole, null_trap)
    )


def _parts_of(hole: Area, null_trap: int | None) -> Iterator[Area]:
    """Split what is no mere hole off one."""
    if hole.start == 0 and null_trap:
        trap = min(null_trap, hole.end)
        yield Area(0, trap, NULL_TRAP, mappings=0)
        hole = hole._replace(start=trap)
    if hole.end >= _KERNEL_START:
        user_end = next((end for end in _USER_ENDS if hole.start <= end), hole.start)
        if hole.start < user_end:
            yield hole._replace(end=user_end)
        hole = hole._replace(start=user_end, label="kernel and non-canonical addresses")
    if hole.end > hole.start:
        yield hole


def figures(shown: Iterable[Area]) -> Figures:
    """Count what is in a picture, column by column; what is gone is in it no more."""
    areas = Areas.of(shown)
    given = areas.given()
    if "change" in given:
        areas = Areas(area for area in areas if area.change != "gone")
    counts, sizes = areas.column("mappings"), areas.sizes()
    empty = map(areas.__getitem__, [place for place, count in enumerate(counts) if not count])
    holes = [area.size for area in empty if area.kind == "hole" and not area.label]
    perms = Counter(compress(areas.values("perms"), counts))
    both = zip(areas.values("resident"), areas.values("swapped")) if "resident" in given else ()
    held = [amounts for amounts in both if amounts[0] is not None]
    return Figures(
        mappings=sum(counts),
        mapped=sum(compress(sizes, counts)),
        resident=sum(resident for resident, _ in held) if held else None,
        swapped=sum(swapped or 0 for _, swapped in held) if held else None,
        largest_hole=max(holes, default=0),
        holes=len(holes),
        writable_code=sum(count for each, count in perms.items() if each[1:3] == "wx"),
    )


def folded(areas: Iterable[Area]) -> Areas:
    """Join the malloc arenas that follow each other, the thread stacks, and the mappings of one file."""
    return _joined(areas, lambda first, last, area: _belongs(first, area) and area.start - last.end < _NEAR, _fold)


def without_small(areas: Iterable[Area], least: int) -> Areas:
    """Join neighbours that are smaller than ``least`` bytes, unless they are writable and executable."""

    def is_small(area: Area) -> bool:
        return area.size < least and not area.is_writable_code and not area.change

    return _joined(
        areas,
        lambda first, last, area: is_small(first) and is_small(area) and area.start - last.end < least,
        lambda first, group: _sum(group, f"{sum(group.values('mappings'))} small mappings", "small"),
    )


def _joined(
    areas: Iterable[Area], belongs: Callable[[Area, Area, Area], bool], join: Callable[[Area, Areas], Area]
) -> Areas:
    """Join areas that belong to the group of those before them, whose first and last one decide."""
    every = Areas.of(areas)

    def groups() -> Iterator[Area]:
        start, first, last = 0, None, None
        for i, area in enumerate(every):
            if first is None or last is None or not belongs(first, last, area):
                if first is not None:
                    yield first if i - start == 1 else join(first, every[start:i])
                start, first = i, area
            last = area
        if first is not None:
            yield first if len(every) - start == 1 else join(first, every[start:])

    return Areas(groups())


def _belongs(first: Area, area: Area) -> bool:
    if area.change or first.change or area.is_writable_code or first.is_writable_code:
        return False
    if first.kind in _FOLDED:
        return area.kind == first.kind
    if not (first.label.startswith("/") and {first.kind, area.kind} <= _OF_A_FILE):
        return False
    return area.label == first.label or area.label in ("[bss]", "[no access]")


def _fold(first: Area, group: Areas) -> Area:
    """Say what a group is: of arenas and stacks how many, which the rest beside each is not."""
    if first.kind not in _FOLDED:
        return _sum(group, first.label, "file")
    sizes = [area.size for area in group if area.perms[:3] != "---"]
    label = f"{len(sizes)} {_FOLDED[first.kind]}" if len(sizes) != 1 else f"[{first.kind}]"
    if first.kind == "malloc arena":
        label += f", {brief_size(sum(sizes))} rw"
    return _sum(group, label, first.kind)


def _sum(group: Areas, label: str, kind: str) -> Area:
    """Make one area of a group, column by column."""
    both = zip(group.values("resident"), group.values("swapped"))
    known = [(resident, swapped or 0) for resident, swapped in both if resident is not None]
    return Area(
        group.column("start")[0],
        max(group.column("end")),
        kind,
        label,
        _common_perms(set(group.values("perms"))),
        sum(group.values("mappings")),
        sum(group.sizes()),
        sum(resident for resident, _ in known) if known else None,
        sum(swapped for _, swapped in known) if known else None,
    )


def _common_perms(perms: set[str]) -> str:
    """Give the permissions that all of a group have, not counting what cannot be accessed at all."""
    perms = {each for each in perms if each[:3] != "---"} or perms
    return perms.pop() if len(perms) == 1 else ""


def compared(
    before: Sequence[Mapping], old: Sequence[Area], after: Sequence[Mapping], new: Sequence[Area]
) -> tuple[list[Area], list[Area]]:
    """Say of each area of the later look what became of it; give beside them those that are gone."""
    marked, gone = list(new), []
    for i, j in pair(before, after):
        if i is None and j is not None:
            marked[j] = new[j]._replace(change="new", delta=new[j].size)
        elif i is not None and j is None:
            gone.append(old[i]._replace(change="gone", delta=-old[i].size))
        elif i is not None and j is not None and new[j].size != old[i].size:
            delta = new[j].size - old[i].size
            marked[j] = new[j]._replace(change="grown" if delta > 0 else "shrunk", delta=delta)
    return marked, gone


def with_gone(areas: Sequence[Area], gone: Sequence[Area]) -> tuple[list[Area], list[Area]]:
    """Put what is gone where it was; give beside it what has no room there any more."""
    from bisect import bisect

    starts = [area.start for area in areas]
    fitting: list[Area] = []
    covered: list[Area] = []
    for area in gone:
        i = bisect(starts, area.start)
        is_free = (i == 0 or areas[i - 1].end <= area.start) and (i == len(areas) or areas[i].start >= area.end)
        (fitting if is_free else covered).append(area)
    return sorted([*areas, *fitting], key=lambda area: (area.start, area.end)), covered


def find(areas: Sequence[Area], what: str, address: int | None, before: int, after: int) -> tuple[list[Area], set[int]]:
    """Choose the areas that hold an address, or whose label has a text in it, with neighbours below and above.

    Gives them beside the starts of those that were found.
    """
    places = [
        i
        for i, area in enumerate(areas)
        if (area.start <= address < area.end if address is not None else not area.is_hole and what in area.label)
    ]
    chosen = sorted({j for i in places for j in range(max(0, i - before), min(len(areas), i + after + 1))})
    return [areas[j] for j in chosen], {areas[i].start for i in places}

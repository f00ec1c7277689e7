"""Which counter says the same as the flags of frames do, and what sets the two apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.models.frame_types import TYPES, UNMARKED, FrameCount
from pymemtools.models.release import since
from pymemtools.procfs.meminfo import hugetlb_pool
from pymemtools.readings.machine import Machine
from pymemtools.reports.pages.columns import TypeRow
from pymemtools.reports.system_memory import vmalloc_pages
from pymemtools.units import human_size, minus, plus, rest, times

Counts = Mapping[str, FrameCount]


class Counted(NamedTuple):
    """A counter, and the types that it counts together."""

    name: str
    types: tuple[str, ...]
    counted: int | None  # bytes
    reason: Callable[[int], str | None] = lambda difference: None  # of so many bytes


def counters_of_machine(machine: Machine, counts: Counts | None) -> Iterator[Counted]:
    """Give the counters of meminfo, each with why frames may be more, or fewer. Sources are cited at each."""
    get, size = machine.meminfo.get, machine.page_size
    joins = joins_later(machine)
    yield Counted("MemFree", ("buddy",), get("MemFree"), lambda less: _free(less, joins))
    # mm/rmap.c, folio_add_new_anon_rmap(): what is mapped counts; the mark stays until the frame is freed.
    anon = _unmapped(counts, ("anon", "anon_thp", "ksm"), size)
    yield Counted("AnonPages", ("anon", "anon_thp", "ksm"), get("AnonPages"), lambda more: anon if more > 0 else None)
    both = sum(each.swap_cached for name, each in counts.items() if name != "swap_cache") * size if counts else 0
    mapped = f"{human_size(both)} of the swap cache is mapped: with its type above or below" if both else None
    yield Counted("SwapCached", ("swap_cache",), get("SwapCached"), lambda less: mapped)
    yield Counted("Shmem", ("shmem", "shmem_thp"), get("Shmem"))
    files = rest(plus(get("Buffers"), get("Cached")), get("Shmem", 0))
    yield Counted("Buffers+Cached-Shmem", ("file", "file_thp"), files)
    # mm/slub.c, ___kmalloc_large_node(): counted, and of no slab.
    large = "large blocks of kmalloc count, and are no slab's"
    yield Counted("Slab", ("slab",), get("Slab"), lambda less: large if less < 0 else None)
    unmarked = None if since(machine.version, (4, 18)) else "page tables have their mark since Linux 4.18"
    yield Counted("PageTables", ("page_table",), get("PageTables"), lambda less: unmarked)
    yield Counted("Hugetlb", ("huge",), hugetlb_pool(machine.meminfo))
    yield Counted("Balloon", ("offline",), get("Balloon"))
    yield Counted("HardwareCorrupted", ("poisoned",), get("HardwareCorrupted"))
    yield _unmarked(machine, joins)


def _unmarked(machine: Machine, joins: int) -> Counted:
    get = machine.meminfo.get
    stacks, vmalloc = get("KernelStack", 0), vmalloc_pages(machine.meminfo, machine.version)
    own = plus(max(vmalloc or 0, stacks), get("Percpu"))
    more = f"{human_size(joins)} joins later; the rest" if joins else "it"
    reason = f"{more} is what nothing counts: see --unexplained; and the processors' own lists of free pages"
    return Counted("VmallocUsed+Percpu", (UNMARKED,), own, lambda difference: reason if difference > 0 else None)


def joins_later(machine: Machine) -> int:
    """Give what MemTotal is more than zones manage, where that is much: memory that is made ready in the background."""
    if not machine.zones or not machine.doubt or any(zone.managed is None for zone in machine.zones):
        return 0
    managed = sum(zone.usable for zone in machine.zones) * machine.page_size
    return max(machine.meminfo.get("MemTotal", 0) - managed, 0)


def of_others(machine: Machine) -> Iterator[str]:
    """Say where meminfo may be that of a container, which frames, zones and other files know nothing of."""
    if machine.doubt and not joins_later(machine):
        yield f"{machine.doubt.partition(':')[0]}: other files may be of more memory than the counters"


def _free(difference: int, joins: int) -> str | None:
    if difference < 0 and joins:
        return f"{human_size(joins)} of memory that joins later counts as free, and has no mark yet"
    return None


def _unmapped(counts: Counts | None, names: Sequence[str], size: int) -> str | None:
    """Say how many of these frames nobody maps."""
    if counts is None:
        return None
    frames = sum(counts[name].frames - counts[name].mapped for name in names)
    return f"{human_size(frames * size)} is mapped by nobody any more" if frames else None


def typed_rows(
    counts: Counts | None, counters: Sequence[Counted], page_size: int, names: Iterable[str] = TYPES
) -> Iterator[TypeRow]:
    """Give a row for each type; without counts what counters say."""
    by_type = {name: counter for counter in counters for name in counter.types}
    for name in names:
        counter = by_type.get(name)
        row = TypeRow(name, None, None, counter=counter and counter.name)
        if counts is not None:
            frames, mapped, dirty, _ = counts.get(name, FrameCount())
            row = row._replace(
                present=frames * page_size, frames=frames, mapped=mapped * page_size, dirty=dirty * page_size
            )
        if counter is not None and counter.types[0] == name:
            row = _compared(row, counter, counts, page_size)
        yield row


def _compared(row: TypeRow, counter: Counted, counts: Counts | None, page_size: int) -> TypeRow:
    frames = None if counts is None else sum(counts[name].frames for name in counter.types if name in counts)
    difference = minus(times(frames, page_size), counter.counted)
    reason = counter.reason(difference) if difference else None
    return row._replace(counted=counter.counted, difference=difference, reason=reason)

"""``vgraph --pages``: which pages of one mapping are there, from /proc/PID/pagemap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from pymemtools.areas import Area
from pymemtools.cli.options import facts_as_json, write_lines
from pymemtools.cli.picture import look_of
from pymemtools.cli.vgraph.scene import parse_address
from pymemtools.cli.vgraph.target import Target
from pymemtools.errors import Denied, MemtoolsError, Missing, UsageProblem
from pymemtools.procfs.pagemap import (
    PRESENT,
    STATES,
    ZERO,
    flag_counts,
    is_zero_page,
    may_be_zero_page,
    page_frames,
    page_states,
)
from pymemtools.render.escape import escape
from pymemtools.reports.address_space import areas_of
from pymemtools.sources.page_files import page_file, page_size
from pymemtools.units import brief_size

_MOST = 1 << 22  # pages that are looked at: 16 GiB of 4 KiB
_MOST_FRAMES = 1 << 18


class Pages(NamedTuple):
    """The pages of a mapping, or of the part of it that was asked for."""

    area: Area
    first: int  # the address of the first page
    page_size: int
    states: bytes
    flags: dict[str, int] | None  # pages by the flags of their frames; None: only root is told
    mapped_once: int | None  # pages that nobody else maps


def show_pages(pid: int, read: Callable[[], Target], options: dict[str, Any]) -> None:
    """Draw the pages of the mapping that holds an address."""
    address = parse_address(options["pages"])
    if address is None:
        raise UsageProblem(f"vgraph: --pages: '{options['pages']}' is no address; write 0x...")
    try:
        with page_file(f"{pid}/pagemap") as pagemap:  # opened first: it stays with the memory that maps is read of
            target = read()
            area = _area_at(target, address)
            pages = _read(pagemap.words, area, address)
    except Missing:
        read()  # says so itself if the process has no memory: a zombie or a kernel thread
        raise Missing(f"vgraph: {pid}: no such process") from None
    if options["style"] == "text":
        write_lines(_text(pages, target, options))
    else:
        write_lines(_document(pages, target, options["style"]))


def _area_at(target: Target, address: int) -> Area:
    for area in areas_of(target.mappings, target.kinds):
        if area.start <= address < area.end:
            return area
    raise MemtoolsError(f"vgraph: nothing is mapped at {address:x}")


def _read(words: Callable[[int, int], bytes], area: Area, address: int) -> Pages:
    size = page_size()
    count = (area.end - area.start) // size
    first = area.start
    if count > _MOST:
        first += (address - area.start) // size // _MOST * _MOST * size
        count = min(_MOST, (area.end - first) // size)
    found = words(first // size, count)
    if len(found) < 8 * count and area.end <= 1 << 63:
        raise Missing("")
    states = page_states(found) or b"A" * count  # of [vsyscall], which is no memory of the process
    frames = page_frames(found)
    present = sorted({frame for frame in frames if frame})[:_MOST_FRAMES]
    if not present:
        return Pages(area, first, size, states, None, None)
    try:
        with page_file("kpageflags") as flags_file, page_file("kpagecount") as count_file:
            flags, counts = flags_file.at(present), count_file.at(present)
    except (Denied, Missing):
        return Pages(area, first, size, states, None, None)
    zero = {frame for frame, value in flags.items() if is_zero_page(value)}
    marked = bytes(
        ZERO if maybe and frame in zero else state
        for state, frame, maybe in zip(states, frames, may_be_zero_page(found))
    )
    once = sum(counts.get(frame) == 1 for frame in frames if frame)
    return Pages(area, first, size, marked, flag_counts(flags.get(frame, 0) for frame in frames if frame), once)


def _text(pages: Pages, target: Target, options: dict[str, Any]) -> Iterator[str]:
    from pymemtools.render.page_grid import grid_lines

    look = look_of(options)
    area = pages.area
    yield escape(target.title)
    yield f"{area.start:x}-{area.end:x} {area.perms} {escape(area.label)}, {brief_size(area.size)}"
    shown = len(pages.states) * pages.page_size
    if shown < area.size:
        yield f"of it {brief_size(shown)} from {pages.first:x} on"
    yield from grid_lines(pages.states, STATES, pages.first, pages.page_size, look.columns, is_ascii=look.is_ascii)
    counts = [f"{pages.states.count(state)} {name}" for state, name in STATES.items() if state in pages.states]
    yield f"pages of {brief_size(pages.page_size)}: {', '.join(counts)}, {len(pages.states)} in all"
    if pages.flags is not None:
        yield f"mapped by nobody else: {pages.mapped_once}"
        yield "flags: " + ", ".join(f"{name} {count}" for name, count in pages.flags.items())
    elif PRESENT in pages.states:
        yield "what the pages are, and which of them is the zero page, the kernel tells to root only"


def _document(pages: Pages, target: Target, style: str) -> Iterable[str]:
    """Give runs of pages in one state."""
    from pymemtools.render.machine import machine_lines

    rows = []
    at = pages.first
    for state, run in groupby(pages.states):
        count = len(list(run))
        rows.append({"start": f"{at:016x}", "pages": count, "size": count * pages.page_size, "state": STATES[state]})
        at += count * pages.page_size
    totals: dict[str, Any] = {name: pages.states.count(state) for state, name in STATES.items()}
    totals |= {"mapped_once": pages.mapped_once, "flags": pages.flags}
    facts = facts_as_json(target.facts)
    return machine_lines(style, "vgraph", rows, fields=("start", "pages", "size", "state"), source=facts, totals=totals)

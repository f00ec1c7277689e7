"""Which memory of a process was touched since its bits were cleared: what smaps, pagemap and the idle bitmap tell."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from pymemtools.errors import DeniedProcess, MemtoolsError, Missing, NoSuchProcess
from pymemtools.models.working_set import Doubt, Touched, TouchFigures, by_bits, by_referenced
from pymemtools.procfs.maps import Mappings
from pymemtools.procfs.pagemap import is_exclusive, page_frames, written_pages
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.vmstat import paging_events, parse_vmstat
from pymemtools.readings.mappings import read_maps
from pymemtools.readings.page_words import page_words
from pymemtools.readings.process import ALIVE, KERNEL, life_of
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.base import Source
from pymemtools.sources.page_files import PageFile, page_file, page_size

_HUGE = ("AnonHugePages", "ShmemPmdMapped", "FilePmdMapped")
_SHARED = ("Shared_Clean", "Shared_Dirty")
_WANTED = frozenset(("Rss", "Swap", "Referenced", *_HUGE, *_SHARED))
_CPUS = re.compile(rb"^Cpus_allowed:\s*([0-9a-f,]+)$", re.MULTILINE)
_BITS = 64
IDLE_BITMAP = "/sys/kernel/mm/page_idle/bitmap"
Told = Iterator[tuple[str, Touched]]  # of each mapping its kind, and what was touched


class Mapped(NamedTuple):
    """A mapping."""

    start: int
    end: int
    kind: str
    figures: TouchFigures
    is_swapped: bool
    is_new: bool  # all of it counts as soft-dirty: nobody has cleared its bits since it is there


class Look(NamedTuple):
    """A process at one moment."""

    title: bytes
    stat: Stat | None
    mappings: Mapping[int, Mapped]  # by start
    scanned: int | None  # pages that reclaim has looked at since the start

    @property
    def referenced(self) -> int:
        """Sum up what the kernel takes for used."""
        return sum(each.figures.referenced for each in self.mappings.values())

    @property
    def is_tracked(self) -> bool:
        """Tell whether somebody has cleared soft-dirty bits here: the main stack alone is never taken for new."""
        return any(not each.is_new for each in self.mappings.values() if each.kind not in ("stack", "vdso"))

    def is_same(self, other: Look) -> bool:
        """Tell whether it is still the same program."""
        return self.stat is None or other.stat is None or self.stat.same_image(other.stat)


def look(source: Source, pid: int) -> Look:
    """Read what there is to know. Raises NoSuchProcess, Denied, or MemtoolsError for what has no memory."""
    try:
        stat = read_steadily(source, pid, lambda files, stat: stat)
        maps = read_maps(source, pid, _WANTED.__contains__).told()
    except Missing:
        raise NoSuchProcess(pid) from None
    if life_of(stat) != ALIVE:
        what = "a kernel thread" if life_of(stat) == KERNEL else "a zombie"
        raise MemtoolsError(f"{pid}: {what} has no memory of its own")
    if maps.problem is not None:
        raise DeniedProcess(pid, maps.problem)
    rows = _rows(maps.mappings, maps.kinds, maps.columns)
    return Look(maps.title, stat, {row.start: row for row in rows}, _scanned(source))


def _rows(mappings: Mappings, kinds: Iterable[str], columns: Mapping[str, Iterable[int | None]]) -> Iterator[Mapped]:
    lists = {key: list(column) for key, column in columns.items()}
    for place, (mapping, kind) in enumerate(zip(mappings, kinds)):
        amounts = {key: column[place] or 0 for key, column in lists.items()}
        flags = mapping.vmflags.split()
        figures = TouchFigures(
            amounts.get("Rss", 0),
            amounts.get("Referenced", 0),
            sum(amounts.get(key, 0) for key in _SHARED),
            sum(amounts.get(key, 0) for key in _HUGE),
            is_file=not mapping.is_anonymous,
            is_locked=b"lo" in flags,
        )
        is_swapped = amounts.get("Swap", 0) > 0
        yield Mapped(mapping.start, mapping.end, kind, figures, is_swapped, b"sd" in flags)


def _scanned(source: Source) -> int | None:
    """Count the pages that reclaim has looked at, from Linux 5.9 on at limits of memory groups, too; None: not told."""
    try:
        return paging_events(parse_vmstat(source.read("vmstat"))).scanned_pages
    except MemtoolsError:
        return None


def doubt_of(source: Source, pid: int, *, is_flushed: bool) -> Doubt:
    """Tell how exact figures can be that were taken of a process."""
    try:
        here = sum(line[3:4].isdigit() for line in source.read("stat").split(b"\n") if line.startswith(b"cpu"))
        with source.process(pid) as files:
            allowed = _CPUS.search(files.read("status"))
    except MemtoolsError:
        here, allowed = 0, None
    mask = int(allowed[1].replace(b",", b""), 16) if allowed else 0
    return Doubt(page_size(), is_flushed, min(mask.bit_count() or here, here) or 1)


def told_by_referenced(before: Look, after: Look, doubt: Doubt) -> Told:
    """Go by what smaps calls Referenced."""
    doubt = doubt._replace(has_reclaimed=before.scanned is None or after.scanned != before.scanned)
    for start, each in after.mappings.items():
        was = before.mappings.get(start)
        yield each.kind, by_referenced(was and was.figures, each.figures, doubt)
    yield from _gone(before, after)


def _gone(before: Look, after: Look) -> Told:
    """Say of what is mapped no more that it may have been touched before it went."""
    for start, each in before.mappings.items():
        if start not in after.mappings:
            yield each.kind, Touched(0, 0, each.figures.rss)


def told_by_soft_dirty(before: Look, after: Look, pid: int) -> Told:
    """Go by the soft-dirty bits of pagemap: what was written to. Raises NoSuchProcess."""
    size = page_size()
    with _pagemap(pid) as pagemap:
        for start, each in after.mappings.items():
            figures = each.figures
            there = written = 0
            if figures.rss or each.is_swapped:
                for _, words in page_words(pagemap, each.start, each.end):
                    some, dirty = written_pages(words)
                    there, written = there + some, written + dirty
            was = before.mappings.get(start)
            gone = max((was.figures.rss if was else 0) - figures.rss, 0)
            doubtful = there if each.is_new else min(figures.huge // size, written)
            sure = 0 if each.is_new else written - doubtful
            yield each.kind, by_bits(figures.rss, sure * size, doubtful * size, gone)
    yield from _gone(before, after)


def _pagemap(pid: int) -> AbstractContextManager[PageFile]:
    return page_file(f"{pid}/pagemap")


class Frames(NamedTuple):
    """The page frames of a process, by page number; ``others`` are pages that others map, too."""

    frames: Mapping[int, int]
    others: frozenset[int]


def read_frames(look: Look, pid: int) -> Frames:
    """Read which frames a process has. Raises Denied to who is not told."""
    found: dict[int, int] = {}
    others = set()
    with _pagemap(pid) as pagemap:
        for each in look.mappings.values():
            for at, words in page_words(pagemap, each.start, each.end) if each.figures.rss else ():
                for place, (frame, is_own) in enumerate(zip(page_frames(words), is_exclusive(words)), at):
                    if frame:
                        found[place] = frame
                        if not is_own:
                            others.add(place)
    if not found:
        raise DeniedProcess(pid, "page frames are told to root only, and idle pages are tracked by them")
    return Frames(found, frozenset(others))


def idle_of(frames: Iterable[int], read: Callable[[Iterable[int]], Mapping[int, int]] | None = None) -> set[int]:
    """Say which of these frames are idle. Raises Missing or Denied."""
    wanted = set(frames)
    if read is None:
        try:
            with page_file(IDLE_BITMAP) as bitmap:
                return idle_of(wanted, bitmap.at)
        except Missing:
            raise Missing(
                "this kernel does not track idle pages (CONFIG_IDLE_PAGE_TRACKING): --method referenced does"
            ) from None
    words = read({frame // _BITS for frame in wanted})
    return {frame for frame in wanted if words.get(frame // _BITS, 0) >> frame % _BITS & 1}


def told_by_idle(before: Frames, marked: set[int], after: Look, now: Frames, idle: set[int], doubt: Doubt) -> Told:
    """Go by frames that are idle no more; ``marked`` are those that could be marked.

    Marking does not flush the TLB (mm/page_idle.c, page_idle_bitmap_write()): what is in it is used unseen.
    """
    size = page_size()
    places = sorted(before.frames.keys() | now.frames.keys())
    for each in after.mappings.values():
        sure = perhaps = idle_still = 0
        for place in places[bisect_left(places, each.start // size) : bisect_left(places, each.end // size)]:
            was, frame = before.frames.get(place), now.frames.get(place)
            if frame is None:
                perhaps += was is not None  # gone, perhaps after it was touched
            elif frame != was:
                sure, perhaps = (sure, perhaps + 1) if each.figures.is_file else (sure + 1, perhaps)
            elif frame not in marked:
                perhaps += 1
            elif frame not in idle:
                sure, perhaps = (sure, perhaps + 1) if place in now.others else (sure + 1, perhaps)
            else:
                idle_still += 1
        unseen = min(idle_still * size, doubt.reach)
        yield each.kind, by_bits(each.figures.rss, sure * size, perhaps * size + unseen)

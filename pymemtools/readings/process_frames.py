"""The pages of a process of this machine by the flags of their frames: pagemap tells frames, kpageflags their flags."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, DeniedProcess, Missing, NoSuchProcess
from pymemtools.probes.pagemap_scan import populated
from pymemtools.procfs.kpageflags import NOPAGE
from pymemtools.readings.mappings import ProcessMaps, read_maps
from pymemtools.sources.base import Source
from pymemtools.sources.page_files import PageFile, page_file, page_size

_BLOCK = 1 << 17  # pages looked at together
_GAP = 64  # frames read in vain rather than by a call of their own
_FRAME = (1 << 55) - 1
_PRESENT, _SWAPPED, _FILE = 1 << 63, 1 << 62, 1 << 61


class ProcessFrames(NamedTuple):
    """Pages of all mappings, each as often as it is mapped."""

    pid: int
    title: bytes
    counts: Mapping[int, int] | None  # by flags; None where the kernel hides frames from us
    own: int  # present, and neither a file's nor shared memory
    others: int  # present, of files or shared memory
    swapped: int
    problem: str = ""  # why frames are hidden


def read_process_frames(source: Source, pid: int) -> ProcessFrames:
    """Read a process. Raises NoSuchProcess, Missing for one without memory, or Denied."""
    try:
        with page_file(f"{pid}/pagemap") as pagemap:  # opened first: it stays with the memory that maps is read of
            maps = read_maps(source, pid)
            if maps.problem is not None:
                raise DeniedProcess(maps.pid, maps.problem)
            return _counted(maps, pagemap)
    except Missing:
        if not read_maps(source, pid).mappings:  # says so itself if there is no such process
            raise Missing(f"pages: {pid} has no memory: it is the kernel's, or a zombie") from None
        raise NoSuchProcess(pid) from None


def _counted(maps: ProcessMaps, pagemap: PageFile) -> ProcessFrames:
    size = page_size()
    try:
        with page_file("kpageflags") as flags:
            return _added(maps, _words(pagemap, maps, size), flags)
    except (Denied, Missing) as error:
        return _added(maps, _words(pagemap, maps, size), None)._replace(problem=str(error))


def _words(pagemap: PageFile, maps: ProcessMaps, size: int) -> Iterator[array[int]]:
    """Give the words of pages that may be there, some at a time; whole mappings where the kernel cannot tell which."""
    for mapping in maps.mappings:
        if mapping.end > 1 << 63:  # [vsyscall] is no memory of the process
            continue
        ranges = populated(pagemap.fd, mapping.start, mapping.end)
        for start, end in [(mapping.start, mapping.end)] if ranges is None else ranges:
            for first in range(start // size, end // size, _BLOCK):
                yield array("Q", pagemap.words(first, min(_BLOCK, end // size - first)))


def _added(maps: ProcessMaps, pieces: Iterator[array[int]], flags: PageFile | None) -> ProcessFrames:
    counts: Counter[int] = Counter()
    own = others = swapped = 0
    is_told = flags is not None
    for words in pieces:
        present = [word for word in words if word & _PRESENT]
        swapped += sum(1 for word in words if word & _SWAPPED)
        shared = sum(1 for word in present if word & _FILE)
        others += shared
        own += len(present) - shared
        frames = sorted(word & _FRAME for word in present)
        if frames and not frames[0]:
            is_told = False
        elif frames and flags is not None:
            counts.update(_flags_of(frames, flags))
    title = maps.title
    problem = "" if is_told else "frame numbers are hidden from who lacks CAP_SYS_ADMIN"
    return ProcessFrames(maps.pid, title, counts if is_told else None, own, others, swapped, problem)


def _flags_of(frames: Sequence[int], flags: PageFile) -> Iterator[int]:
    """Give the flags of frames in ascending order, neighbours read at once; a device's are behind all memory."""
    start = 0
    for end in range(1, len(frames) + 1):
        if end == len(frames) or frames[end] - frames[end - 1] > _GAP:
            first = frames[start]
            words = array("Q", flags.words(first, frames[end - 1] - first + 1))
            known = len(words)
            yield from (words[frame - first] if frame - first < known else NOPAGE for frame in frames[start:end])
            start = end

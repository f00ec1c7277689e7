"""The pages of a process of this machine by the flags of their frames: pagemap tells frames, kpageflags their flags."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from pymemtools.errors import Denied, DeniedProcess, Missing, NoSuchProcess
from pymemtools.procfs.kpageflags import NOPAGE
from pymemtools.readings.mappings import ProcessMaps, read_maps
from pymemtools.readings.page_words import page_words
from pymemtools.sources.base import Source
from pymemtools.sources.page_files import PageFile, page_file

_TRIES = 3  # of a process that calls exec while it is read
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
    for _ in range(_TRIES):
        try:
            with page_file(f"{pid}/pagemap") as pagemap:  # opened first: it stays with the memory that maps is read of
                maps = read_maps(source, pid)
                if maps.problem is not None:
                    raise DeniedProcess(maps.pid, maps.problem)
                return _counted(maps, pagemap)
        except Missing:
            if not read_maps(source, pid).mappings:  # says so itself if there is no such process
                raise Missing(f"pages: {pid} has no memory: it is the kernel's, or a zombie") from None
    raise NoSuchProcess(pid)


def _counted(maps: ProcessMaps, pagemap: PageFile) -> ProcessFrames:
    with ExitStack() as stack:
        try:
            flags, problem = stack.enter_context(page_file("kpageflags")), ""
        except (Denied, Missing) as error:
            flags, problem = None, str(error)
        found = _added(maps, _words(pagemap, maps), flags)
        return found._replace(problem=problem or found.problem)


def _words(pagemap: PageFile, maps: ProcessMaps) -> Iterator[array[int]]:
    """Give the words of pages that may be there, some at a time. Raises Missing where they are gone."""
    for mapping in maps.mappings:
        if mapping.end > 1 << 63:  # [vsyscall] is no memory of the process
            continue
        for _, words in page_words(pagemap, mapping.start, mapping.end):
            yield array("Q", words)


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

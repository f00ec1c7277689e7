"""What is in the anonymous pages of processes, as hashes: nothing else is kept, and nobody is stopped."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import NamedTuple, Protocol

from pymemtools.errors import DeniedProcess, Missing, NoSuchProcess
from pymemtools.models.ksm import MERGEABLE, Contents, may_merge
from pymemtools.probes.process_memory import ProcessMemory, process_memory
from pymemtools.procfs.pagemap import OWN, WORD, anonymous_pages, is_merged, is_zero_page, page_frames
from pymemtools.readings.mappings import read_maps
from pymemtools.readings.page_words import page_words
from pymemtools.sources.base import Source
from pymemtools.sources.page_files import PageFile, page_file, page_size

_PAGES = 256  # pages whose contents are read at once
_RUN = re.compile(rb"[os]{1,%d}" % _PAGES)
_HIDDEN = 1 << 62  # from here on we number pages whose frame is hidden


class Range(NamedTuple):
    """A mapping, and how much anonymous memory it has."""

    start: int
    end: int
    anonymous: int


class ReadContents(NamedTuple):
    """The pages of one process, and what happened while they were read."""

    contents: Contents
    is_advised: bool  # only of memory that the process lets be merged; else of all that could be
    is_changed: bool  # mappings or pages came or went


class Flags(Protocol):
    """Where the flags of frames are read: /proc/kpageflags, which only root is told of."""

    def at(self, places: Iterable[int]) -> dict[int, int]: ...


class ContentReader:
    """Read processes one after the other; their hashes are of one kind, and can be compared.

    ``whole`` reads all memory that could be merged, also of processes that let only some be merged.
    """

    def __init__(self, source: Source, flags: Flags | None, *, whole: bool) -> None:
        self._source = source
        self._whole = whole
        self.flags = flags
        self.page_size = page_size()
        self.zeros = hash(bytes(self.page_size))
        self.merged: set[int] = set()  # frames that KSM has made
        self.hidden = 0  # pages that others may map, too, and whose frame we are not told

    def read(self, pid: int) -> ReadContents:
        """Read one process. Raises NoSuchProcess where it ends meanwhile or calls exec, and Denied."""
        try:
            with page_file(f"{pid}/pagemap") as pagemap, process_memory(pid) as memory:
                ranges, is_advised = self._ranges(pid)
                reading = _Reading(self, pagemap, memory)
                for each in ranges:
                    reading.take(each)
                after, _ = self._ranges(pid)
        except Missing:
            raise NoSuchProcess(pid) from None
        contents = Contents(reading.own, reading.shared, reading.frames)
        return ReadContents(contents, is_advised, is_changed=reading.has_lost or after != ranges)

    def _ranges(self, pid: int) -> tuple[list[Range], bool]:
        """Give the mappings with anonymous memory that KSM may merge, and whether they are those opened to it."""
        maps = read_maps(self._source, pid, "Anonymous".__eq__)
        if maps.problem is not None:
            raise DeniedProcess(pid, maps.problem)
        anonymous = maps.columns.get("Anonymous") or [None] * len(maps.mappings)
        found, advised = [], []
        for mapping, size in zip(maps.mappings, anonymous):
            flags = mapping.vmflags.decode("ascii", "replace").split()
            if size and not mapping.is_shared and may_merge(flags):
                found.append(Range(mapping.start, mapping.end, size))
            if MERGEABLE in flags:
                advised.append(Range(mapping.start, mapping.end, size or 0))
        is_advised = bool(advised) and not self._whole
        return [each for each in advised if each.anonymous] if is_advised else found, is_advised


class _Reading:
    """The pages of one process so far."""

    def __init__(self, reader: ContentReader, pagemap: PageFile, memory: ProcessMemory) -> None:
        self._reader, self._pagemap, self._memory = reader, pagemap, memory
        self.own, self.shared, self.frames = array("q"), array("q"), array("Q")
        self.has_lost = False  # a page was gone before it was read

    def take(self, mapping: Range) -> None:
        """Read the pages of a mapping. Raises Missing where the process has no memory any more."""
        for at, words in page_words(self._pagemap, mapping.start, mapping.end):
            for run in _RUN.finditer(anonymous_pages(words)):
                start = run.start()
                self._take_run(at + start, run[0], words[start * WORD : run.end() * WORD])

    def _take_run(self, first: int, letters: bytes, words: bytes) -> None:
        size = self._reader.page_size
        done = 0
        while done < len(letters):
            data = self._memory.read((first + done) * size, (len(letters) - done) * size)
            if data is None:
                raise Missing("")
            there = len(data) // size
            hashes = map(hash, _pages(there, size).unpack_from(data))
            part = slice(done, done + there)
            if letters.count(OWN, done, done + there) == there:
                self.own.extend(hashes)
            else:
                self._take_shared(letters[part], list(hashes), words[done * WORD : (done + there) * WORD])
            done += there
            if done < len(letters):  # the page after those that were read is not there any more
                self.has_lost = True
                done += 1

    def _take_shared(self, letters: bytes, hashes: list[int], words: bytes) -> None:
        """Take pages of which some may be of several processes, or the page of zeros, which is nobody's."""
        reader, frames = self._reader, page_frames(words)
        known = {frame for letter, frame in zip(letters, frames) if letter != OWN and frame}
        flags = reader.flags.at(known) if reader.flags is not None else {}
        for letter, content, frame in zip(letters, hashes, frames):
            if letter == OWN:
                self.own.append(content)
                continue
            flag = flags.get(frame)
            if content == reader.zeros and (flag is None or is_zero_page(flag)):
                continue
            if not frame:
                reader.hidden += 1
                frame = _HIDDEN + reader.hidden
            elif flag is not None and is_merged(flag):
                reader.merged.add(frame)
            self.shared.append(content)
            self.frames.append(frame)


@lru_cache(maxsize=_PAGES)
def _pages(count: int, size: int) -> Struct:
    """Take so many pages out of what was read."""
    return Struct(f"{size}s" * count)

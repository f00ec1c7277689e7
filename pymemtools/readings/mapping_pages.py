"""Which pages of one mapping are there, from /proc/PID/pagemap and, for root, /proc/kpageflags and kpagecount."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing, NoSuchProcess
from pymemtools.procfs.maps import Mapping
from pymemtools.procfs.pagemap import ZERO, flag_counts, is_zero_page, may_be_zero_page, page_frames, page_states
from pymemtools.readings.address_space import AddressSpace
from pymemtools.sources.page_files import page_file, page_size

_MOST = 1 << 22  # pages that are looked at: 16 GiB of 4 KiB
_MOST_FRAMES = 1 << 18


class MappingPages(NamedTuple):
    """The pages of a mapping, or of the part of it around an address."""

    first: int  # the address of the first page
    page_size: int
    states: bytes  # a letter a page, see procfs.pagemap
    flags: dict[str, int] | None  # pages by the flags of their frames; None: only root is told
    mapped_once: int | None  # pages that nobody else maps


def read_pages(pid: int, read: Callable[[], AddressSpace], address: int) -> tuple[AddressSpace, int, MappingPages]:
    """Read the pages of the mapping that holds an address; give the address space and the mapping's place in it."""
    try:
        with page_file(f"{pid}/pagemap") as pagemap:  # opened first: it stays with the memory that maps is read of
            space = read()
            place = _place(space, address)
            return space, place, _pages(pagemap.words, space.mappings[place], address)
    except Missing:
        read()  # says so itself if the process has no memory: a zombie or a kernel thread
        raise NoSuchProcess(pid) from None


def _place(space: AddressSpace, address: int) -> int:
    place = bisect(space.mappings.starts, address) - 1
    if place < 0 or address >= space.mappings.ends[place]:
        raise MemtoolsError(f"vgraph: nothing is mapped at {address:x}")
    return place


def _pages(words: Callable[[int, int], bytes], mapping: Mapping, address: int) -> MappingPages:
    size = page_size()
    count = mapping.size // size
    first = mapping.start
    if count > _MOST:
        first += (address - mapping.start) // size // _MOST * _MOST * size
        count = min(_MOST, (mapping.end - first) // size)
    found = words(first // size, count)
    if len(found) < 8 * count and mapping.end <= 1 << 63:
        raise Missing("")
    states = page_states(found) or b"A" * count  # of [vsyscall], which is no memory of the process
    frames = page_frames(found)
    present = sorted({frame for frame in frames if frame})[:_MOST_FRAMES]
    if not present:
        return MappingPages(first, size, states, None, None)
    try:
        with page_file("kpageflags") as flags_file, page_file("kpagecount") as count_file:
            flags, counts = flags_file.at(present), count_file.at(present)
    except (Denied, Missing):
        return MappingPages(first, size, states, None, None)
    zero = {frame for frame, value in flags.items() if is_zero_page(value)}
    marked = bytes(
        ZERO if maybe and frame in zero else state
        for state, frame, maybe in zip(states, frames, may_be_zero_page(found))
    )
    once = sum(counts.get(frame) == 1 for frame in frames if frame)
    return MappingPages(first, size, marked, flag_counts(flags.get(frame, 0) for frame in frames if frame), once)

"""What a page frame is used for, by its flags: each combination of flags is of exactly one type.

Source: fs/proc/page.c, stable_page_flags(), Linux 2.6.31 to 7.2. There is no flag of kernel stacks, vmalloc, memory of
drivers and the processors' own lists of free pages: these are what is unmarked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.procfs import kpageflags as flag

HOLE, UNMARKED = "hole", "unmarked"
TYPES = {  # in the order of reports
    "buddy": "free, in blocks of the buddy allocator",
    "anon": "anonymous memory",
    "anon_thp": "anonymous memory in folios of several pages: transparent huge pages, of any size",
    "ksm": "anonymous memory merged by KSM",
    "swap_cache": "in the swap cache, and mapped by nobody",
    "shmem": "shared memory and tmpfs",
    "shmem_thp": "shared memory in folios of several pages",
    "file": "page cache of files and block devices",
    "file_thp": "page cache in folios of several pages",
    "slab": "the kernel's objects",
    "page_table": "page tables (told since Linux 4.18)",
    "huge": "pages of hugetlbfs, in use or not",
    "zero": "the page of zeros that all share, and the huge one",
    "offline": "given back to the host by a balloon, or not online (told of balloons since 3.18, of all since 5.1)",
    "poisoned": "broken, by a memory error",
    "reserved": "kept by the kernel since the start: its image, and what firmware uses",
    "kernel_mapped": "the kernel's own memory that processes have mapped: rings, buffers of drivers",
    UNMARKED: "no flag tells: kernel stacks, vmalloc, drivers, per-processor lists of free pages",
    HOLE: "no memory is there",
}
# What only the page cache has: a page that is in no list of reclaim at the moment is known by it. Referenced and dirty
# are not among them: zap_pte_range() marks the kernel's own pages so that a process wrote to.
_CACHED = flag.LRU | flag.UPTODATE | flag.ACTIVE | flag.WRITEBACK | flag.UNEVICTABLE
_FIRST = (  # of what is told otherwise, too, the first one holds
    (flag.NOPAGE, HOLE),
    (flag.HWPOISON, "poisoned"),
    (flag.OFFLINE, "offline"),
    (flag.BUDDY, "buddy"),  # blocks just freed keep flags of what they were
    (flag.PGTABLE, "page_table"),
    (flag.SLAB, "slab"),  # whose own words lie where page->mapping is: anon and ksm are noise here
    (flag.ZERO_PAGE, "zero"),
    (flag.RESERVED, "reserved"),
    (flag.HUGE, "huge"),
)


def type_of(word: int) -> str:
    """Tell the type of frames with these flags.

    >>> type_of(0x1080), type_of(0x800410028), type_of(0)
    ('slab', 'file_thp', 'unmarked')
    """
    for mark, name in _FIRST:
        if word & mark:
            return name
    if word & flag.SWAPCACHE and not word & flag.MMAP:
        return "swap_cache"
    if word & flag.KSM:
        return "ksm"
    if word & (flag.ANON | flag.SWAPBACKED | _CACHED):
        kind = "anon" if word & flag.ANON else "shmem" if word & flag.SWAPBACKED else "file"
        return f"{kind}_thp" if word & flag.THP else kind
    return "kernel_mapped" if word & flag.MMAP else UNMARKED


class FrameCount(NamedTuple):
    """Frames of one type."""

    frames: int = 0
    mapped: int = 0  # of them, by processes
    dirty: int = 0
    swap_cached: int = 0


def counts_by_type(counts: Mapping[int, int]) -> dict[str, FrameCount]:
    """Add the frames of each type up, of all types in their order.

    >>> counts_by_type({0x5828: 2, 0x1828: 1})["anon"]
    FrameCount(frames=3, mapped=3, dirty=0, swap_cached=0)
    """
    found = dict.fromkeys(TYPES, FrameCount())
    for word, frames in counts.items():
        name = type_of(word)
        marks = (flag.MMAP, flag.DIRTY, flag.SWAPCACHE)
        more = (frames, *(frames if word & mark else 0 for mark in marks))
        found[name] = FrameCount(*map(sum, zip(found[name], more)))
    return found

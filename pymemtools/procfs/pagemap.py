"""/proc/PID/pagemap, one 64-bit word for each page, and /proc/kpageflags, one for each page frame.

Source: Documentation/admin-guide/mm/pagemap.rst; fs/proc/task_mmu.c; include/uapi/linux/kernel-page-flags.h. Bit 58,
of guard regions, is of Linux 6.15. Page frame numbers are 0 to who lacks CAP_SYS_ADMIN (Linux 4.2).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

WORD = 8  # bytes
PRESENT, SWAPPED, ABSENT, GUARD, ZERO = b"PSAGZ"
STATES = {
    PRESENT: "present",
    SWAPPED: "swapped",
    ABSENT: "absent",
    GUARD: "guard",
    ZERO: "zero page",
}
_FRAME = (1 << 55) - 1
_FILE, _EXCLUSIVE = 1 << 61, 1 << 56
_SOFT_DIRTY = 55  # bit
_KSM, _ZERO_PAGE = 21, 24  # KPF_KSM, KPF_ZERO_PAGE
FLAGS = {
    2: "referenced",
    3: "up to date",
    4: "dirty",
    5: "on a list of reclaim",
    6: "active",
    12: "anonymous",
    13: "in the swap cache",
    14: "swap backed",
    17: "hugetlbfs",
    18: "unevictable",
    21: "merged by KSM",
    22: "in a transparent huge page",
    24: "the zero page",
    25: "idle",
}


def _state(top: int) -> int:
    """Tell the state of a page by the highest byte of its word; a guard is kept as a kind of swap entry."""
    if top & 0x04:
        return GUARD
    return PRESENT if top & 0x80 else SWAPPED if top & 0x40 else ABSENT


OWN, SHARED, OTHER = b"os-"


def _anonymous(top: int) -> int:
    """Tell a present page that is no file's and no shared memory's: mapped once, or else perhaps by several."""
    if not top & 0x80 or top & 0x20:
        return OTHER
    return OWN if top & 0x01 else SHARED


_ANONYMOUS = bytes(map(_anonymous, range(256)))
_BY_TOP_BYTE = bytes(map(_state, range(256)))
_TOP_BYTE = WORD - 1 if sys.byteorder == "little" else 0


def page_states(words: bytes) -> bytes:
    """Give one letter for each page.

    >>> page_states((0x81 << 56 | 0x1234).to_bytes(8, sys.byteorder) + bytes(8))
    b'PA'
    """
    return words[_TOP_BYTE::WORD].translate(_BY_TOP_BYTE)


def anonymous_pages(words: bytes) -> bytes:
    """Give ``o`` for each page of anonymous memory that only this process maps, ``s`` for others, ``-`` for no such.

    The page of zeros that is nobody's is an ``s``.

    >>> anonymous_pages(b"".join((top << 56).to_bytes(8, sys.byteorder) for top in (0x81, 0x80, 0xA1, 0x40, 0)))
    b'os---'
    """
    return words[_TOP_BYTE::WORD].translate(_ANONYMOUS)


def page_frames(words: bytes) -> array[int]:
    """Give the page frame number of each page: 0 where it is hidden, or the page is not present."""
    values = array("Q", words)
    return array("Q", (value & _FRAME if value >> 63 else 0 for value in values))


def may_be_zero_page(words: bytes) -> list[bool]:
    """Say of each page whether it may be the one of zeros that all share: that is neither a file's nor anyone's own."""
    return [bool(value >> 63) and not value & (_FILE | _EXCLUSIVE) for value in array("Q", words)]


def is_exclusive(words: bytes) -> list[bool]:
    """Say of each page whether nobody else maps it."""
    return [bool(value & _EXCLUSIVE) for value in array("Q", words)]


def written_pages(words: bytes) -> tuple[int, int]:
    """Count the pages that are in RAM or in swap, and of them those that are soft-dirty: written to."""
    there = [value for value in array("Q", words) if value >> 62]
    return len(there), sum(value >> _SOFT_DIRTY & 1 for value in there)


def is_zero_page(flags: int) -> bool:
    """Tell the page that reads of untouched anonymous memory are given."""
    return bool(flags >> _ZERO_PAGE & 1)


def is_merged(flags: int) -> bool:
    """Tell a page that KSM has made of several."""
    return bool(flags >> _KSM & 1)


def flag_counts(every: Iterable[int]) -> dict[str, int]:
    """Count pages by the flags of their frames; a page may have several, and those without a name are left out."""
    counts = dict.fromkeys(FLAGS.values(), 0)
    for flags in every:
        for bit, name in FLAGS.items():
            counts[name] += flags >> bit & 1
    return {name: count for name, count in counts.items() if count}

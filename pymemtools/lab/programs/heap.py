"""A program that lets malloc() work, and tells break, pointers and what the C library says of itself."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

from pymemtools.lab.programs.base import libc, settle_in, tell

M_MMAP_THRESHOLD, THRESHOLD = -3, 128 << 10
SMALL = range(8, 1064, 8)  # bytes: what the thread's cache may hold, and more
FAST = 160  # bytes: M_MXFAST is no more
NAMES = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks"),
    "keepcost",
)


class Info(ctypes.Structure):
    """struct mallinfo2, and with another type of number mallinfo."""

    _fields_ = [(name, ctypes.c_size_t) for name in NAMES]


class OldInfo(ctypes.Structure):
    """struct mallinfo, whose numbers are int."""

    _fields_ = [(name, ctypes.c_uint) for name in NAMES]


info = libc.mallinfo2 if hasattr(libc, "mallinfo2") else libc.mallinfo
info.restype = Info if hasattr(libc, "mallinfo2") else OldInfo


def drain() -> None:
    """Allocate until nothing that was freed is left: what comes then is carved from the top of the heap."""
    for size in SMALL:
        for _ in range(16):
            libc.malloc(size)
        while size <= FAST and info().fsmblks and (libc.malloc(size) or 0) < libc.sbrk(0) - info().keepcost:
            pass
    size = THRESHOLD // 2
    while size >= 16:
        while (found := info()).fordblks + found.fsmblks - found.keepcost >= size:
            if (libc.malloc(size) or 0) >= libc.sbrk(0) - info().keepcost - size - 16:  # it came from the top: no
                break  # piece is as large, though all together are
        size //= 2


def exhaust() -> None:
    """Leave of the top of the heap no more than the least there is."""
    word = ctypes.sizeof(ctypes.c_size_t)
    least = 4 * word
    while (left := info().keepcost) >= THRESHOLD:
        libc.malloc(THRESHOLD // 2)
    if left > least:
        libc.malloc(max(left - least - word, 0))


def allocate(sizes: list[int]) -> list[dict[str, Any]]:
    """Make the heap as good as young, and call malloc() for each size; look around before, and after each.

    From the one to the end of the other nothing here allocates more than Python's own small blocks, which are no
    business of malloc's. The first of what is given is how it was before; its pointer is where the top begins.
    """
    count = len(sizes)
    numbers = [(ctypes.c_size_t * (count + 1))() for _ in range(6)]
    pointers, breaks, arenas, mapped, regions, used = numbers
    malloc, sbrk = libc.malloc, libc.sbrk
    drain()
    exhaust()
    for i in range(count + 1):
        if i:
            pointers[i] = malloc(sizes[i - 1]) or 0
        breaks[i] = sbrk(0)
        found = info()
        arenas[i], mapped[i], regions[i], used[i] = found.arena, found.hblkhd, found.hblks, found.uordblks
        if i == 0:
            pointers[0] = breaks[0] - found.keepcost
    keys = ("pointer", "break", "arena", "mapped", "regions", "in_use")
    return [dict(zip(keys, row)) for row in zip(*numbers)]


def main() -> None:
    """Allocate what is asked for, and tell all."""
    settle_in(int(sys.argv[1]))
    sizes = [int(word) for word in sys.argv[2:]]
    libc.mallopt(M_MMAP_THRESHOLD, THRESHOLD)  # Python has freed mappings: from now on the threshold stays
    allocate([1] * len(sizes))  # Python has then what it needs for the second time
    tell("ready")
    tell(allocate(sizes))
    os.read(0, 1)


if __name__ == "__main__":
    main()

"""The proportional set size: each page counts as its size by the number of processes that map it.

Source: fs/proc/task_mmu.c, smaps_account(), since 2.6.25. With CONFIG_NO_PAGE_MAPCOUNT (6.15), large folios count by
an average, and the sum over all processes is no more exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_SHIFT = 12  # PSS_SHIFT: fractions of a byte that are kept


class Shared(NamedTuple):
    """Bytes that so many processes map, this one included."""

    size: int
    processes: int


class Sizes(NamedTuple):
    """What smaps would show, in bytes; the kernel prints whole KiB, rounded down."""

    rss: int
    pss: int
    uss: int


def sizes(private: int, shared: Sequence[Shared] = (), page_size: int = 4096) -> Sizes:
    """Add up as the kernel does, page by page with 12 binary digits after the point, what is left being cut off.

    >>> sizes(100 << 10, [Shared(200 << 10, 2)]).pss >> 10
    200

    So the error is below one byte for each 4096 shared pages, and the KiB printed may be one too few: three pages
    that three processes share show as 3 kB. What only one process maps is private, shared mapping or not.
    """
    fixed = private << _SHIFT
    for size, processes in shared:
        pages, rest = divmod(size, page_size)
        fixed += pages * ((page_size << _SHIFT) // processes) + (rest << _SHIFT) // processes
    rss = private + sum(size for size, _ in shared)
    return Sizes(rss, fixed >> _SHIFT, private + sum(size for size, processes in shared if processes < 2))


def exact_pss(private: int, shared: Sequence[Shared] = ()) -> float:
    """Give the bytes without the kernel's rounding: private + shared / processes.

    >>> exact_pss(100 << 10, [Shared(200 << 10, 2), Shared(150 << 10, 3)]) / 1024
    250.0
    """
    return private + sum(size / processes for size, processes in shared)

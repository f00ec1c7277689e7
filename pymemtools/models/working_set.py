"""How much of a mapping was touched, as an interval, by what the kernel tells of it.

Source: fs/proc/task_mmu.c, clear_refs_pte_range(), clear_refs_write(), smaps_account() of Linux 6.12. Writing 1 to
clear_refs does not flush the TLB: a page that is in it is touched without a trace, one or two in a hundred of those
touched right afterwards. mm/memory.c, do_fault_around() maps 16 pages of a file for one that is touched.
"""

from __future__ import annotations

from typing import NamedTuple

TLB_ENTRIES = 4096  # pages that a processor may know by heart; more than any has that we know of
_FAULT_AROUND = 16  # pages of 4 KiB: fault_around_bytes is 64 KiB


class TouchFigures(NamedTuple):
    """What smaps tells of a mapping, in bytes."""

    rss: int
    referenced: int
    shared: int  # pages that others map, too
    huge: int  # in huge pages, which are touched as a whole
    is_file: bool = False
    is_locked: bool = False  # reclaim leaves it alone


class Doubt(NamedTuple):
    """What makes the figures less than exact."""

    page_size: int
    is_flushed: bool  # the TLB, after the bits were cleared
    processors: int  # on which the process may run
    has_reclaimed: bool = False  # memory was reclaimed meanwhile, which clears bits

    @property
    def reach(self) -> int:
        """Give the bytes that may be touched without a trace."""
        return 0 if self.is_flushed else TLB_ENTRIES * self.processors * self.page_size


class Touched(NamedTuple):
    """What was touched of some memory, in bytes."""

    rss: int
    least: int
    most: int

    def plus(self, other: Touched) -> Touched:
        """Add up."""
        return Touched(self.rss + other.rss, self.least + other.least, self.most + other.most)


NOTHING = Touched(0, 0, 0)


def by_referenced(before: TouchFigures | None, after: TouchFigures, doubt: Doubt) -> Touched:
    """Take what smaps calls Referenced, and what may be wrong with it; ``before`` is None for a new mapping.

    >>> doubt = Doubt(4096, is_flushed=True, processors=2)
    >>> by_referenced(TouchFigures(40960, 40960, 0, 0), TouchFigures(40960, 8192, 0, 0), doubt)
    Touched(rss=40960, least=8192, most=8192)
    """
    was = before or TouchFigures(0, 0, 0, 0)
    grown = max(after.rss - was.rss, 0)
    by_others = min(after.shared, after.referenced)
    by_neighbours = grown * (_FAULT_AROUND - 1) // _FAULT_AROUND if after.is_file else 0
    by_huge = after.huge - after.huge // (doubt.page_size // 8)  # a page of each
    least = max(after.referenced - by_others - by_neighbours - by_huge, 0)
    unseen = min(was.referenced, doubt.reach + (was.huge if doubt.reach else 0))
    most = min(after.referenced + unseen, after.rss)
    if doubt.has_reclaimed and not after.is_locked:
        most = after.rss
    return Touched(after.rss, least, most + max(was.rss - after.rss, 0))


def by_bits(rss: int, sure: int, perhaps: int, gone: int = 0) -> Touched:
    """Take bytes whose bits tell that they were touched, and those of which they do not tell."""
    return Touched(rss, sure, sure + perhaps + gone)

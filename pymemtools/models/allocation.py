"""Where the memory of a program that touches it comes from, once all the ways of the kernel are gone through.

Figures are in pages. Source: mm/page_alloc.c, get_page_from_freelist(), __alloc_pages_slowpath(); mm/vmscan.c. The
kernel does some of this at the same time (kswapd reclaims while pages are free still), so the order says what is spent
first, and no more; how much a source yields is known within an interval only, where the kernel itself does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class ZoneLevels(NamedTuple):
    """A zone, as an allocation for a user sees it."""

    name: str
    free: int
    min: int
    low: int
    reserve: int  # lowmem_reserve against allocations that could be had from the highest zone


class Gain(NamedTuple):
    """What something can give that meminfo does not tell of: compressed swap, a cache of ZFS."""

    source: str
    least: int
    most: int
    after_disks: bool = False  # swap of a lower priority than a disk's


class Pools(NamedTuple):
    """What could be had, apart from free pages."""

    file: int  # on the active and inactive file lists
    dirty: int  # and under writeback
    mapped: int  # file pages that programs have mapped, shared memory among them
    slab: int  # reclaimable
    swap_free: int  # on disks
    others: Sequence[Gain] = ()


class Yield(NamedTuple):
    """What one source gives: pages that are surely there, those that may be, and what is taken of the latter."""

    source: str
    least: int
    most: int
    taken: int


class Supply(NamedTuple):
    """Where the pages come from, and how many are missing: if all is there that may be, or only what surely is."""

    yields: list[Yield]
    missing_at_least: int
    missing_at_most: int


def free_above(zones: Sequence[ZoneLevels], mark: str) -> int:
    """Give the free pages that may be taken before each zone is down to ``min`` or ``low``."""
    return sum(max(zone.free - getattr(zone, mark) - zone.reserve, 0) for zone in zones)


def supply(
    pages: int, zones: Sequence[ZoneLevels], pools: Pools, possible: Pools | None = None, *, knows_marks: bool = True
) -> Supply:
    """Say where ``pages`` come from: free down to low, clean file pages, slab, dirty ones, swap, free down to min.

    >>> found = supply(50, [ZoneLevels("Normal", 40, 5, 10, 0)], Pools(30, 10, mapped=5, slab=8, swap_free=0))
    >>> [(each.source, each.taken) for each in found.yields if each.taken]
    [('free', 30), ('clean file pages', 20)]

    File pages that are mapped, shared memory apart, can be had as well, but then programs read their code again and
    again; of reclaimable slab, nobody tells how much is in use. Where not all is known, ``pools`` are those with which
    least can be had, ``possible`` those with which most can, and of guessed watermarks nothing is sure.
    """
    possible = possible or pools
    low = free_above(zones, "low")
    below = free_above(zones, "min") - low
    least_below, most_below = (below, below) if knows_marks else (0, sum(zone.free for zone in zones) - low)
    clean = max(pools.file - pools.dirty - pools.mapped, 0)
    dirty, most_dirty = (min(possible.dirty, each.file) for each in (pools, possible))
    others = [each._replace(most=more.most) for each, more in zip(pools.others, possible.others)]
    sources = (
        ("free", low, low),
        ("clean file pages", clean, max(possible.file - possible.dirty, 0)),
        ("reclaimable slab", 0, possible.slab),
        ("dirty file pages, once written", dirty, most_dirty),
        *(each[:3] for each in others if not each.after_disks),
        ("swap", pools.swap_free, possible.swap_free),
        *(each[:3] for each in others if each.after_disks),
        ("free below the low watermarks", least_below, most_below),
    )
    yields = []
    left = left_of_sure = pages
    for name, least, most in sources:
        taken = min(left, most)
        left -= taken
        left_of_sure -= min(left_of_sure, least)
        yields.append(Yield(name, least, most, taken))
    return Supply(yields, left, left_of_sure)


def zones_after(zones: Sequence[ZoneLevels], taken: int) -> list[int]:
    """Give each zone's free pages after ``taken`` were: the last zone first, all down to low, and then to min."""
    free = [zone.free for zone in zones]
    for mark in ("low", "min"):
        for place in reversed(range(len(zones))):
            room = max(free[place] - getattr(zones[place], mark) - zones[place].reserve, 0)
            free[place] -= min(room, taken)
            taken -= min(room, taken)
    return free


def page_tables(pages: int, page_size: int) -> int:
    """Give the pages of page tables for so many pages, at the least: an entry of 8 bytes for each."""
    return -(-pages * 8 // page_size)

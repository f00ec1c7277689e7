"""Dirty memory: how much may wait to be written before the kernel, or the writer, writes it.

Figures are in pages but where the name says otherwise. Source: mm/page-writeback.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.models.release import Version, since


class HighZone(NamedTuple):
    """A highmem zone, as dirtyable memory sees it; in pages."""

    free: int
    high: int
    managed: int
    protection: Sequence[int]
    file: int  # on its active and inactive file lists


class DirtySettings(NamedTuple):
    """vm.dirty_*: of a ratio and its bytes, one is 0."""

    dirty_ratio: int
    dirty_background_ratio: int
    dirty_bytes: int = 0
    dirty_background_bytes: int = 0


class Thresholds(NamedTuple):
    """From ``background`` on the kernel writes, from ``dirty`` on writers wait."""

    dirty: int
    background: int


def total_reserve(zones: Sequence[tuple[int, int, Sequence[int]]]) -> int:
    """Add up what zones (managed, high, protection) keep for themselves. Source: calculate_totalreserve_pages()."""
    return sum(min(max(protection, default=0) + high, managed) for managed, high, protection in zones)


def dirtyable(
    free: int,
    file: int,
    reserve: int,
    high_zones: Sequence[HighZone] = (),
    version: Version | None = None,
    *,
    swappable: int = 0,
) -> int:
    """Give the memory that thresholds are a share of: free and file pages, without the reserves.

    ``high_zones`` are those that do not count (vm.highmem_is_dirtyable = 0). Before 3.14 anonymous pages counted, too,
    while swap was free (``swappable``); before 3.3 the reserves were not left out. Source: global_dirtyable_memory(),
    determine_dirtyable_memory().
    """
    is_old = not since(version, (4, 8))
    if not since(version, (3, 14), (3, 10, 65)):
        file += swappable
        reserve = reserve if since(version, (3, 3)) else 0
    whole = free - min(free, reserve) + file
    high = 0
    for zone in high_zones:
        kept = min(max(zone.protection, default=0) + zone.high, zone.managed) if is_old else zone.high
        high += zone.free - min(zone.free, kept) + zone.file
    return whole - min(whole, high) + 1


def thresholds(
    memory: int, settings: DirtySettings, *, page_size: int = 4096, version: Version | None = None
) -> Thresholds:
    """Give the two thresholds of ``memory``, which is dirtyable().

    Ratios are worked with in 4096ths from 4.7 on, and in later stable kernels of 4.4: 20 % is 819/4096. Before 2.6.37
    dirty_ratio is 5 at the least. Source: domain_dirty_limits(), global_dirty_limits(), get_dirty_limits().
    """
    if not since(version, (2, 6, 37)) and not settings.dirty_bytes:
        settings = settings._replace(dirty_ratio=max(settings.dirty_ratio, 5))
    is_coarse = not since(version, (4, 7), (4, 4, 14))
    dirty = _share(memory, settings.dirty_ratio, settings.dirty_bytes, page_size, is_coarse=is_coarse)
    background = _share(
        memory, settings.dirty_background_ratio, settings.dirty_background_bytes, page_size, is_coarse=is_coarse
    )
    return Thresholds(dirty, dirty // 2 if background >= dirty else background)


def _share(memory: int, ratio: int, size: int, page_size: int, *, is_coarse: bool) -> int:
    if size:
        return -(-size // page_size)
    return ratio * memory // 100 if is_coarse else (ratio * page_size // 100) * memory // page_size

"""The reserves of memory zones: min_free_kbytes, the watermarks min, low and high, and lowmem_reserve.

All figures are in pages but where the name says kbytes. Source: mm/page_alloc.c of Linux 2.6.18 to 6.18.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

from pymemtools.models.release import Version, since

MIN_FREE_FLOOR = 128  # kB
_HIGH = ("HighMem",)
_ORDER = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")


class SizedZone(NamedTuple):
    """A zone, as the rules see it."""

    name: str
    managed_pages: int  # present before Linux 3.8, which did not tell the two apart


class Marks(NamedTuple):
    """The watermarks of a zone."""

    min_pages: int
    low_pages: int
    high_pages: int


def min_free_cap_kbytes(version: Version | None) -> int:
    """Give the most that the kernel chooses for itself: 64 MiB to Linux 5.4, 256 MiB from 5.10 at the latest."""
    return 262144 if since(version, (5, 8)) else 65536


def boot_min_free_kbytes(lowmem_kbytes: int, cap_kbytes: int = 262144) -> int:
    """Give min_free_kbytes as the kernel sets it at boot: 4 * sqrt(lowmem_kbytes), within limits.

    >>> boot_min_free_kbytes(16384), boot_min_free_kbytes(8 << 20)
    (512, 11585)

    Source: calculate_min_free_kbytes(), before 5.16 init_per_zone_wmark_min(). Lowmem is what GFP_USER may use, less
    the high watermarks, which are 0 when this is first worked out.
    """
    return max(MIN_FREE_FLOOR, min(isqrt(lowmem_kbytes * 16), cap_kbytes))


def huge_pages_min_free_kbytes(
    zones: int, lowmem_pages: int, pageblock_pages: int | None = None, page_kib: int = 4
) -> int:
    """Give the least min_free_kbytes that transparent huge pages ask for.

    ``zones`` counts the populated zones up to Normal, those of every node. It holds while THP are enabled or madvise,
    which a machine below 512 MiB switches off at boot. Source: mm/khugepaged.c, set_recommended_min_free_kbytes().
    """
    types = 3  # MIGRATE_PCPTYPES
    pageblock_pages = pageblock_pages or page_kib * 128  # a huge page: as many as a page of 8-byte entries maps
    recommended = pageblock_pages * zones * 2 + pageblock_pages * zones * types * types
    return min(recommended, lowmem_pages // 20) * page_kib


def huge_pages_at_boot(ram: int) -> bool:
    """Tell whether a boot leaves transparent huge pages on, by the bytes of RAM. Source: hugepage_init()."""
    return ram >= 512 << 20


def watermarks(
    zones: Sequence[SizedZone],
    min_free_kbytes: int,
    scale_factor: int | None,
    *,
    page_kib: int = 4,
    movable_is_high: bool = True,
) -> list[Marks]:
    """Work out the watermarks as a write to min_free_kbytes or watermark_scale_factor leaves them.

    ``scale_factor`` is vm.watermark_scale_factor, None on kernels without it (before 4.6), where low and high are a
    quarter and half of min above it. ``movable_is_high``: see movable_counts_as_high(). Those that boot left may be a
    few pages off: zones still grew when they were worked out. Source: __setup_per_zone_wmarks().
    """
    high = (*_HIGH, "Movable") if movable_is_high else _HIGH
    pages_min = min_free_kbytes // page_kib
    lowmem = sum(zone.managed_pages for zone in zones if zone.name not in high)
    found = []
    for zone in zones:
        share = pages_min * zone.managed_pages // lowmem if lowmem else 0
        least = max(32, min(zone.managed_pages // 1024, 128)) if zone.name in high else share
        if scale_factor is None:
            found.append(Marks(least, least + (share >> 2), least + (share >> 1)))
            continue
        whole, rest = divmod(zone.managed_pages, 10000)
        gap = max(share >> 2, whole * scale_factor + rest * scale_factor // 10000)
        found.append(Marks(least, least + gap, least + 2 * gap))
    return found


def lowmem_reserve(managed_pages: Sequence[int], ratios: Sequence[int]) -> list[list[int]]:
    """Give for each zone what it keeps from allocations that could as well be had from each higher zone.

    Both are in the order of the kernel's zone types, absent zones with 0 pages. Source:
    setup_per_zone_lowmem_reserve().
    """
    reserves = []
    for low, pages in enumerate(managed_pages):
        ratio = ratios[low] if low < len(ratios) else 0
        row = [0] * len(managed_pages)
        for preferred in range(low + 1, len(managed_pages)):
            if pages and ratio >= 1:
                row[preferred] = sum(managed_pages[low + 1 : preferred + 1]) // ratio
        reserves.append(row)
    return reserves


def zone_types(names: Sequence[str], count: int) -> list[str]:
    """Name the kernel's zone types in order, from the zones it shows and how many types there are.

    >>> zone_types(["DMA", "DMA32"], 5), zone_types(["Normal", "HighMem"], 3)
    (['DMA', 'DMA32', 'Normal', 'Movable', 'Device'], ['Normal', 'HighMem', 'Movable'])

    Before 4.12 zoneinfo leaves out empty zones. Normal and Movable are in every kernel; what else may be there is
    likely to be high: where there is a DMA zone, it has memory.
    """
    likely = ("DMA32", "Device") if count >= 5 or "DMA32" in names else ("Device", "HighMem")
    types = {*names, "Normal", "Movable"}
    for name in (*likely, "DMA"):
        if len(types) < count:
            types.add(name)
    return [name for name in _ORDER if name in types][:count]


def movable_counts_as_high(zones: Sequence[tuple[str, int, int | None]], version: Version | None) -> bool:
    """Tell which rule a kernel has for ZONE_MOVABLE: by what an empty one shows as min, else by high memory or version.

    Zones are (name, managed, min). Source: include/linux/mmzone.h, is_highmem_idx(): Movable counts as high where what
    is movable comes from high memory; since 6.6 __setup_per_zone_wmarks() treats it so everywhere.
    """
    for name, managed, least in zones:
        if name == "Movable" and not managed and least is not None:
            return least == 32
    has_high = any(name == "HighMem" and managed for name, managed, _ in zones)
    return has_high or since(version, (6, 6))

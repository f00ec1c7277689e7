"""How much the page cache can hold, what reading costs besides, and how long it takes. In pages, unless a name tells.

Measured on Linux 4.4 (a guest of 371 MiB: within 0.2 %), 6.8 and 6.18 (a memory cgroup: exact).
"""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.models.release import Version, since
from pymemtools.models.watermarks import SizedZone, boot_min_free_kbytes, watermarks

ISOLATED = 32  # SWAP_CLUSTER_MAX, which a cgroup reclaims at least
LARGE_FOLIO = 512  # of 2 MiB with pages of 4 KiB
_INDEXED = 448  # pages for which a page of xarray nodes is needed: 7 nodes of 64 slots to a page


class Readers(NamedTuple):
    """Memory that ``k`` processes take who all have a whole file before them; page tables in pages, too."""

    cache: int
    anonymous: int
    page_tables: int

    @property
    def total(self) -> int:
        """Add up."""
        return sum(self)


def room(free: int, file: int, high: int) -> int:
    """Give how many pages of files can be cached at most: what is free or cached, less what stays free.

    kswapd keeps the sum of the zones' ``high`` watermarks free; with what lies on per-cpu lists, and what it does too
    much, 1.3 to 1.5 times that. The nodes that find cached pages take memory, too.
    """
    available = free + file - high * 7 // 5
    return max(available - available // _INDEXED, 0)


def room_of_cgroup(limit: int, version: Version | None = None) -> int:
    """Give how many pages can be cached within a limit: one reclaim batch less, once it was reached.

    A batch is a folio of 2 MiB where the file system has large ones (ext4: 6.16).
    """
    return max(limit - (LARGE_FOLIO if since(version, (6, 16)) else ISOLATED), 0)


def room_at_boot(available: int, *, page_size: int = 4096, version: Version | None = None) -> int:
    """Estimate room() of a machine with one large zone that boot left ``available`` pages of, free or cached."""
    kib = page_size // 1024
    scale = 10 if since(version, (4, 6)) else None
    (marks,) = watermarks([SizedZone("Normal", available)], boot_min_free_kbytes(available * kib), scale, page_kib=kib)
    return room(available, 0, marks.high_pages)


def dma_zone_room(ram: int) -> int:
    """Give the pages of an x86 machine's ZONE_DMA that file pages may take: 3840 less lowmem_reserve and low.

    >>> dma_zone_room(98304), dma_zone_room(2 << 20)
    (3443, 0)
    """
    managed = 3840  # 16 MiB, less the first one
    return max(managed - (ram - managed) // 256 - 28, 0)


def with_readahead(pages: int, window: int, file: int | None = None) -> int:
    """Give how much is cached when the first pages of a file were read: whole windows, and one ahead.

    ``window`` is read_ahead_kb in pages. True within a window: the first ones are smaller. Source:
    mm/readahead.c, page_cache_async_ra().
    """
    if not window or not pages:
        return pages
    end = -(-pages // window) * window + window
    return end if file is None else max(min(end, file), pages)


def readers(pages: int, count: int, *, mapped: bool, page_size: int = 4096, is_64bit: bool = True) -> Readers:
    """Give what ``count`` processes take that read() a file into memory of their own, or map it.

    A page table maps page_size / 8 pages (/ 4 on 32-bit). Measured on 6.18: exact but for 54 pages of 25600.
    """
    tables = -(-pages // (page_size // (8 if is_64bit else 4))) * count
    return Readers(pages, 0 if mapped else pages * count, tables)


def seconds(misses: int, touched: int, *, disk: float, copying: float, page_size: int = 4096) -> float:
    """Give how long a pass takes: reading what misses at ``disk``, then copying everything, in bytes a second."""
    return misses * page_size / disk + touched * page_size / copying

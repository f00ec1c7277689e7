"""How free memory lies in blocks: whether an allocation of an order fails for want of memory, or of large blocks.

Source: mm/vmstat.c, fill_contig_page_info(), unusable_free_index(), __fragmentation_index(), Linux 2.6.35 and later: in
thousandths, rounded as there. The kernel shows them as debugfs's extfrag/unusable_index and extfrag_index.
"""

from __future__ import annotations

from collections.abc import Sequence

SUITABLE = -1000  # the fragmentation index where a block is free: nothing fails


def unusable_permille(blocks: Sequence[int], order: int) -> int:
    """Give the share of free memory that is in blocks too small for an order; all of it where none is free.

    >>> unusable_permille([4, 2, 1], 0), unusable_permille([4, 2, 1], 2), unusable_permille([0, 0, 0], 1)
    (0, 666, 1000)
    """
    free = _free_pages(blocks)
    large = sum(count << size for size, count in enumerate(blocks) if size >= order)
    return (free - large) * 1000 // free if free else 1000


def fragmentation_permille(blocks: Sequence[int], order: int) -> int:
    """Tell why an allocation of an order fails: towards 0 for want of memory, towards 1000 as it lies in small blocks.

    -1000 where it would not fail, and 0 where nothing is free.

    >>> fragmentation_permille([4, 2, 1], 2), fragmentation_permille([1000, 0, 0], 2), fragmentation_permille([2], 2)
    (-1000, 749, 250)
    """
    count = sum(blocks)
    if not count:
        return 0
    if any(blocks[order:]):
        return SUITABLE
    return 1000 - (1000 + _free_pages(blocks) * 1000 // (1 << order)) // count


def _free_pages(blocks: Sequence[int]) -> int:
    return sum(count << size for size, count in enumerate(blocks))

"""Transparent huge pages of a machine: settings, counters, and whether large blocks are free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pymemtools.errors import Missing
from pymemtools.models.fragmentation import SUITABLE, fragmentation_permille, unusable_permille
from pymemtools.readings.huge_pages import HugePages, read_huge_pages
from pymemtools.report import Column, Report, table_of
from pymemtools.sources.base import Source

COLUMNS = (
    Column("node", "Node", "the NUMA node", "count", 4),
    Column("zone", "Zone", "DMA, DMA32, Normal, HighMem, Movable or Device", "text", 8, right=False),
    Column("order", "Order", "of a block of 1, 2, 4 ... pages: 0, 1, 2 ...", "count", 5),
    Column("size", "Size", "length of such a block", "bytes", 8),
    Column("free_count", "Blocks", "how many of just this size are free", "count", 8),
    Column("unusable_permille", "Unusable", "share of free memory that is in smaller blocks", "permille", 8),
    Column(
        *("fragmentation_permille", "Fragmentation"),
        "why one of this size fails: 0 for want of memory, 1000 as it lies in small blocks; unknown: it does not fail",
        *("permille", 13),
    ),
)


class ZoneBlocks(NamedTuple):
    """What is free of a zone in blocks of one order."""

    node: int
    zone: str
    order: int
    size: int
    free_count: int
    unusable_permille: int
    fragmentation_permille: int | None


class HugePageStatus(NamedTuple):
    """All of it."""

    pages: HugePages
    rows: list[ZoneBlocks]


def thp_report(source: Source) -> Report:
    """Read the state of huge pages. Raises Missing where the source tells nothing of it."""
    pages = read_huge_pages(source)
    if not (pages.settings or pages.counters or pages.blocks):
        raise Missing("thp: the source tells nothing of huge pages: no transparent_hugepage, vmstat and buddyinfo")
    notes = (*pages.notes, *lacking(pages))
    return Report(
        "thp",
        table_of(COLUMNS, rows := list(_rows(pages))),
        HugePageStatus(pages, rows),
        totals=totals_of(pages),
        facts=source.facts._asdict(),
        notes=notes,
        warnings=notes,
    )


def lacking(pages: HugePages) -> Iterator[str]:
    """Say that there are none, or that nothing is known of how they are set."""
    if pages.is_without:
        yield "the kernel or the processor has no transparent huge pages: no /sys/kernel/mm/transparent_hugepage"
    elif not pages.settings:
        yield "the source has no settings: transparent_hugepage/"


def _rows(pages: HugePages) -> Iterator[ZoneBlocks]:
    for (node, zone), blocks in pages.blocks.items():
        for order, count in enumerate(blocks):
            index = fragmentation_permille(blocks, order)
            known = None if index == SUITABLE else index
            yield ZoneBlocks(
                node, zone, order, pages.page_size << order, count, unusable_permille(blocks, order), known
            )


def totals_of(pages: HugePages) -> dict[str, Any]:
    """Give settings and counters for programs."""
    return {
        "huge_page_size": pages.size,
        "settings": dict(pages.settings),
        "khugepaged": dict(pages.khugepaged),
        "sizes": [each._asdict() for each in pages.sizes],
        "counters": dict(pages.counters),
        "amounts": dict(pages.amounts),
    }

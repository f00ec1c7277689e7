"""When kswapd wakes: zones that fill with clean page cache, beside the watermarks of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.procfs.zoneinfo import Zone
from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, at_least, at_most, equal
from pymemtools.reports.lab.plan import Findings, outcome
from pymemtools.reports.what_if.asked import Asked
from pymemtools.reports.what_if.watermarks import Watermarks, WatermarksRequest, watermarks_report

_HELD_BACK = (
    100  # a zone keeps up to one part in so many for urgent allocations. Source: reserve_highatomic_pageblock()
)
STEP = 1 << 20  # bytes that are read between two looks
COLUMNS = (
    Column("seconds", "", "since the first read", "seconds"),
    Column("read", "read", "so much has been read", "bytes", 8),
    Column("node", "node", "NUMA node", "count", 4),
    Column("zone", "zone", "name of the zone", "text", 7, right=False),
    Column("free", "free", "free in the zone", "bytes", 8),
    Column("free_ahead", "", "free in the zone at the last look before kswapd ran, near low only", "bytes"),
    Column("min", "", "watermarks of the zone", "bytes"),
    Column("low", "low", "watermarks of the zone", "bytes", 6),
    Column("predicted_low", "model", "low by what-if watermarks", "bytes", 6),
    Column("high", "", "watermarks of the zone", "bytes"),
    Column("kept", "kept", "of the zone from allocations that a higher one could serve", "bytes", 8),
    Column("kswapd_scanned_pages", "kswapd", "pages that kswapd has looked at since", "count", 6),
    Column("direct_scanned_pages", "direct", "pages that those looked at who allocated", "count", 6),
    Column("slack", "", "by so much low may be exceeded: held back, and read between two looks", "bytes"),
)


class FillRequest(NamedTuple):
    """Nothing is to be chosen."""


def predicted_low(asked: Asked) -> Mapping[tuple[int, str], int]:
    """Ask ``what-if watermarks`` below what kswapd wakes, in bytes, by node and zone."""
    found: Watermarks = watermarks_report(asked, WatermarksRequest()).answer
    return {(zone.node, zone.zone): zone.then.low for zone in found.zones}


def held_back(zone: Zone) -> int:
    """Give the pages of a zone that may be free below its low watermark."""
    return zone.usable // _HELD_BACK


def zone_rows(
    zones: Sequence[Zone], ahead: Sequence[Zone], lows: Mapping[tuple[int, str], int], page_size: int
) -> list[dict[str, Any]]:
    """Make a row of each zone that has memory: what it keeps is what it keeps from the highest."""
    free_ahead = {(zone.node, zone.name): zone.free * page_size for zone in ahead}
    return [
        {
            "node": zone.node,
            "zone": zone.name,
            "free": zone.free * page_size,
            "free_ahead": free_ahead.get((zone.node, zone.name)),
            "min": zone.min * page_size,
            "low": zone.low * page_size,
            "predicted_low": lows.get((zone.node, zone.name)),
            "high": zone.high * page_size,
            "kept": max(zone.protection, default=0) * page_size,
            "slack": held_back(zone) * page_size + STEP,
        }
        for zone in zones
        if zone.usable
    ]


def fill_report(found: Findings) -> Report:
    """Hold the moment at which kswapd woke against the watermarks."""
    return outcome("watermarks", COLUMNS, found, list(_laws(found.rows)), read=found.rows[-1]["read"])


def _laws(rows: Sequence[Mapping[str, Any]]) -> Iterator[Law]:
    last = [row for row in rows if row["read"] == rows[-1]["read"]]
    yield at_least("kswapd woke", 1, last[0]["kswapd_scanned_pages"])
    yield all_of("it woke with every zone near low", (_near(row) for row in last))
    yield at_least("free memory was never below min", sum(row["min"] for row in last), sum(row["free"] for row in last))
    yield equal("nobody who allocated had to reclaim", 0, last[0]["direct_scanned_pages"])


def largest(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give the rows of the zone that had most free at the beginning."""
    first = max(rows[: len({(row["node"], row["zone"]) for row in rows})], key=lambda row: row["free"])
    return [row for row in rows if (row["node"], row["zone"]) == (first["node"], first["zone"])]


def is_near(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether every zone is near its low watermark, or was."""
    return all(_near(row).holds for row in rows)


def _near(row: Mapping[str, Any]) -> Law:
    """Demand that it was near low when kswapd had run, or just before: others may give back meanwhile."""
    free = min(row[key] for key in ("free", "free_ahead") if row[key] is not None)
    return at_most(f"{row['zone']} of node {row['node']}", row["low"] + row["kept"] + row["slack"], free)

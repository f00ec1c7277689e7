"""Paging by what ``sadf -j`` says of a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymemtools.readings.sadf import SadfDay, SadfInterval
from pymemtools.report import Report
from pymemtools.reports.faults.rates import FaultRates
from pymemtools.reports.faults.report import FaultCourse, course_report

TWICE = "sysstat counted stolen pages twice on Linux 5.9 and newer: they are left out"
LOCAL = "times are those of a zone that sadf does not name: with its option -T or -t it leaves UTC"


def sadf_report(day: SadfDay, facts: Mapping[str, Any]) -> Report:
    """Take the intervals as they are; what sar does not count is unknown."""
    rows = [_row(day, each) for each in day.intervals]
    notes = [*([TWICE] if day.steals_twice else []), *([] if day.intervals[0].ends_at.endswith("Z") else [LOCAL])]
    return course_report(
        FaultCourse(rows, day.starts, day.host),
        {**facts, "kernel": day.kernel, "page_size": day.page_size, "taken_at": None},
        notes,
    )


def _row(day: SadfDay, each: SadfInterval) -> FaultRates:
    paging, swap = each.paging, each.swap
    faults, major = paging.get("fault"), paging.get("majflt")
    kswapd, direct = paging.get("pgscank"), paging.get("pgscand")
    scanned = None if kswapd is None or direct is None else round(kswapd + direct, 2)
    stolen = None if day.steals_twice else paging.get("pgsteal")
    return FaultRates(
        read_at=each.ends_at,
        interval_seconds=each.seconds,
        minor_faults_per_second=None if faults is None or major is None else round(max(faults - major, 0), 2),
        major_faults_per_second=major,
        paged_in_bytes_per_second=_scaled(paging.get("pgpgin"), 1024),
        paged_out_bytes_per_second=_scaled(paging.get("pgpgout"), 1024),
        swapped_in_bytes_per_second=_scaled(swap.get("pswpin"), day.page_size),
        swapped_out_bytes_per_second=_scaled(swap.get("pswpout"), day.page_size),
        scanned_pages_per_second=scanned,
        kswapd_scanned_pages_per_second=kswapd,
        direct_scanned_pages_per_second=direct,
        stolen_pages_per_second=stolen,
        stolen_percent=round(100 * stolen / scanned, 2) if stolen is not None and scanned else None,
        some_stalled_percent=each.stalled.get("some_avg"),
        full_stalled_percent=each.stalled.get("full_avg"),
    )


def _scaled(rate: float | None, factor: int | None) -> float | None:
    return None if rate is None or factor is None else round(rate * factor, 2)

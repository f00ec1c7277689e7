"""Events of paging a second: of the whole machine, between two moments."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.procfs.pressure import Stall
from pymemtools.procfs.vmstat import grown, paging_events
from pymemtools.readings.paging import PagingMoment, is_same_boot, seconds_between, start_of
from pymemtools.report import READ_AT, Column
from pymemtools.units import times

COLUMNS = (
    READ_AT,
    Column("interval_seconds", "s", "over which the rates are means; null: the machine was started in it", "seconds"),
    Column("minor_faults_per_second", "minor", "faults that no disk had to be waited for", "count/s"),
    Column("major_faults_per_second", "major", "faults that waited for a disk or for swap", "count/s"),
    Column("paged_in_bytes_per_second", "in", "read from disks: files, swap, and by whoever reads them raw", "bytes/s"),
    Column("paged_out_bytes_per_second", "out", "written to disks", "bytes/s"),
    Column("swapped_in_bytes_per_second", "si", "of these read from swap", "bytes/s"),
    Column("swapped_out_bytes_per_second", "so", "of these written to swap", "bytes/s"),
    Column("scanned_pages_per_second", "scan", "pages looked at in search of memory, by whomever", "pages/s"),
    Column("kswapd_scanned_pages_per_second", "", "of these by kswapd, in the background", "pages/s"),
    Column("direct_scanned_pages_per_second", "", "of these by processes that wanted memory", "pages/s"),
    Column("stolen_pages_per_second", "steal", "pages taken back, each counted once", "pages/s"),
    Column("stolen_percent", "", "pages taken back, of those looked at; null: none was", "percent"),
    Column("refaulted_pages_per_second", "refault", "pages needed again soon after they were taken back", "pages/s"),
    Column("direct_reclaims_per_second", "stall", "how often a process had to find memory itself", "count/s"),
    Column("some_stalled_percent", "psi", "of the time in which some process waited for memory", "percent"),
    Column("full_stalled_percent", "", "of the time in which all did", "percent"),
    Column("oom_kills", "", "processes killed for want of memory in the interval", "count"),
)


class FaultRates(NamedTuple):
    """The mean rates between two moments; all None between two boots."""

    read_at: str | None
    interval_seconds: float | None
    minor_faults_per_second: float | None = None
    major_faults_per_second: float | None = None
    paged_in_bytes_per_second: float | None = None
    paged_out_bytes_per_second: float | None = None
    swapped_in_bytes_per_second: float | None = None
    swapped_out_bytes_per_second: float | None = None
    scanned_pages_per_second: float | None = None
    kswapd_scanned_pages_per_second: float | None = None
    direct_scanned_pages_per_second: float | None = None
    stolen_pages_per_second: float | None = None
    stolen_percent: float | None = None
    refaulted_pages_per_second: float | None = None
    direct_reclaims_per_second: float | None = None
    some_stalled_percent: float | None = None
    full_stalled_percent: float | None = None
    oom_kills: int | None = None


def rates_between(before: PagingMoment, after: PagingMoment) -> FaultRates:
    """Divide what was counted in between by the time; between two boots, or without a clock, nothing is known."""
    is_same = is_same_boot(before, after)
    seconds = seconds_between(before, after)
    if is_same is False or seconds is None:
        return FaultRates(after.read_at, None)
    events = paging_events(grown(before.counters, after.counters, wraps=is_same is True))

    def rate(count: int | None) -> float | None:
        return None if count is None else round(count / seconds, 3)

    stolen, scanned = events.stolen_pages, events.scanned_pages
    return FaultRates(
        read_at=after.read_at,
        interval_seconds=round(seconds, 3),
        minor_faults_per_second=rate(events.minor_faults),
        major_faults_per_second=rate(events.major_faults),
        paged_in_bytes_per_second=rate(events.paged_in),
        paged_out_bytes_per_second=rate(events.paged_out),
        swapped_in_bytes_per_second=rate(times(events.swapped_in_pages, after.page_size)),
        swapped_out_bytes_per_second=rate(times(events.swapped_out_pages, after.page_size)),
        scanned_pages_per_second=rate(scanned),
        kswapd_scanned_pages_per_second=rate(events.kswapd_scanned_pages),
        direct_scanned_pages_per_second=rate(events.direct_scanned_pages),
        stolen_pages_per_second=rate(stolen),
        stolen_percent=round(100 * stolen / scanned, 2) if scanned and stolen is not None else None,
        refaulted_pages_per_second=rate(events.refaulted_pages),
        direct_reclaims_per_second=rate(events.direct_reclaims),
        some_stalled_percent=_waited(before.pressure.some, after.pressure.some, seconds),
        full_stalled_percent=_waited(before.pressure.full, after.pressure.full, seconds),
        oom_kills=events.oom_kills,
    )


def rates_since_start(moment: PagingMoment) -> FaultRates:
    """Give the mean rates since the machine was started: what a single moment tells."""
    return rates_between(start_of(moment), moment)


def _waited(before: Stall, after: Stall, seconds: float) -> float | None:
    """Give the share of the time that was lost, in percent; by the totals, as averages are of other intervals."""
    if before.seconds is None or after.seconds is None or after.seconds < before.seconds:
        return None
    return round(100 * (after.seconds - before.seconds) / seconds, 2)

"""The course of paging: of a machine, or of its processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Missing
from pymemtools.readings.hidden import invisible
from pymemtools.readings.page_size import IS_ASSUMED, page_size_of
from pymemtools.readings.paging import PagingMoment, is_same_boot
from pymemtools.readings.process_faults import FaultsMoment
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.faults.processes import (
    PROCESS_COLUMNS,
    Machinery,
    ProcessRates,
    costliest,
    process_rates,
)
from pymemtools.reports.faults.rates import COLUMNS, FaultRates, rates_between, rates_since_start
from pymemtools.sources.base import Source

SINCE_START = "means since the machine was started"
SINCE_THEIR_START = "means since each process was started"
ANEW = "the machine was started anew in between: its counters began at 0"
NO_CLOCK = "neither uptime nor the time of taking tells how much time went by"


class FaultCourse(NamedTuple):
    """Intervals in order of time, and when the machine was started between two of them."""

    rows: Sequence[FaultRates]
    starts: Sequence[str] = ()  # ISO 8601
    host: str | None = None  # where it is known


class ProcessCourse(NamedTuple):
    """The processes of one interval, as they are shown."""

    rows: Sequence[ProcessRates]


def course_of(moments: Iterable[PagingMoment]) -> Iterator[FaultRates]:
    """Give the rates between each moment and the next one."""
    before = None
    for moment in moments:
        if before is not None:
            yield rates_between(before, moment)
        before = moment


_TIME = Column("time", "time", "when the interval ended, by the clock; - where nothing tells", "text")


def course_report(course: FaultCourse, facts: Mapping[str, Any], notes: Sequence[str] = ()) -> Report:
    """Make a report of intervals that were worked out."""
    swaps = any(row.swapped_in_bytes_per_second or row.swapped_out_bytes_per_second for row in course.rows)
    assumed = [IS_ASSUMED] if swaps and facts["page_size"] is None else []
    table = table_of(COLUMNS, course.rows)
    return Report("faults", table, course, facts=facts, notes=(*notes, *assumed), within=(_TIME,))


def since_start_report(moment: PagingMoment, facts: Mapping[str, Any]) -> Report:
    """Say what a single capture tells. Raises Missing where it has no uptime."""
    if moment.uptime_centiseconds is None:
        raise Missing("faults: without uptime a single moment tells no rates: name an earlier one with --diff")
    return course_report(FaultCourse([rates_since_start(moment)]), facts, [SINCE_START])


def pair_report(before: PagingMoment, after: PagingMoment, facts: Mapping[str, Any]) -> Report:
    """Compare two captures. Raises Missing where nothing tells the time between them."""
    row = rates_between(before, after)
    if is_same_boot(before, after) is False:
        return course_report(FaultCourse([row]), facts, [ANEW])._replace(warnings=(ANEW,))
    if row.interval_seconds is None:
        raise Missing(f"faults: {NO_CLOCK} between the two, or the other is the later one")
    return course_report(FaultCourse([row]), facts)


def processes_report(
    source: Source, before: FaultsMoment | None, after: FaultsMoment, machine: Machinery, top: int | None
) -> Report:
    """Give the rates of the processes that were named, or of those that make most of them.

    Raises Missing for a copy that tells those of none.
    """
    rows = list(process_rates(before, after, machine))
    if not source.is_live and all(row.minor_faults_per_second is None for row in rows):
        raise Missing("faults: no process's faults in it: stat tells them, and uptime over how long")
    refused = sum(row.minor_faults_per_second is None for row in rows)
    shown = rows if top is None else costliest(rows, top)
    notes = [*([SINCE_THEIR_START] if before is None else []), *page_size_of(source).notes, *invisible(source)]
    return Report(
        "faults",
        table_of(PROCESS_COLUMNS, shown),
        ProcessCourse(shown),
        facts=source.facts._asdict(),
        notes=tuple(notes),
        warnings=tuple(invisible(source)),
        unreadable=refused,
    )


def joined(reports: Sequence[Report]) -> Sequence[Report]:
    """Make one report of those of several intervals, of which there may be none."""
    if not reports:
        return reports
    rows = [row for each in reports for row in each.answer.rows]
    return [reports[-1]._replace(table=table_of(PROCESS_COLUMNS, rows), answer=ProcessCourse(rows))]

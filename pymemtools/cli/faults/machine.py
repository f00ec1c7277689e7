"""The rates of the whole machine: a line an interval as it ends, or the course as a table or a picture."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from functools import partial

from pymemtools.cli.faults.arguments import FaultsAsked
from pymemtools.cli.faults.source import is_measured, moments, paging_now
from pymemtools.cli.output import show
from pymemtools.errors import UsageProblem
from pymemtools.readings.sadf import SadfDay
from pymemtools.render.fault_table import rate_line, title_line
from pymemtools.report import Report
from pymemtools.reports.faults.rates import FaultRates
from pymemtools.reports.faults.report import FaultCourse, course_of, course_report, pair_report, since_start_report
from pymemtools.sources.base import Source, since_1970
from pymemtools.sources.left_behind import host_of

_MOST = 600  # intervals that a picture on a terminal holds; ten minutes of seconds


def show_machine(source: Source, other: Source | None, asked: FaultsAsked) -> None:
    """Show what was measured, or what captures tell."""
    facts, zone = source.facts._asdict(), None if source.is_live else 0
    if asked.is_drawn and not is_measured(source, asked):
        raise UsageProblem("faults: one or two captures are no course: no --plot and -o")
    if other is not None:
        present(pair_report(paging_now(other), paging_now(source), facts), asked, zone)
    elif not is_measured(source, asked):
        present(since_start_report(paging_now(source), facts), asked, zone)
    elif asked.is_redrawn:
        rows: deque[FaultRates] = deque(maxlen=_MOST)
        for row in course_of(moments(source, asked, redraws=True)):
            rows.append(row)
            present(course_report(FaultCourse(list(rows)), facts), asked, zone)
    elif asked.is_drawn or not asked.is_streamed:
        course = FaultCourse(list(course_of(moments(source, asked))), host=host_of(source))
        present(course_report(course, facts), asked, zone)
    else:
        for sample, row in enumerate(course_of(moments(source, asked))):
            text = partial(_lines, sample=sample, zone=zone)
            show(course_report(FaultCourse([row]), facts), asked.style, text, sample=sample)


def show_day(day: SadfDay, asked: FaultsAsked, path: str) -> None:
    """Show what sadf has said of a day. Raises UsageProblem for what it can not tell."""
    from pymemtools.reports.faults.sadf import sadf_report

    if asked.is_of_processes or asked.is_sar:
        raise UsageProblem("faults: sadf tells rounded rates of the whole machine: no PID, --top and --compat")
    if asked.is_repeated or asked.diff is not None:
        raise UsageProblem("faults: sadf tells rates, and no counters: no --every, --count and --diff")
    present(sadf_report(day, {"kind": "sadf", "path": path}), asked, 0)


def present(report: Report, asked: FaultsAsked, zone: int | None) -> None:
    """Show a whole course, as lines or as a picture; ``zone`` is ahead of UTC in seconds, None for our own."""
    if not asked.is_drawn:
        show(report, asked.style, partial(_lines, zone=zone))
        return
    from pymemtools.cli.faults.picture import draw, save

    if asked.output is not None:
        save(report, asked.output, force=asked.force, zone=zone)
    if asked.plots:
        show(report, asked.style, partial(draw, is_ascii=asked.is_ascii, zone=zone))


def _lines(report: Report, sample: int = 0, *, zone: int | None) -> Iterator[str]:
    """Lay out a line an interval, titles on top of them, and again on top of each page of a terminal."""
    course: FaultCourse = report.answer
    rows, clock = _rows_of_page(), partial(_clock, zone=zone)
    for number, row in enumerate(course.rows, sample):
        if number == 0 or (rows is not None and number % rows == 0):
            yield title_line()
        yield rate_line(row, clock)
    yield from report.notes


def _clock(read_at: str, *, zone: int | None) -> str:
    """Give the time of day: of this machine as its clock shows it, else of the zone; without one as it was given."""
    if not read_at.endswith("Z"):
        return read_at[11:19]
    seconds = since_1970(read_at)
    return time.strftime("%H:%M:%S", time.localtime(seconds) if zone is None else time.gmtime(seconds + zone))


def _rows_of_page() -> int | None:
    try:
        return max(os.get_terminal_size(1).lines - 2, 1)
    except OSError:
        return None

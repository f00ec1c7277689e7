"""Paging and page faults over what was recorded: all, a span of it, or the interval before a moment that is named."""

from __future__ import annotations

from pymemtools.cli.faults.arguments import FaultsAsked
from pymemtools.cli.faults.machine import present
from pymemtools.cli.faults.processes import machinery_of, process_text
from pymemtools.cli.faults.sar import print_moments
from pymemtools.cli.output import show
from pymemtools.errors import NoSuchProcess
from pymemtools.readings.recorded_paging import RecordedSpan, recorded_faults, recorded_paging, recorded_span
from pymemtools.report import Report
from pymemtools.reports.faults.report import FaultCourse, course_of, course_report, processes_report
from pymemtools.sources.base import Source


def show_recorded(source: Source, asked: FaultsAsked, *, is_named: bool, first: str | None = None) -> Report | None:
    """Show what was asked for, times by the recorded machine's clock; give the report. Raises Missing."""
    span = recorded_span(source, is_named=is_named, first=first)
    if asked.is_sar:
        print_moments(source, recorded_paging(span))
        return None
    if asked.is_of_processes:
        return _show_processes(span, asked)
    course = FaultCourse(list(course_of(recorded_paging(span))), span.starts, span.recording.about.host)
    report = course_report(course, source.facts._asdict())
    present(report, asked, span.utc_offset_s)
    return report


def _show_processes(span: RecordedSpan, asked: FaultsAsked) -> Report:
    before, after = recorded_faults(span, asked.pids)
    if after.gone:
        raise NoSuchProcess(after.gone[0])
    report = processes_report(span.source, before, after, machinery_of(span.source), asked.top)
    show(report, asked.style, process_text)
    return report

"""Page faults by process: of those that are named, or of those that make most."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pymemtools.cli.faults.arguments import FaultsAsked
from pymemtools.cli.faults.source import faults_now, is_measured, pairs_of_processes
from pymemtools.cli.output import show
from pymemtools.cli.terminal import page_columns
from pymemtools.cli.watch import gap_between
from pymemtools.errors import MemtoolsError, NoSuchProcess
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.page_size import page_size_of
from pymemtools.render.fault_table import process_lines
from pymemtools.report import Report
from pymemtools.reports.faults.processes import Machinery
from pymemtools.reports.faults.report import joined, processes_report
from pymemtools.sources.base import Source


def show_processes(source: Source, other: Source | None, asked: FaultsAsked) -> Iterator[Report]:
    """Show the rates of processes; give each report that was shown. Raises NoSuchProcess."""
    for sample, report in enumerate(_reports(source, other, asked)):
        sys.stdout.write(gap_between(asked.style) if sample else "")
        show(report, asked.style, process_text, sample=sample)
        yield report


def _reports(source: Source, other: Source | None, asked: FaultsAsked) -> Iterator[Report]:
    """Make a report an interval, or where they are to be one document, one of all."""
    machine = machinery_of(source)
    if other is not None or not is_measured(source, asked):
        before = None if other is None else faults_now(other, ())
        after = faults_now(source, asked.pids)
        if after.gone:
            raise NoSuchProcess(after.gone[0])
        yield processes_report(source, before, after, machine, asked.top)
        return
    pairs = pairs_of_processes(source, asked)
    reports = (processes_report(source, before, after, machine, asked.top) for before, after in pairs)
    yield from reports if asked.is_streamed else joined(list(reports))


def process_text(report: Report) -> Iterator[str]:
    """Lay processes out, and below what must be known of them."""
    yield from process_lines(report.table, page_columns())
    yield from report.notes


def machinery_of(source: Source) -> Machinery:
    """Read what sizes are reckoned by."""
    try:
        ram = read_meminfo(source).meminfo["MemTotal"]
    except MemtoolsError:
        ram = None
    return Machinery(page_size_of(source).size, ram)

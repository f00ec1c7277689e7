"""``pymemtools lab watch``: what a command does to the machine's memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.types import DURATION
from pymemtools.lab.watch import EXPERIMENT
from pymemtools.render.escape import escape
from pymemtools.report import Report
from pymemtools.reports.lab.ending import ending_of
from pymemtools.reports.lab.watch import COLUMNS, WatchRequest, peaks
from pymemtools.units import human_size

if TYPE_CHECKING:
    from pymemtools.render.line_plot import Plot


def _lines(report: Report) -> Iterator[str]:
    seen = report.answer.findings.seen
    yield f"{escape(seen['command'][0])}: {ending_of(seen['code'])}, after {seen['ended'] - seen['started']:.2f} s."
    titles = {column.key: column.title for column in COLUMNS}
    yield f"{'':<10} {'least':>11} {'most':>11} {'change':>11}"
    for key, peak in peaks(report.answer.findings.rows).items():
        sign = "-" if peak.change < 0 else "+"
        cells = human_size(peak.least), human_size(peak.most), f"{sign}{human_size(abs(peak.change))}"
        yield f"{titles[key]:<10} " + " ".join(f"{cell:>11}" for cell in cells)


def _plot(report: Report) -> Plot:
    from pymemtools.render.line_plot import Plot

    found = report.answer.findings
    peak = peaks(found.rows)["used"]
    begin = found.rows[0]["seconds"]
    corners = [(row["seconds"] - begin, row["used"] - peak.least) for row in found.rows]
    title = f"Used memory, above {human_size(peak.least)}, while {escape(found.seen['command'][0])} ran"
    return Plot(title, corners, [("most", peak.most - peak.least)])


@experiment(EXPERIMENT, text=_lines, plot=_plot, status=lambda report: report.answer.findings.seen["status"])
@click.option("--every", "--interval", type=DURATION, default="1", metavar="TIME", help="Between samples. [1s]")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
def command(*, every: float, words: tuple[str, ...]) -> WatchRequest:
    """Run a command, and show what free shows on stderr meanwhile; its output and its status are its own."""
    return WatchRequest(words, every)

"""``pymemtools lab writeback``: what is dirty, until it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.types import SIZE
from pymemtools.errors import UsageProblem
from pymemtools.lab.writeback import EXPERIMENT
from pymemtools.report import Report
from pymemtools.reports.lab.writeback import WritebackRequest
from pymemtools.units import human_size

if TYPE_CHECKING:
    from pymemtools.render.line_plot import Plot

_FAR = 3  # times the most that was seen: a level farther away than that would leave no room for the line


def _lines(report: Report) -> Iterator[str]:
    totals = report.totals or {}
    yield f"write() returned after {totals['write_seconds']:.2f} s, fsync() after {totals['sync_seconds']:.2f} s more."
    background, dirty = (human_size(round(totals[f"{key}_threshold"])) for key in ("background", "dirty"))
    yield f"The kernel begins to write at {background} (background threshold); writers wait below {dirty}."
    peak = f"Most that was dirty or under writeback, more than before: {human_size(max(totals['peak'], 0))}"
    least, most = totals["predicted_peak_least"], totals["predicted_peak_most"]
    if least is not None and most is not None:
        peak += f"; by what-if dirty {human_size(round(least))} to {human_size(round(most))}"
    yield f"{peak}."


def _plot(report: Report) -> Plot:
    from pymemtools.render.line_plot import Plot

    rows, totals = report.answer.findings.rows, report.totals or {}
    corners = [(row["seconds"], row["dirty"] + row["writeback"]) for row in rows]
    most = max(height for _, height in corners)
    levels = [(key, totals[f"{key}_threshold"]) for key in ("background", "dirty")]
    return Plot(
        "Dirty and Writeback while a file is written", corners, [each for each in levels if each[1] < _FAR * most]
    )


@experiment(EXPERIMENT, text=_lines, plot=_plot)
@click.option("--size", type=SIZE, default="64M", metavar="SIZE", help="Write so much. [64M]")
def command(*, size: int) -> WritebackRequest:
    """Write a file, and watch what is dirty until it is on the disk."""
    if size == 0:
        raise UsageProblem("lab writeback: nothing is to be written")
    return WritebackRequest(size)

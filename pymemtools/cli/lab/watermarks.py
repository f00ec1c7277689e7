"""``pymemtools lab watermarks``: kswapd wakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.watermarks import EXPERIMENT
from pymemtools.report import Report
from pymemtools.reports.lab.watermarks import FillRequest, largest

if TYPE_CHECKING:
    from pymemtools.render.line_plot import Plot


def _plot(report: Report) -> Plot:
    from pymemtools.render.line_plot import Plot

    rows = largest(report.answer.findings.rows)
    title = f"Free in zone {rows[0]['zone']} of node {rows[0]['node']} while page cache fills it"
    return Plot(title, [(row["seconds"], row["free"]) for row in rows], [("low", rows[-1]["low"])])


@experiment(EXPERIMENT, plot=_plot)
def command() -> FillRequest:
    """Fill free memory with clean page cache, and see when kswapd wakes."""
    return FillRequest()

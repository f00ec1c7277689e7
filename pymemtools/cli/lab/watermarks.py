"""``pymemtools lab watermarks``: kswapd wakes."""

from __future__ import annotations

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.watermarks import EXPERIMENT
from pymemtools.reports.lab.watermarks import FillRequest


@experiment(EXPERIMENT)
def command() -> FillRequest:
    """Fill free memory with clean page cache, and see when kswapd wakes."""
    return FillRequest()

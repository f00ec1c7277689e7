"""``pymemtools lab swap``: a page out and back."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.swap import EXPERIMENT
from pymemtools.reports.lab.swap import SwapTrial


@experiment(EXPERIMENT)
@click.option("--pages", type=click.IntRange(1, 1 << 20), default=1000, metavar="N", help="So many. [1000]")
def command(*, pages: int) -> SwapTrial:
    """Have pages swapped out, and touch them again."""
    return SwapTrial(pages)

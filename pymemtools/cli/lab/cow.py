"""``pymemtools lab cow``: fork shares, writing copies."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.cow import EXPERIMENT
from pymemtools.reports.lab.cow import CowRequest


@experiment(EXPERIMENT)
@click.option("--pages", type=click.IntRange(2, 1 << 20), default=1000, metavar="N", help="So many. [1000]")
def command(*, pages: int) -> CowRequest:
    """Fork, and write: see which pages both have, what each copy costs, and how PSS shares them out."""
    return CowRequest(pages)

"""``pymemtools lab aslr``: how random addresses are."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.aslr import EXPERIMENT
from pymemtools.reports.lab.aslr import AslrRequest


@experiment(EXPERIMENT)
@click.option("--samples", type=click.IntRange(20, 10000), default=100, metavar="N", help="Start so many. [100]")
def command(*, samples: int) -> AslrRequest:
    """Start a program many times, and see by how many bits its addresses differ."""
    return AslrRequest(samples)

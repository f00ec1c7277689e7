"""``pymemtools lab demand-paging``: pages come with faults, one by one."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.demand_paging import EXPERIMENT
from pymemtools.reports.lab.demand_paging import PagingRequest


@experiment(EXPERIMENT)
@click.option("--pages", type=click.IntRange(1, 1 << 20), default=1000, metavar="N", help="So many a step. [1000]")
def command(*, pages: int) -> PagingRequest:
    """Map memory, and read and write it: what faults, RSS and page tables say at each step."""
    return PagingRequest(pages)

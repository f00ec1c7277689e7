"""``pymemtools lab drop-caches``: what goes, and what stays."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.types import SIZE
from pymemtools.errors import UsageProblem
from pymemtools.lab.drop_caches import EXPERIMENT
from pymemtools.reports.lab.drop_caches import DropTrial


@experiment(EXPERIMENT)
@click.option("--size", type=SIZE, default="16M", metavar="SIZE", help="Of the file that is dropped. [16M]")
def command(*, size: int) -> DropTrial:
    """Have the kernel drop slab, then file pages, and see what of two files stays. (root)"""
    if size == 0:
        raise UsageProblem("lab drop-caches: nothing is to be dropped")
    return DropTrial(size)

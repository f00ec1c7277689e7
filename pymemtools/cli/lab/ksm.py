"""``pymemtools lab ksm``: equal pages become one."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.ksm import EXPERIMENT
from pymemtools.reports.lab.ksm import MergeRequest


@experiment(EXPERIMENT)
@click.option("--pages", type=click.IntRange(1024, 1 << 20), default=4096, metavar="N", help="So many. [4096]")
def command(*, pages: int) -> MergeRequest:
    """Have the kernel merge equal pages, and see them part. (root)"""
    return MergeRequest(pages)

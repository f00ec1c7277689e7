"""``pymemtools lab stack``: the stack grows by itself."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.types import SIZE
from pymemtools.errors import UsageProblem
from pymemtools.lab.stack import EXPERIMENT
from pymemtools.reports.lab.stack import StackRequest

_LEAST, _MOST = 1 << 20, 64 << 20


@experiment(EXPERIMENT)
@click.option("--depth", type=SIZE, default="4M", metavar="SIZE", help="How far down it is written to. [4M]")
def command(*, depth: int) -> StackRequest:
    """Write far below the top of the stack: it grows, holds what is touched, and ends at its limit."""
    if not _LEAST <= depth <= _MOST:
        raise UsageProblem("lab stack: --depth: from 1M to 64M")
    return StackRequest(depth)

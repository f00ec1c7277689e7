"""``pymemtools lab malloc``: where memory comes from, call by call."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.types import SIZE
from pymemtools.errors import UsageProblem
from pymemtools.lab.malloc import EXPERIMENT
from pymemtools.reports.lab.malloc import COURSE, CallsRequest

_MOST = 1000


@experiment(EXPERIMENT)
@click.argument("sizes", nargs=-1, type=SIZE, metavar="[SIZE]...")
def command(*, sizes: tuple[int, ...]) -> CallsRequest:
    """Call malloc() for each SIZE, or a course's five, and see break, pointers and mappings beside the model."""
    if len(sizes) > _MOST:
        raise UsageProblem(f"lab malloc: {len(sizes)} calls are too many: at most {_MOST}")
    return CallsRequest(sizes or COURSE)

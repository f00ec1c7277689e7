"""``pymemtools fleet compact``: few large files instead of many small ones."""

from __future__ import annotations

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.types import PATH
from pymemtools.errors import UsageProblem


@click.command("compact", cls=AbbreviatingCommand)
@click.option("-S", "--source", type=PATH, metavar="DATASET", help="The dataset.")
def command(source: str | None) -> int:
    """Make one file a table of each day's batches, sorted by machine and time: smaller, and quicker to ask."""
    if not source:
        raise UsageProblem("fleet compact: which dataset? Write -S DATASET")
    from pymemtools.fleet.compact import compact
    from pymemtools.fleet.dataset import Dataset

    before, after = compact(Dataset(source))
    click.echo(f"{before} batches made {after}" if before != after else f"{before} batches: nothing to do")
    return 0

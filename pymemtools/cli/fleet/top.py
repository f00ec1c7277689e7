"""``pymemtools fleet top``: which programs hold most, over all machines?"""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.fleet.asking import answer, dataset_options, picture_options, show_answer


@click.command("top", cls=AbbreviatingCommand)
@click.option("--top", type=click.IntRange(min=1), default=20, metavar="N", help="Only the first N rows. [20]")
@picture_options
@dataset_options
def command(**options: Any) -> int:
    """Sum programs up over the latest capture of each machine, the largest first."""
    from pymemtools.fleet.questions import TOP

    show_answer(answer(options, TOP, {}, options["top"]), options)
    return 0

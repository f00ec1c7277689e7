"""``pymemtools fleet hosts``: which machines are there, and what is known of each?"""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.fleet.asking import TOP, answer, dataset_options, picture_options, show_answer


@click.command("hosts", cls=AbbreviatingCommand)
@TOP
@picture_options
@dataset_options
def command(**options: Any) -> int:
    """List the machines of a dataset: captures, kernel, memory, clock and kills."""
    from pymemtools.fleet.questions import HOSTS

    show_answer(answer(options, HOSTS, {}, options["top"]), options)
    return 0

"""``pymemtools fleet grew``: what grew across the machines, and since which label?"""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.fleet.asking import answer, dataset_options, picture_options, show_answer


@click.command("grew", cls=AbbreviatingCommand)
@click.option(
    "--by", type=click.Choice(["process", "mapping", "group"]), default="process", help="What is followed. [process]"
)
@click.option("--per", default="", metavar="LABEL", help="Apart by the values of a label: firmware.")
@click.option("--top", type=click.IntRange(min=1), default=20, metavar="N", help="Only the first N rows. [20]")
@picture_options
@dataset_options
def command(**options: Any) -> int:
    """Say what grew, by regression over the captures of each machine: on how many, and how much an hour.

    Of at least three captures and ten minutes; a process is the same by its boot, its PID and its start.
    """
    from pymemtools.fleet.questions import grew

    report = answer(options, grew(options["by"], options["per"]), {"label": options["per"]}, options["top"])
    nothing = f"no {options['by']} is in three captures of a machine that span ten minutes"
    show_answer(report, options, "" if report.table.height else nothing)
    return 0

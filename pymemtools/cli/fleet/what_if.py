"""``pymemtools fleet what-if alloc SIZE``: on which machines does that fit, and whom would it kill?"""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.fleet.asking import TOP, answer, dataset_options, picture_options, show_answer
from pymemtools.cli.types import SIZE


@click.command("what-if", cls=AbbreviatingCommand)
@click.argument("what", type=click.Choice(["alloc"]))
@click.argument("size", type=SIZE)
@TOP
@picture_options
@dataset_options
def command(**options: Any) -> int:
    """Say what becomes of a request for SIZE on each machine, as what-if alloc does of its latest capture."""
    from pymemtools.fleet.questions import WHAT_IF

    report = answer(options, WHAT_IF, {"size": options["size"]}, options["top"])
    outcomes = [row["outcome"] for row in report.answer]
    counts = {each: outcomes.count(each) for each in dict.fromkeys(outcomes)}
    show_answer(report, options, ", ".join(f"{count} {each}" for each, count in counts.items()))
    return 0

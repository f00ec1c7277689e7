"""``pymemtools fleet tunables``: who has which value?"""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.fleet.asking import TOP, answer, dataset_options, picture_options, show_answer
from pymemtools.render.escape import escape


@click.command("tunables", cls=AbbreviatingCommand)
@click.argument("name")
@TOP
@picture_options
@dataset_options
def command(**options: Any) -> int:
    """Count the values that tunables with NAME in theirs have, in the latest capture of each machine."""
    from pymemtools.fleet.questions import TUNABLES

    name = options["name"].replace("/", ".")
    report = answer(options, TUNABLES, {"name": name}, options["top"])
    show_answer(
        report, options, "" if report.table.height else f"no capture has a tunable with '{escape(name)}' in its name"
    )
    return 0

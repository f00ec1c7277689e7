"""``pymemtools fleet risk``: which machines are close to running out?"""

from __future__ import annotations

import re
from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.fleet.asking import TOP, answer, dataset_options, picture_options, show_answer
from pymemtools.errors import UsageProblem


@click.command("risk", cls=AbbreviatingCommand)
@click.option("--within", default="10%", metavar="PERCENT", help="Those with no more than that left. [10%]")
@TOP
@picture_options
@dataset_options
def command(**options: Any) -> int:
    """List machines whose memory, commit limit or memory groups are nearly used up, and who would be killed."""
    from pymemtools.fleet.questions import RISK

    text = options["within"].removesuffix("%").strip()
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?", text, re.ASCII) is None or float(text) > 100:
        raise UsageProblem(f"fleet risk: --within: {options['within']} is no percentage")
    report = answer(options, RISK, {"within": float(text)}, options["top"])
    show_answer(report, options, "" if report.table.height else f"no machine has less than {text} % left")
    return 0

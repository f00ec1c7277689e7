"""``pymemtools selftest``: does this kernel keep to the rules that this program goes by?"""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.output import note_incomplete, show
from pymemtools.render.tones import CHECKS
from pymemtools.report import Report
from pymemtools.reports.selftest.report import selftest


@click.command("selftest", cls=AbbreviatingCommand)
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Check the kernel's figures against each other and against our models; 1 if a rule does not hold."""
    check_style(options["style"])
    source = open_from(ctx, options["source"])
    report = selftest(source, source.facts._asdict())
    show(report, options["style"], _text, tones=CHECKS)
    note_incomplete(ctx, report)
    return 1 if report.answer.count(False) else exit_status(ctx)


def _text(report: Report) -> list[str]:
    from pymemtools.render.verdicts import verdict_lines

    return verdict_lines(report.answer)

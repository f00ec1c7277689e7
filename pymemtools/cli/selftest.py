"""``pymemtools selftest``: does this kernel keep to the rules that this program goes by?"""

from __future__ import annotations

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.options import (
    check_style,
    exit_status,
    facts_as_json,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.output import note_incomplete, show
from pymemtools.render.tones import CHECKS
from pymemtools.report import Report
from pymemtools.reports.selftest.report import selftest


@click.command("selftest", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, source: str | None, style: str, *, max_size: int, partial: bool, strict: bool) -> int:
    """Check the kernel's figures against each other and against our models; 1 if a rule does not hold."""
    check_style(style)
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    report = selftest(opened, facts_as_json(opened.facts))
    show(report, style, _text, tones=CHECKS)
    note_incomplete(ctx, report, strict=strict)
    return 1 if report.answer.count(False) else exit_status(ctx)


def _text(report: Report) -> list[str]:
    from pymemtools.render.verdicts import verdict_lines

    return verdict_lines(report.answer)

"""``pymemtools tunables get``: values as sysctl prints them."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand, meant_source
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.output import show
from pymemtools.cli.tunables.names import offer_names
from pymemtools.errors import UsageProblem
from pymemtools.render.escape import escape
from pymemtools.report import Report
from pymemtools.reports.tunables.report import Values, values_report


@click.command("get", cls=AbbreviatingCommand)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=offer_names)
@click.option("-n", "--values", is_flag=True, help="Print values only.")
@click.option("-N", "--names", "only_names", is_flag=True, help="Print names only.")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, names: tuple[str, ...], *, style: str, **options: Any) -> int:
    """Print tunables as sysctl does: vm.swappiness = 60."""
    check_style(style)
    values, only_names = options["values"], options["only_names"]
    if style != "text" and (values or only_names):
        raise UsageProblem("tunables get: --values and --names are layouts of text: no --format with them")
    if values and only_names:
        raise UsageProblem("tunables get: --values and --names leave nothing")
    source = open_from(ctx, options["source"])
    report = values_report(source, names, source.facts._asdict())
    found: Values = report.answer
    meant = "" if found.values or options["source"] else next(filter(None, map(meant_source, names)), "")
    for reason in found.refused:
        say(f"{reason}{meant}")
    show(report, style, partial(_text, names=not values, values=not only_names))
    return 1 if found.refused else exit_status(ctx)


def _text(report: Report, *, names: bool, values: bool) -> list[str]:
    """Lay out names, values or both."""
    found: Values = report.answer
    return [" = ".join(map(escape, (name,) * names + (value,) * values)) for name, value in found.values]

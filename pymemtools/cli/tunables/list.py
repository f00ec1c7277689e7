"""``pymemtools tunables list``: values, defaults, and what they mean on this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
from pymemtools.render.escape import escape
from pymemtools.reports.tunables.report import TunableRow, list_report


@click.command("list", cls=AbbreviatingCommand)
@click.argument("pattern", required=False)
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, pattern: str | None, style: str, **options: Any) -> int:
    """List tunables, all or those whose name holds PATTERN: value, and what it means on this machine."""
    check_style(style)
    source = open_from(ctx, options["source"])
    report = list_report(source, pattern, source.facts._asdict())
    if report.unreadable:
        hint = "; run as root for all" if os.geteuid() else ""
        unread = f"{report.unreadable} of {report.table.height} could not be read (Permission denied){hint}"
        report = report._replace(warnings=(*report.warnings, unread))
    note_incomplete(ctx, report)
    show(report, style, lambda report: _table(report.answer))
    return exit_status(ctx)


def _table(rows: Sequence[TunableRow]) -> list[str]:
    """Lay out name, value, default and meaning; a default that is a rule in words is left to explain."""
    cells = [("Name", "Value", "Default", "Meaning")]
    for row in rows:
        default = row.default or ("-" if row.default_rule is None else "by rule")
        cells.append((row.tunable, escape(row.shown), default, escape(row.remark)))
    widths = [max(len(row[place]) for row in cells) for place in range(3)]
    widths[1] = min(widths[1], 16)
    return ["  ".join((*(f"{cell:<{width}}" for cell, width in zip(row, widths)), row[3])).rstrip() for row in cells]

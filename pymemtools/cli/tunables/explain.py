"""``pymemtools tunables explain``: what one does, and what its value means now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
from pymemtools.cli.output import show
from pymemtools.cli.terminal import terminal_columns
from pymemtools.cli.tunables.names import offer_names
from pymemtools.render.escape import escape
from pymemtools.reports.tunables.report import Explanation, explain_report


@click.command("explain", cls=AbbreviatingCommand)
@click.argument("name", shell_complete=offer_names)
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, name: str, style: str, **options: Any) -> int:
    """Say what a tunable does, what it is set to and what that means now."""
    check_style(style)
    source = open_from(ctx, options["source"])
    report = explain_report(source, name, source.facts._asdict())
    show(report, style, lambda report: _text(report.answer))
    return exit_status(ctx)


def _text(found: Explanation) -> Iterator[str]:
    """Lay out what is known, as wide as the terminal."""
    width = terminal_columns(sys.stdout, least=40)
    yield from click.wrap_text(f"{found.tunable}: {found.does}", width).split("\n")
    yield ""
    for title, fact in _facts(found):
        if fact:
            yield from click.wrap_text(escape(fact), width, f"{title + ':':<10}", " " * 10).split("\n")


def _facts(found: Explanation) -> list[tuple[str, str]]:
    return [
        ("now", found.now),
        ("default", found.default),
        ("allowed", found.allowed),
        ("unit", found.unit),
        ("Linux", found.versions),
        ("twin", f"{found.twin}: setting one sets the other to 0" if found.twin else ""),
        ("see also", " ".join(found.related)),
        ("danger", found.danger),
        ("file", found.path),
    ]

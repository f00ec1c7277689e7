"""How every command prints its answer: classic text, or the table in the format asked for; what to know on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING

import click

from pymemtools.cli import say
from pymemtools.cli.explain import Formulas, explained, is_explained, no_more
from pymemtools.cli.options import write_lines
from pymemtools.cli.terminal import is_coloured, on_page
from pymemtools.report import Report, at_moment

if TYPE_CHECKING:
    from pymemtools.render.tones import Tones

Text = Callable[[Report], Iterable[str]]


def show(
    report: Report,
    style: str,
    text: Text,
    *,
    sample: int | None = None,
    named: bool = True,
    formulas: Formulas | None = None,
    is_classic: bool = False,
    tones: Tones | None = None,
) -> None:
    """Print a report as ``text`` lays it out, or in a format for programs; its warnings go to stderr.

    Warnings begin with the command, unless they are the only ones that are not ``named`` (smem's). Of repeated samples
    (0, 1 ...) the rows for programs have their moment, and only the first the header of csv and tsv, as of one table.
    Lines are fitted to the terminal, but for those of a classic program (``is_classic``); ``tones`` colour them.
    With --explain the first report is followed by what its columns mean, and by ``formulas``.
    """
    for warning in report.warnings:
        say(f"{report.command}: {warning}" if named else warning)
    if style == "text":
        lines = text(report)
        if is_explained():
            no_more()
            lines = explained(report, lines, formulas)
        lines = lines if is_classic else on_page(lines)
        write_lines(_coloured(lines, tones) if tones and is_coloured() else lines)
        return
    from pymemtools.render.formats import report_lines

    lines = report_lines(style, report if sample is None else at_moment(report, now()))
    write_lines(islice(lines, 1, None) if sample and style in ("csv", "tsv") else lines)


def _coloured(lines: Iterable[str], tones: Tones) -> Iterable[str]:
    from pymemtools.render.tones import toned

    return (toned(line, tones) for line in lines)


def now() -> str:
    """Give the time as rows have it, UTC."""
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def note_incomplete(ctx: click.Context, report: Report) -> None:
    """Let the exit status tell what could not be read, to those who asked for that with --strict."""
    if ctx.params["strict"] and report.unreadable:
        ctx.meta["incomplete"] = True

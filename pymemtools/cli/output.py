"""How every command prints its answer: classic text, or the table in the format asked for; what to know on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import click

from pymemtools.cli import say
from pymemtools.cli.options import write_lines
from pymemtools.report import Report

Text = Callable[[Report], Iterable[str]]


def show(report: Report, style: str, text: Text, *, header: bool = True, named: bool = True) -> None:
    """Print a report as ``text`` lays it out, or in a format for programs; its warnings go to stderr.

    Warnings begin with the command, unless they are the only ones that are not ``named`` (smem's).
    Of repeated samples only the first has the ``header`` of csv and tsv, so that they are one table.
    """
    for warning in report.warnings:
        say(f"{report.command}: {warning}" if named else warning)
    if style == "text":
        write_lines(text(report))
        return
    from pymemtools.render.machine import report_lines

    lines = report_lines(style, report)
    write_lines(lines if header or style not in ("csv", "tsv") else islice(lines, 1, None))


def note_incomplete(ctx: click.Context, report: Report, *, strict: bool) -> None:
    """Let the exit status tell what could not be read, to those who asked for that with --strict."""
    if strict and report.unreadable:
        ctx.meta["incomplete"] = True

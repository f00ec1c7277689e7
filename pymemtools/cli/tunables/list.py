"""``pymemtools tunables list``: values, defaults, and what they mean on this machine."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    AbbreviatingCommand,
    check_style,
    exit_status,
    facts_as_json,
    format_option,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.errors import Missing
from pymemtools.readings.machine import notes_of, read_machine
from pymemtools.readings.settings import names as names_of
from pymemtools.render.escape import escape
from pymemtools.reports import tunables as report


@click.command("list", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("pattern", required=False)
@source_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    pattern: str | None,
    source: str | None,
    style: str,
    *,
    max_size: int,
    partial: bool,
    strict: bool,
) -> int:
    """List tunables, all or those whose name holds PATTERN: value, and what it means on this machine."""
    check_style(style)
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    chosen = [name for name in names_of(opened) if _matches(name, pattern)]
    if not chosen:
        raise Missing("tunables: the source has no " + (f"tunable like '{pattern}'" if pattern else "tunables"))
    machine = read_machine(opened)
    rows = report.rows(opened, chosen, machine)
    notes = notes_of(machine)
    for note in notes:
        say(f"tunables: {note}")
    unreadable = sum(row.value is None for row in rows)
    if unreadable:
        hint = "; run as root for all" if os.geteuid() else ""
        say(f"tunables: {unreadable} of {len(rows)} could not be read (Permission denied){hint}")
        ctx.meta["incomplete"] = ctx.meta.get("incomplete", False) or strict
    if style == "text":
        write_lines(_table(rows))
        return exit_status(ctx)
    from pymemtools.render.machine import machine_lines

    fields = report.TunableRow._fields
    facts = facts_as_json(opened.facts)
    dicts = [row._asdict() for row in rows]
    write_lines(
        machine_lines(style, "tunables", dicts, fields=fields, source=facts, unreadable=unreadable, notes=notes)
    )
    return exit_status(ctx)


def _table(rows: Sequence[report.TunableRow]) -> list[str]:
    """Lay out name, value, default and meaning; a default that is a rule in words is left to explain."""
    cells = [("Name", "Value", "Default", "Meaning")]
    for row in rows:
        default = "-" if row.default is None else row.default if report.is_plain(row.default) else "by rule"
        rest = "; ".join(part for part in (row.meaning, row.note) if part)
        cells.append((row.name, escape(row.shown), default, escape(rest)))
    widths = [max(len(row[place]) for row in cells) for place in range(3)]
    widths[1] = min(widths[1], 16)
    return ["  ".join((*(f"{cell:<{width}}" for cell, width in zip(row, widths)), row[3])).rstrip() for row in cells]


def _matches(name: str, pattern: str | None) -> bool:
    """Tell whether a name, with its folder or without, holds a pattern, or is what one with * and ? describes."""
    pattern = (pattern or "").lower().replace("/", ".")
    if not frozenset(pattern) & frozenset("*?["):
        return pattern in name
    return any(fnmatch.fnmatchcase(each, pattern) for each in (name, name.partition(".")[2]))

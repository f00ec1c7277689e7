"""``pymemtools tunables explain``: what one does, and what its value means now."""

from __future__ import annotations

import sys

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    AbbreviatingCommand,
    exit_status,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.terminal import terminal_columns
from pymemtools.cli.tunables.names import offer_names
from pymemtools.errors import Missing
from pymemtools.models.tunables import TUNABLES, Tunable, canonical, default_of, limits, range_in_words
from pymemtools.readings.machine import Machine, notes_of, read_machine
from pymemtools.readings.settings import absolute, path_of, value_of
from pymemtools.render.escape import escape
from pymemtools.reports import tunables as report
from pymemtools.sources.base import Source


@click.command("explain", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", shell_complete=offer_names)
@source_options
@click.pass_context
def command(ctx: click.Context, name: str, source: str | None, *, max_size: int, partial: bool, strict: bool) -> int:
    """Say what a tunable does, what it is set to and what that means now."""
    name = canonical(name)
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    known = TUNABLES.get(name)
    if known is None:
        facts = [("now", value_of(opened, name)), ("file", absolute(path_of(name)))]
        text = f"{name}: Nothing more is known of it here."
    else:
        facts, text = _facts_of(known, opened), f"{name}: {known.meaning}"
    lines = [*click.wrap_text(text, _width()).split("\n"), ""]
    for title, fact in facts:
        if fact:
            text = click.wrap_text(escape(fact), _width(), f"{title + ':':<10}", " " * 10)
            lines += text.split("\n")
    write_lines(lines)
    return exit_status(ctx)


def _facts_of(known: Tunable, source: Source) -> list[tuple[str, str]]:
    machine = read_machine(source)
    for note in notes_of(machine):
        say(f"tunables: {note}")
    try:
        row = report.rows(source, [known.name], machine)[0]
        now = "; ".join(part for part in (row.meaning, row.note) if part)
        now = f"{row.shown} ({now})" if now else row.shown
    except Missing:
        now = "this kernel does not have it"
    return [
        ("now", now),
        ("default", default_of(known, machine.version)),
        ("allowed", _allowed(known, machine)),
        ("unit", known.unit),
        ("Linux", known.versions),
        ("twin", f"{known.twin}: setting one sets the other to 0" if known.twin else ""),
        ("see also", " ".join(known.related)),
        ("danger", known.danger),
        ("file", known.path if known.path.startswith("/") else f"/proc/{known.path}"),
    ]


def _allowed(known: Tunable, machine: Machine) -> str:
    if known.choices or known.is_list:
        return " ".join(known.choices)
    return range_in_words(*limits(known, machine.version, machine.page_size))


def _width() -> int:
    return terminal_columns(sys.stdout, least=40)

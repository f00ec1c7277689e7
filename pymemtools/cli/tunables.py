"""``pymemtools tunables``: list, get, explain and set what tunes memory management."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping, Sequence

import click

from pymemtools import control
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
from pymemtools.cli.terminal import terminal_columns
from pymemtools.cli.tunable_drop_in import check_drop_in, drop_in
from pymemtools.cli.tunable_values import Assignment, Wanted, Wish, checked, from_file
from pymemtools.errors import Denied, Missing, UsageProblem
from pymemtools.models.tunables import TUNABLES, Tunable, canonical, default_of, limits, range_in_words
from pymemtools.render.escape import escape
from pymemtools.reports import tunables as report
from pymemtools.reports.machine import Machine, read_machine
from pymemtools.reports.settings import names as names_of
from pymemtools.reports.settings import path_of, value_of
from pymemtools.reports.supposed import supposed
from pymemtools.sources.base import Source
from pymemtools.sources.tree import live

DROP_IN = "/etc/sysctl.d/60-pymemtools.conf"
_HELP = {"help_option_names": ["-h", "--help"]}


def _offer_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in TUNABLES if name.startswith(incomplete) or name.partition(".")[2].startswith(incomplete)]


@click.group("tunables", context_settings=_HELP)
def command() -> None:
    """List, get, explain and set what tunes memory management."""


@command.command(
    "list",
    cls=AbbreviatingCommand,
    short_help="List tunables, and what their values mean on this machine.",
    context_settings=_HELP,
)
@click.argument("pattern", required=False)
@source_options
@format_option
@click.pass_context
def list_tunables(
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
    for note in machine.notes:
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
        machine_lines(style, "tunables", dicts, fields=fields, source=facts, unreadable=unreadable, notes=machine.notes)
    )
    return exit_status(ctx)


def _table(rows: Sequence[report.TunableRow]) -> list[str]:
    """Lay out name, value, default and meaning; a default that is a rule in words is left to explain."""
    cells = [("Name", "Value", "Default", "Meaning")]
    for row in rows:
        default = "-" if row.default is None else row.default if report.is_plain(row.default) else "by rule"
        rest = "; ".join(part for part in (row.meaning, row.note) if part)
        cells.append((row.name, escape(_shown(row)), default, escape(rest)))
    widths = [max(len(row[place]) for row in cells) for place in range(3)]
    widths[1] = min(widths[1], 16)
    return ["  ".join((*(f"{cell:<{width}}" for cell, width in zip(row, widths)), row[3])).rstrip() for row in cells]


def _shown(row: report.TunableRow) -> str:
    return "(unreadable)" if row.value is None else row.value


def _matches(name: str, pattern: str | None) -> bool:
    """Tell whether a name, with its folder or without, holds a pattern, or is what one with * and ? describes."""
    pattern = (pattern or "").lower().replace("/", ".")
    if not frozenset(pattern) & frozenset("*?["):
        return pattern in name
    return any(fnmatch.fnmatchcase(each, pattern) for each in (name, name.partition(".")[2]))


@command.command("get", cls=AbbreviatingCommand, short_help="Print tunables as sysctl does.", context_settings=_HELP)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=_offer_names)
@click.option("-n", "--values", is_flag=True, help="Print values only.")
@click.option("-N", "--names", "only_names", is_flag=True, help="Print names only.")
@source_options
@click.pass_context
def get_tunables(
    ctx: click.Context,
    names: tuple[str, ...],
    source: str | None,
    *,
    values: bool,
    only_names: bool,
    max_size: int,
    partial: bool,
    strict: bool,
) -> int:
    """Print tunables as sysctl does: vm.swappiness = 60."""
    if values and only_names:
        raise UsageProblem("tunables get: --values and --names leave nothing")
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    lines, status = [], exit_status(ctx)
    for name in map(canonical, names):
        try:
            value = escape(value_of(opened, name))
        except (Missing, Denied) as error:
            say(str(error))
            status = 1
            continue
        lines.append(escape(name) if only_names else value if values else f"{escape(name)} = {value}")
    write_lines(lines)
    return status


@command.command(
    "explain",
    cls=AbbreviatingCommand,
    short_help="Say what a tunable does, and what its value means now.",
    context_settings=_HELP,
)
@click.argument("name", shell_complete=_offer_names)
@source_options
@click.pass_context
def explain_tunable(
    ctx: click.Context, name: str, source: str | None, *, max_size: int, partial: bool, strict: bool
) -> int:
    """Say what a tunable does, what it is set to and what that means now."""
    name = canonical(name)
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    known = TUNABLES.get(name)
    if known is None:
        facts = [("now", value_of(opened, name)), ("file", _absolute(path_of(name)))]
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
    for note in machine.notes:
        say(f"tunables: {note}")
    try:
        row = report.rows(source, [known.name], machine)[0]
        now = "; ".join(part for part in (row.meaning, row.note) if part)
        now = f"{row.value} ({now})" if now else _shown(row)
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
    import sys

    return terminal_columns(sys.stdout, least=40)


@command.command("set", cls=AbbreviatingCommand, short_help="Set tunables, all or none.", context_settings=_HELP)
@click.argument("assignments", nargs=-1, metavar="NAME=VALUE...")
@click.option("--from", "file", type=click.Path(), metavar="FILE", help="Take settings from a file like sysctl.conf.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option("--force", is_flag=True, help="Set values that are likely to do harm, too.")
@click.option(
    "--persist",
    is_flag=False,
    flag_value=DROP_IN,
    type=click.Path(),
    metavar="[FILE]",
    help=f"Write the settings to a file for the next boot, too. [{DROP_IN}]",
)
@click.option("-S", "--source", hidden=True)
@click.pass_context
def set_tunables(
    ctx: click.Context,
    assignments: tuple[str, ...],
    file: str | None,
    persist: str | None,
    source: str | None,
    *,
    dry_run: bool,
    force: bool,
) -> int:
    """Set tunables, all or none: checked first, read back, and put back when one fails."""
    if source is not None or ctx.obj is True:
        raise UsageProblem("tunables set: a capture cannot be set")
    if persist and "=" in persist and canonical(persist.partition("=")[0]) in TUNABLES:
        assignments, persist = (persist, *assignments), DROP_IN  # a setting, not --persist's FILE
    machine = live()
    before = read_machine(machine)
    wishes = [*(from_file(file) if file else ()), *map(Wish, assignments)]
    wanted = checked(wishes, machine, before, force=force)
    for reason in wanted.left_out:
        say(f"left out: {reason}")
    settings = _writable(wanted)
    written = [Assignment(setting.name, setting.value) for setting in settings]
    after = supposed(before, dict(written))
    failed = _dry_run(persist, written) if dry_run else _apply(settings, persist, written)
    for reason in failed.values():
        say(f"left out: {reason}")
    write_lines(_change(each, before, after, dry_run=dry_run) for each in written if each.name not in failed)
    return 0


def _dry_run(persist: str | None, written: Sequence[Assignment]) -> Mapping[str, str]:
    if persist:
        check_drop_in(persist, written)
        say(f"tunables: would write {persist}")
    return {}


def _apply(
    settings: Sequence[control.Setting], persist: str | None, written: Sequence[Assignment]
) -> Mapping[str, str]:
    """Set all, and write the drop-in, which gets its name when all is set; give why those failed that may."""
    if not persist:
        return control.apply(settings)
    with drop_in(persist, written):
        failed = control.apply(settings)
    say(f"tunables: wrote {persist}")
    return failed


def _writable(wanted: Wanted) -> list[control.Setting]:
    """Say what to write where, but for what may fail and cannot be written. Raises Denied."""
    settings = []
    for assignment in wanted.assignments:
        setting = _setting(assignment, may_fail=assignment.name in wanted.may_fail)
        try:
            control.check_writable([setting])
        except Denied as error:
            if not setting.may_fail:
                raise
            say(f"left out: {error}")
            continue
        settings.append(setting)
    return settings


def _setting(assignment: Assignment, *, may_fail: bool) -> control.Setting:
    known = TUNABLES[assignment.name]
    twin = (known.twin, _absolute(TUNABLES[known.twin].path)) if known.twin else None
    return control.Setting(
        assignment.name, _absolute(known.path), assignment.value, twin, may_fail=may_fail, is_action=known.is_action
    )


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/proc/{path}"


def _change(assignment: Assignment, before: Machine, after: Machine, *, dry_run: bool) -> str:
    """Say what a setting changes, and what comes of it and of those set with it."""
    name, value = assignment
    twin = TUNABLES[name].twin
    effect = [report.meaning(name, value, after)]
    if twin in before.settings and before.settings[twin] != after.settings[twin]:
        effect.append(f"{twin}: {before.settings[twin]} -> {after.settings[twin]}")
    text = "; ".join(part for part in effect if part)
    would = "would set " if dry_run else ""
    return f"{would}{name}: {before.settings.get(name, '-')} -> {value}" + (f" ({text})" if text else "")

"""``pymemtools tunables``: list, get, explain and set what tunes memory management."""

from __future__ import annotations

import fnmatch
import os

import click

from pymemtools import control
from pymemtools.cli import say
from pymemtools.cli.new_file import write_new_file
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
from pymemtools.cli.tunable_values import Assignment, checked, from_file
from pymemtools.errors import Missing, UsageProblem
from pymemtools.models.tunables import TUNABLES, canonical
from pymemtools.render.escape import escape
from pymemtools.reports import tunables as report
from pymemtools.reports.machine import Machine, read_machine
from pymemtools.reports.settings import names as names_of
from pymemtools.reports.settings import value_of
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


@command.command("list", cls=AbbreviatingCommand, context_settings=_HELP)
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
    rows = report.rows(opened, chosen, read_machine(opened))
    if style == "text":
        width = max(len(row.name) for row in rows)
        values = min(16, max(len(row.value) for row in rows))
        lines = []
        for row in rows:
            rest = "; ".join(part for part in (row.meaning, row.note) if part)
            lines.append(f"{row.name:<{width}}  {escape(row.value):<{values}}  {escape(rest)}".rstrip())
        write_lines(lines)
        return exit_status(ctx)
    from pymemtools.render.machine import machine_lines

    fields = report.TunableRow._fields
    facts = facts_as_json(opened.facts)
    write_lines(machine_lines(style, "tunables", [row._asdict() for row in rows], fields=fields, source=facts))
    return exit_status(ctx)


def _matches(name: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    return fnmatch.fnmatchcase(name, pattern if "*" in pattern or "?" in pattern else f"*{pattern.replace('/', '.')}*")


@command.command("get", cls=AbbreviatingCommand, context_settings=_HELP)
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
    found = [(name, value_of(opened, name)) for name in map(canonical, names)]
    write_lines(
        name if only_names else escape(value) if values else f"{name} = {escape(value)}" for name, value in found
    )
    return exit_status(ctx)


@command.command("explain", cls=AbbreviatingCommand, context_settings=_HELP)
@click.argument("name", shell_complete=_offer_names)
@source_options
@click.pass_context
def explain_tunable(
    ctx: click.Context, name: str, source: str | None, *, max_size: int, partial: bool, strict: bool
) -> int:
    """Say what a tunable does, what it is set to and what that means now."""
    known = TUNABLES.get(canonical(name))
    if known is None:
        raise Missing(f"tunables: nothing is known of '{name}'")
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    lines = [*click.wrap_text(f"{known.name}: {known.meaning}", _width()).split("\n"), ""]
    lines += [f"{title + ':':<10}{text}" for title, text in _facts_of(known.name, opened) if text]
    write_lines(lines)
    return exit_status(ctx)


def _facts_of(name: str, source: Source) -> list[tuple[str, str]]:
    known = TUNABLES[name]
    try:
        row = report.rows(source, [name], read_machine(source))[0]
        now = f"{row.value} ({row.meaning})" if row.meaning else row.value
    except Missing:
        now = "this kernel does not have it"
    allowed = " ".join(known.choices) or ("" if known.is_list else f"{known.low} to {known.high}")
    return [
        ("now", escape(now)),
        ("default", known.default),
        ("allowed", allowed),
        ("unit", known.unit),
        ("Linux", known.versions),
        ("twin", f"{known.twin}: setting one sets the other to 0" if known.twin else ""),
        ("see also", " ".join(known.related)),
        ("danger", known.danger),
        ("file", known.path if known.path.startswith("/") else f"/proc/{known.path}"),
    ]


def _width() -> int:
    import sys

    return terminal_columns(sys.stdout, least=40)


@command.command("set", cls=AbbreviatingCommand, context_settings=_HELP)
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
def set_tunables(
    assignments: tuple[str, ...],
    file: str | None,
    persist: str | None,
    source: str | None,
    *,
    dry_run: bool,
    force: bool,
) -> int:
    """Set tunables, all or none: checked first, read back, and put back when one fails."""
    if source is not None:
        raise UsageProblem("tunables set: a capture cannot be set")
    machine = live()
    wanted = checked([*(from_file(file) if file else ()), *assignments], machine, force=force)
    if persist and any(not assignment.name.startswith(("vm.", "kernel.")) for assignment in wanted):
        raise UsageProblem("tunables set: --persist writes for sysctl, which does not know what is in /sys")
    settings = [_setting(assignment) for assignment in wanted]
    control.check_writable(settings)
    before = read_machine(machine)
    lines = [_change(assignment, before, dry_run=dry_run) for assignment in wanted]
    if dry_run:
        write_lines(lines)
        return 0
    control.apply(settings)
    write_lines(lines)
    if persist:
        _persist(persist, wanted)
    return 0


def _setting(assignment: Assignment) -> control.Setting:
    known = TUNABLES[assignment.name]
    twin = (known.twin, _absolute(TUNABLES[known.twin].path)) if known.twin else None
    return control.Setting(assignment.name, _absolute(known.path), assignment.value, twin)


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/proc/{path}"


def _change(assignment: Assignment, machine: Machine, *, dry_run: bool) -> str:
    """Say what a setting changes, and what comes of it."""
    name, value = assignment
    twin = TUNABLES[name].twin
    effect = [report.meaning(name, value, supposed(machine, {name: value}))]
    if twin and machine.settings.get(twin, "0") != "0" and value != "0":
        effect.append(f"{twin}: {machine.settings[twin]} -> 0")
    text = "; ".join(part for part in effect if part)
    would = "would set " if dry_run else ""
    return f"{would}{name}: {machine.settings.get(name, '-')} -> {value}" + (f" ({text})" if text else "")


def _persist(path: str, wanted: list[Assignment]) -> None:
    """Write a drop-in for sysctl: what it held of other tunables stays."""
    lines: list[str] = []
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    names = {assignment.name for assignment in wanted}
    kept = [line for line in lines if canonical(line.partition("=")[0].strip().lstrip("-")) not in names]
    kept = kept or ["# Written by pymemtools tunables set --persist."]
    text = "".join(f"{line}\n" for line in [*kept, *(f"{each.name} = {each.value}" for each in wanted)])
    write_new_file(path, text.encode("utf-8", "surrogateescape"), force=True)
    say(f"tunables: wrote {path}")

"""``pymemtools tunables set``: all settings or none, checked first and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.options import check_style, format_option
from pymemtools.cli.output import show
from pymemtools.cli.tunables.drop_in import check_drop_in, drop_in
from pymemtools.cli.tunables.names import offer_settings
from pymemtools.cli.types import PATH
from pymemtools.control import settings as control
from pymemtools.errors import Denied, UsageProblem
from pymemtools.readings.machine import read_machine
from pymemtools.reports.tunables.report import Change, set_report
from pymemtools.reports.tunables.values import Assignment, Wanted, Wish, checked, file_of, is_assignment, wishes_of
from pymemtools.reports.what_if.supposed import supposed
from pymemtools.sources.tree import live

DROP_IN = "/etc/sysctl.d/60-pymemtools.conf"
_LARGEST_FILE = 1 << 20


@click.command("set", cls=AbbreviatingCommand)
@click.argument("assignments", nargs=-1, metavar="NAME=VALUE...", shell_complete=offer_settings)
@click.option(
    "--from",
    "file",
    type=PATH,
    metavar="FILE",
    help="Take settings from a file like sysctl.conf.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option("--force", is_flag=True, help="Set values that are likely to do harm, too.")
@click.option(
    "--persist",
    is_flag=False,
    flag_value=DROP_IN,
    type=PATH,
    metavar="[FILE]",
    help=f"Write the settings to a file for the next boot, too. [{DROP_IN}]",
)
@format_option
@click.option("-S", "--source", hidden=True)
@click.pass_context
def command(
    ctx: click.Context,
    assignments: tuple[str, ...],
    file: str | None,
    persist: str | None,
    source: str | None,
    style: str,
    *,
    dry_run: bool,
    force: bool,
) -> int:
    """Set tunables, all or none: checked first, read back, and put back when one fails."""
    check_style(style)
    if source is not None or ctx.obj is True:
        raise UsageProblem("tunables set: a capture cannot be set")
    if persist and is_assignment(persist):
        assignments, persist = (persist, *assignments), DROP_IN  # a setting, not --persist's FILE
    machine = live()
    before = read_machine(machine)
    wishes = [*(_from_file(file) if file else ()), *map(Wish, assignments)]
    wanted = checked(wishes, machine, before, force=force)
    for reason in wanted.left_out:
        say(f"left out: {reason}")
    settings = _writable(wanted)
    written = [Assignment(setting.name, setting.value) for setting in settings]
    after = supposed(before, dict(written))
    failed = _dry_run(persist, written) if dry_run else _apply(settings, persist, written)
    for reason in failed.values():
        say(f"left out: {reason}")
    done = [each for each in written if each.name not in failed]
    report = set_report(done, before, after, machine.facts._asdict(), is_dry_run=dry_run)
    would = "would set " if dry_run else ""
    show(report, style, lambda report: [f"{would}{_line(change)}" for change in report.answer])
    return 0


def _from_file(path: str) -> list[Wish]:
    try:
        with open(path, "rb") as file:
            text = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from None
    if len(text) > _LARGEST_FILE:
        raise UsageProblem(f"{path}: larger than 1 MiB, so it is no file of settings")
    return wishes_of(text, path)


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
    name, path, value, twin, is_action = file_of(assignment)
    return control.Setting(name, path, value, twin, may_fail=may_fail, is_action=is_action)


def _line(change: Change) -> str:
    """Say what a setting changes, and what comes of it."""
    effect = [change.meaning] if change.meaning else []
    if change.twin:
        effect.append(f"{change.twin}: {change.twin_before} -> {change.twin_after}")
    before = "-" if change.value_before is None else change.value_before
    return f"{change.tunable}: {before} -> {change.value}" + (f" ({'; '.join(effect)})" if effect else "")

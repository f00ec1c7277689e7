"""``pymemtools oom-report``: why was a process killed?"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli import say
from pymemtools.cli.oom_report.layout import SCALARS, report_lines, row_of
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
from pymemtools.errors import ArchiveError, MemtoolsError, Missing, UsageProblem
from pymemtools.kernel_log.scan import oom_reports
from pymemtools.reports.oom_report.analysis import Analysis, analyse

if TYPE_CHECKING:
    from pymemtools.readings.kernel_logs import Logged

_Found = Iterator[tuple[str, Analysis]]


@click.command("oom-report", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, type=click.Path(readable=False), metavar="[FILE ...]")
@click.option("--dmesg", is_flag=True, help="Read this machine's kernel log.")
@click.option("--tasks", is_flag=True, help="Show the whole task table, not the first few.")
@format_option
@source_options
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    style: str,
    source: str | None,
    max_size: int,
    *,
    dmesg: bool,
    tasks: bool,
    strict: bool,
    partial: bool,
) -> int:
    """Read kernel logs (- is stdin), or that of a capture, and explain every kill for lack of memory in them."""
    check_style(style)
    if [bool(files), dmesg, source is not None].count(True) != 1:
        raise UsageProblem("oom-report: which log? Write FILE ... (- is stdin), --dmesg, or -S and a capture")
    damages: list[str] = []
    is_named = len(files) > 1
    if files:
        facts: Mapping[str, Any] = _NO_FACTS | {"kind": "log", "path": " ".join(files)}
        found = _of_files(files, damages, max_size)
    elif dmesg:
        facts, found = _NO_FACTS | {"kind": "live"}, _of_this_machine()
    else:
        facts, found, is_named = _of_capture(ctx, str(source), damages, partial=partial, max_size=max_size)
    if strict:
        found = _noting_what_is_cut(found, ctx)
    if style == "text":
        count = _print_text(found, is_whole=tasks, is_named=is_named)
    else:
        count = _print_rows(found, style, facts, damages)
    for damage in damages:
        say(f"oom-report: {damage}")
    if not count and not damages:
        raise Missing(f"oom-report: no report of the OOM killer in {facts['path'] or 'the kernel log'}")
    return 1 if damages else exit_status(ctx)


_NO_FACTS: dict[str, Any] = dict.fromkeys(("kind", "path", "kernel", "page_size", "taken_at"))


def _print_text(found: _Found, *, is_whole: bool, is_named: bool) -> int:
    """Print each report as it is found, for a log can be long; give their number."""
    count = 0
    for name, analysis in found:
        if count:
            sys.stdout.write("\n")
        write_lines(report_lines(analysis, name if is_named else None, is_whole=is_whole))
        count += 1
    return count


def _print_rows(found: _Found, style: str, facts: Mapping[str, Any], damages: Sequence[str]) -> int:
    """Print a row for each report, as it is found where the format lets us; give their number."""
    from pymemtools.render.machine import machine_lines

    rows: list[dict[str, Any]] = []
    count = 0
    for name, analysis in found:
        row = row_of(analysis, name)
        count += 1
        if style == "jsonl":
            write_lines(machine_lines(style, "oom-report", [row], fields=SCALARS, source=facts))
        else:
            rows.append(row if style == "json" else {**row, "missing_inputs": "; ".join(row["missing_inputs"])})
    if rows:
        write_lines(machine_lines(style, "oom-report", rows, fields=SCALARS, source=facts, notes=damages))
    return count


def _noting_what_is_cut(found: _Found, ctx: click.Context) -> _Found:
    for name, analysis in found:
        if analysis.is_cut:
            ctx.meta["incomplete"] = True
        yield name, analysis


def _of_capture(
    ctx: click.Context, path: str, damages: list[str], *, partial: bool, max_size: int
) -> tuple[Mapping[str, Any], _Found, bool]:
    """Read the logs of a capture, or of a directory that has nothing else; tell whether there are several."""
    from pymemtools.readings.kernel_logs import reports_beside, whole_logs
    from pymemtools.sources.log_file import is_plain_log, lone_log

    try:
        opened = open_from(ctx, path, partial=partial, max_size=max_size, with_logs=True)
    except ArchiveError as error:
        if is_plain_log(path):
            raise ArchiveError(f"{error}; did you mean: oom-report {path}") from None
        raise
    except Missing:
        log = lone_log(path)
        if log is None:
            raise
        return _NO_FACTS | {"kind": "directory", "path": path}, _of_one_kernel(path, [log], None), False
    facts = facts_as_json(opened.facts)
    logs = whole_logs(opened)
    if not logs:
        raise Missing(
            f"oom-report: no kernel log in {path}: neither dmesg nor journalctl, messages, syslog or kern.log"
        )
    if logs == [["dmesg"]]:
        return facts, _of_one_kernel(path, [opened.read("dmesg")], facts["kernel"]), False
    found = reports_beside(opened, logs, max_size, damages)
    return facts, _of_logs(found, facts["kernel"]), len({each.log for each in found}) > 1


def _of_logs(found: Sequence[Logged], kernel: str | None) -> _Found:
    from pymemtools.readings.kernel_logs import is_ring_buffer

    for log, report in found:
        known = report.kernel or (kernel if is_ring_buffer(log) else None)
        yield log, analyse(report._replace(kernel=known))


def _of_files(names: Sequence[str], damages: list[str], max_size: int) -> _Found:
    """Explain one log after the other; what is wrong with one keeps none of the others back."""
    for name in names:
        for report in oom_reports(_until_damage(name, damages, max_size)):
            yield name, analyse(report)


def _until_damage(name: str, damages: list[str], max_size: int) -> Iterator[bytes]:
    """Read a log as far as it can be read, and note what keeps us from the rest."""
    from pymemtools.sources.log_file import log_pieces

    try:
        yield from log_pieces(name, max_size)
    except MemtoolsError as error:
        damages.append(str(error))


def _of_this_machine() -> _Found:
    from pymemtools.sources.kernel_log import read_kernel_log

    return _of_one_kernel("dmesg", [read_kernel_log()], os.uname().release)


def _of_one_kernel(name: str, pieces: Sequence[bytes], kernel: str | None) -> _Found:
    """Explain the ring buffer of a kernel that is known; the beginning of a report, which names it, may be gone."""
    for report in oom_reports(pieces):
        yield name, analyse(report._replace(kernel=report.kernel or kernel))

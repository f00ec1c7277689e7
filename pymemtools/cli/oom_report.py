"""``pymemtools oom-report``: why was a process killed?"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand, meant_source
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.types import PATH
from pymemtools.errors import ArchiveError, Missing, UsageProblem
from pymemtools.readings.kernel_logs import Logged, others_that_killed, reports_in_files, reports_in_ring

_NO_FACTS: dict[str, Any] = dict.fromkeys(("kind", "path", "kernel", "page_size", "taken_at"))
_ROW_BY_ROW = ("text", "jsonl")


class Logs(NamedTuple):
    """The reports in what is to be read, found as they are asked for."""

    facts: Mapping[str, Any]
    found: Iterable[Logged]
    is_named: bool  # each with its log, as there are several


@click.command("oom-report", cls=AbbreviatingCommand)
@click.argument("files", nargs=-1, type=PATH, metavar="[FILE]...")
@click.option("--dmesg", is_flag=True, help="Read this machine's kernel log.")
@click.option("--tasks", is_flag=True, help="Show the whole task table, not the first few.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Explain only the last N kills of all logs.")
@format_option
@source_options
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Read kernel logs (- is stdin), or that of a capture, and explain every kill for lack of memory in them."""
    style = options["style"]
    check_style(style)
    damages: list[str] = []
    logs = _logs(ctx, options, damages)
    if options["last"] is not None:
        logs = logs._replace(found=deque(logs.found, options["last"]))
    count = _show(ctx, logs, options, damages)
    for damage in damages:
        say(f"oom-report: {damage}")
    if not count and not damages:
        others = ", ".join(others_that_killed(options["files"], options["max_size"]))
        who = f"; processes were killed by {others}" if others else ""
        raise Missing(f"oom-report: no report of the OOM killer in {logs.facts['path'] or 'the kernel log'}{who}")
    return 1 if damages else exit_status(ctx)


def _logs(ctx: click.Context, options: Mapping[str, Any], damages: list[str]) -> Logs:
    """Find out which logs to read. Raises UsageProblem for none, and for several kinds."""
    files: Sequence[str] = options["files"]
    if [bool(files), options["dmesg"], options["source"] is not None].count(True) != 1:
        raise UsageProblem("oom-report: which log? Write FILE ... (- is stdin), --dmesg, or -S and a capture")
    if len(files) == 1 and os.path.isdir(files[0]):
        raise UsageProblem(f"oom-report: {files[0]} is a directory{meant_source(files[0])}")
    if files:
        facts = _NO_FACTS | {"kind": "log", "path": " ".join(files)}
        return Logs(facts, reports_in_files(files, options["max_size"], damages), len(files) > 1)
    if options["dmesg"]:
        from pymemtools.sources.kernel_log import read_kernel_log, running_kernel, started_at

        found = reports_in_ring("dmesg", read_kernel_log(), running_kernel(), started_at())
        return Logs(_NO_FACTS | {"kind": "live"}, found, is_named=False)
    return _of_capture(ctx, options, damages)


def _of_capture(ctx: click.Context, options: Mapping[str, Any], damages: list[str]) -> Logs:
    """Take the logs of a capture, or of a directory that has nothing else."""
    from pymemtools.readings.kernel_logs import reports_of_capture
    from pymemtools.sources.log_file import is_plain_log, lone_log

    path, max_size = options["source"], options["max_size"]
    try:
        opened = open_from(ctx, path, with_logs=True)
    except ArchiveError as error:
        if is_plain_log(path):
            raise ArchiveError(f"{error}; did you mean: oom-report {path}") from None
        raise
    except Missing:
        log = lone_log(path)
        if log is None:
            raise
        return Logs(_NO_FACTS | {"kind": "directory", "path": path}, reports_in_ring(path, log, None), is_named=False)
    return Logs(opened.facts._asdict(), *reports_of_capture(opened, max_size, damages))


def _show(ctx: click.Context, logs: Logs, options: Mapping[str, Any], damages: Sequence[str]) -> int:
    """Print each report as it is found where the format lets us, for a log can be long; give their number."""
    style = options["style"]
    found = iter(logs.found)
    first = next(found, None)
    if first is None:  # most logs have none: nothing else is loaded then
        return 0
    from pymemtools.cli.output import show
    from pymemtools.cli.terminal import page_columns, terminal_columns
    from pymemtools.render.kill_text import kill_lines
    from pymemtools.render.tones import KILLS
    from pymemtools.reports.oom_report.report import explained, kills_report

    text = partial(
        kill_lines,
        width=terminal_columns(sys.stdout, least=60),
        cuts_table=page_columns() is not None,
        is_named=logs.is_named,
        is_whole=options["tasks"],
    )
    kills, count = [], 0
    for kill in explained(chain([first], found)):
        if options["strict"] and kill.analysis.is_cut:
            ctx.meta["incomplete"] = True
        count += 1
        if style not in _ROW_BY_ROW:
            kills.append(kill)
            continue
        if style == "text" and count > 1:
            sys.stdout.write("\n")
        show(kills_report([kill], logs.facts), style, text, tones=KILLS)
    if kills:
        show(kills_report(kills, logs.facts, damages), style, text)
    return count

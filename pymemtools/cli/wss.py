"""``pymemtools wss``: how much of its memory a process uses within windows of time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import check_style, exit_status, format_option, open_from
from pymemtools.cli.output import show
from pymemtools.cli.progress import progress
from pymemtools.cli.types import process_number
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.control.working_set import Begun, Leave, begin, wait_until
from pymemtools.errors import MemtoolsError, NoSuchProcess, UsageProblem
from pymemtools.readings.touched import look
from pymemtools.report import Report
from pymemtools.reports.wss.report import METHODS, REFERENCED, Window, WorkingSet, window_of, wss_report
from pymemtools.sources.base import Source

_SECONDS = "1,10,60"
_LONGEST = 7 * 86400.0


@click.command("wss", cls=AbbreviatingCommand)
@click.argument("pid", metavar="PID", shell_complete=offer_pids)
@click.option("--seconds", default=_SECONDS, metavar="LIST", help=f"Windows, which begin at once. [{_SECONDS}]")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=REFERENCED,
    help="By accessed bits, idle pages (root), or soft-dirty bits (writes). [referenced]",
)
@click.option("--force", is_flag=True, help="Clear bits also where that may mislead others who track them.")
@watch_option
@click.option("-S", "--source", "copy", hidden=True)  # to say why not
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show how much of its memory a process of this machine uses within some seconds, as an interval. In KiB."""
    check_style(options["style"])
    check_watch("wss", options)
    pid = process_number("wss", options["pid"])
    asked = _windows(options["seconds"])
    if options["copy"] is not None or ctx.obj is True:
        raise MemtoolsError("wss: is for a live machine: no capture has what it reads")
    source = open_from(ctx, None)
    for sample in watched("wss", source, options):
        begun = begin(source, pid, options["method"], Leave(options["force"], is_again=bool(sample)))
        windows, ended = _measured(source, pid, begun, asked)
        title = begun.before.title.decode("utf-8", "surrogateescape")
        found = WorkingSet(pid, title, begun.measuring, windows, len(asked))
        show(wss_report(found, source.facts._asdict(), ended), options["style"], _text, sample=sample)
        if ended:
            return NoSuchProcess.exit_status
    return exit_status(ctx)


def _windows(text: str) -> list[float]:
    """Read seconds with commas between them. Raises UsageProblem."""
    try:
        found = sorted({float(word) for word in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(0 < seconds <= _LONGEST for seconds in found):
        raise UsageProblem(f"wss: --seconds: '{text}' is no list of seconds; write for example {_SECONDS}")
    return found


def _measured(source: Source, pid: int, begun: Begun, asked: Sequence[float]) -> tuple[list[Window], list[str]]:
    """Look at the end of each window; where the process ends earlier, say so. Raises NoSuchProcess before the first."""
    windows: list[Window] = []
    with progress(f"measuring for {asked[-1]:g} s"):
        for seconds in asked:
            wait_until(pid, begun.start + seconds)
            elapsed = time.monotonic() - begun.start
            try:
                after = look(source, pid)
                if not after.is_same(begun.before):
                    raise NoSuchProcess(pid)
                windows.append(window_of(seconds, elapsed, begun.touched(after)))
            except MemtoolsError:
                if not windows:
                    raise NoSuchProcess(pid) from None
                return windows, [f"{pid}: ended, or became another program, after {elapsed:.1f} s"]
    return windows, []


def _text(report: Report) -> Iterable[str]:
    from pymemtools.cli.terminal import page_columns
    from pymemtools.render.wss_table import wss_lines

    return wss_lines(report.answer, page_columns())

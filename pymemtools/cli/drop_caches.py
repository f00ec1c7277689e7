"""``pymemtools drop-caches``: drop caches, and show what that freed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.output import show
from pymemtools.cli.progress import progress
from pymemtools.cli.types import CACHES, DROPPED, SECONDS
from pymemtools.control.caches import write_drop_caches
from pymemtools.control.settings import Setting, check_writable
from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.render.free_table import free_table
from pymemtools.report import Report
from pymemtools.reports.drop_caches import Caches, Dropped, drop_report, expected, read_before, read_moment
from pymemtools.sources.base import Source

_TITLES = ("total", "used", "free", "shared", "buff/cache", "available")
_WHAT = {1: "clean file pages", 2: "dentries, inodes and other reclaimable slab", 3: "clean file pages and slab"}


class DropRequest(NamedTuple):
    """What to drop, and how long to wait for sync first, in seconds: not at all for None."""

    level: int
    sync: float | None
    waits: bool  # and drops nothing where sync takes longer


@click.command("drop-caches", cls=AbbreviatingCommand)
@click.argument("level", type=DROPPED, default=1, metavar="[1|2|3]", shell_complete=offer("1", "2", "3", *CACHES))
@click.option("--dry-run", is_flag=True, help="Only say what it would free; works on captures, too.")
@click.option("--no-sync", is_flag=True, help="Do not write dirty pages first; these stay.")
@click.option("--sync-timeout", type=SECONDS, default="30", metavar="SECONDS", help="How long to wait for sync. [30]")
@click.option("--no-wait", is_flag=True, help="Drop what is clean when sync takes longer.")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Drop caches: 1 clean file pages (default), 2 dentries, inodes and other reclaimable slab, 3 both."""
    style = options["style"]
    check_style(style)
    source = open_from(ctx, options["source"])
    asked = _checked(options)
    if options["dry_run"]:
        before = read_before(source, asked.level)
        report = drop_report(expected(before, asked.level), before, None, source.facts._asdict())
    elif options["source"] is not None or ctx.obj is True:
        raise UsageProblem("drop-caches: a capture has no caches to drop; --dry-run predicts")
    else:
        report = _drop(source, asked)
    show(report, style, _text)
    return exit_status(ctx)


def _checked(options: Mapping[str, Any]) -> DropRequest:
    sync = None if options["no_sync"] else options["sync_timeout"]
    return DropRequest(options["level"], sync, not options["no_wait"])


def _drop(source: Source, asked: DropRequest) -> Report:
    check_writable([Setting("vm.drop_caches", "/proc/sys/vm/drop_caches", str(asked.level))])
    if sys.stderr is not None and sys.stderr.isatty():
        say(f"drop-caches: drops {_WHAT[asked.level]}; programs are slower until what they need is back in memory")
    if asked.sync is not None:
        _sync(asked.sync, go_on=not asked.waits)
    before = read_before(source, asked.level)
    expects = expected(before, asked.level)
    write_drop_caches(asked.level)
    return drop_report(expects, before, read_moment(source), source.facts._asdict())


def _sync(seconds: float, *, go_on: bool) -> None:
    """Let another process call sync(), which cannot be interrupted, and wait for it so long. Raises MemtoolsError."""
    pid = os.fork()
    if pid == 0:
        try:
            os.closerange(0, 64)  # nobody who reads our output should wait for it, too
            os.sync()
        finally:
            os._exit(0)
    deadline = time.monotonic() + seconds
    with progress("drop-caches: writing back what is dirty"):
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(0.05, left))
        else:
            return
    if not go_on:
        raise MemtoolsError(f"drop-caches: sync did not finish in {seconds:g} s (--no-wait drops what is clean)")
    say(f"drop-caches: sync did not finish in {seconds:g} s: only what is clean is dropped")


def _text(report: Report) -> list[str]:
    found: Dropped = report.answer
    rows = [
        (label, [mem.total, mem.used, mem.free, mem.shared, mem.buff_cache, mem.available])
        for label, mem in (("before:", found.before), ("after:", found.after))
        if mem is not None
    ]
    table = free_table(_TITLES, rows, _kib, label=8, cell=11)
    return [*table, "", *(_line(each) for each in found.classes if each.predicted_most is not None)]


def _line(caches: Caches) -> str:
    predicted = f"{_kib(caches.predicted_least)} to {_kib(caches.predicted_most)}"
    if caches.freed is None:
        return f"{caches.name}: would free {predicted} of {_kib(caches.before)} KiB"
    again = f"; {_kib(caches.read_meanwhile)} KiB were read from disk meanwhile" if caches.read_meanwhile else ""
    return f"{caches.name}: freed {_kib(caches.freed)} of {_kib(caches.before)} KiB, predicted {predicted}{again}"


def _kib(size: int | None) -> str:
    return "-" if size is None else str(size // 1024)

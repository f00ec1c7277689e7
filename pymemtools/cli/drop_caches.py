"""``pymemtools drop-caches``: drop caches, and show what that freed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

import click

from pymemtools import control
from pymemtools.cli import say
from pymemtools.cli.options import (
    SECONDS,
    AbbreviatingCommand,
    check_style,
    exit_status,
    facts_as_json,
    format_option,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.models.drop_caches import predict
from pymemtools.models.reclaimable import Interval
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.readings.doubt import read_meminfo
from pymemtools.render.free_table import free_table
from pymemtools.reports.free import memory
from pymemtools.sources.base import Facts, Source
from pymemtools.units import minus

_TITLES = ("total", "used", "free", "shared", "buff/cache", "available")
_FIELDS = ("class", "before", "after", "freed", "predicted_least", "predicted_most", "read_meanwhile")
_WHAT = {1: "clean file pages", 2: "dentries, inodes and other reclaimable slab", 3: "clean file pages and slab"}


@click.command("drop-caches", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("level", type=click.IntRange(1, 3), default=1, metavar="[1|2|3]")
@click.option("--dry-run", is_flag=True, help="Only say what it would free; works on captures, too.")
@click.option("--no-sync", is_flag=True, help="Do not write dirty pages first; these stay.")
@click.option("--sync-timeout", type=SECONDS, default="30", metavar="SECONDS", help="How long to wait for sync. [30]")
@click.option("--no-wait", is_flag=True, help="Drop what is clean when sync takes longer.")
@source_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    level: int,
    sync_timeout: float,
    source: str | None,
    style: str,
    *,
    dry_run: bool,
    no_sync: bool,
    no_wait: bool,
    max_size: int,
    partial: bool,
    strict: bool,
) -> int:
    """Drop caches: 1 clean file pages (default), 2 dentries, inodes and other reclaimable slab, 3 both."""
    check_style(style)
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    if dry_run:
        before = _meminfo(opened)
        _print(style, opened.facts, _asked(before, level), before, None, None)
        return exit_status(ctx)
    if source is not None or ctx.obj is True:
        raise UsageProblem("drop-caches: a capture has no caches to drop; --dry-run predicts")
    control.check_writable([control.Setting("vm.drop_caches", "/proc/sys/vm/drop_caches", str(level))])
    if sys.stderr is not None and sys.stderr.isatty():
        say(f"drop-caches: drops {_WHAT[level]}; programs are slower until what they need is back in memory")
    if not no_sync:
        _sync(sync_timeout, go_on=no_wait)
    read_before, before = _read_from_disks(opened), _meminfo(opened)
    asked = _asked(before, level)
    control.write_drop_caches(level)
    after, read_after = _meminfo(opened), _read_from_disks(opened)
    _print(style, opened.facts, asked, before, after, minus(read_after, read_before))
    return exit_status(ctx)


def _asked(before: Mapping[str, int], level: int) -> tuple[Interval | None, Interval | None]:
    """Predict what goes of file pages and of slab, None for what is not to be dropped. Raises ParseError."""
    prediction = predict(before, level)
    return prediction.page_cache if level & 1 else None, prediction.slab if level & 2 else None


def _meminfo(source: Source) -> Mapping[str, int]:
    found = read_meminfo(source)
    for note in found.notes:
        say(f"drop-caches: {note}")
    return found.meminfo


def _read_from_disks(source: Source) -> int | None:
    """Give the bytes that all have read from disks since boot: what comes back while caches are dropped."""
    try:
        kib = parse_vmstat(source.read("vmstat")).get("pgpgin")
    except MemtoolsError:
        return None
    return None if kib is None else kib * 1024


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
    shows = sys.stderr is not None and sys.stderr.isatty()
    said = 0
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        if shows and (waited := int(seconds - left)) > said:
            said = waited
            say(f"drop-caches: sync: {said} s")
        time.sleep(min(0.05, left))
    else:
        return
    if not go_on:
        raise MemtoolsError(f"drop-caches: sync did not finish in {seconds:g} s (--no-wait drops what is clean)")
    say(f"drop-caches: sync did not finish in {seconds:g} s: only what is clean is dropped")


def _print(
    style: str,
    facts: Facts,
    asked: tuple[Interval | None, Interval | None],
    before: Mapping[str, int],
    after: Mapping[str, int] | None,
    read_meanwhile: int | None,
) -> None:
    files = _class_row("page cache", _files, before, after, asked[0])
    slab = _class_row("reclaimable slab", _slab, before, after, asked[1])
    files["read_meanwhile"], slab["read_meanwhile"] = read_meanwhile, None
    rows = [files, slab]
    if style == "text":
        write_lines([*_tables(before, after), "", *(_line(row) for row in rows if row["predicted_most"] is not None)])
        return
    from pymemtools.render.machine import machine_lines

    write_lines(machine_lines(style, "drop-caches", rows, fields=_FIELDS, source=facts_as_json(facts)))


def _class_row(
    name: str,
    size_of: Callable[[Mapping[str, int]], int | None],
    before: Mapping[str, int],
    after: Mapping[str, int] | None,
    predicted: Interval | None,
) -> dict[str, str | int | None]:
    """Make a row. Of a class that nobody asked to drop, nothing is predicted: some of it may go with the other."""
    was, now = size_of(before), None if after is None else size_of(after)
    freed = minus(was, now)
    least, most = (None, None) if predicted is None else predicted
    return dict(zip(_FIELDS, (name, was, now, None if freed is None else max(freed, 0), least, most)))


def _files(meminfo: Mapping[str, int]) -> int | None:
    active, inactive = meminfo.get("Active(file)"), meminfo.get("Inactive(file)")
    return None if active is None or inactive is None else active + inactive


def _slab(meminfo: Mapping[str, int]) -> int | None:
    return meminfo.get("KReclaimable", meminfo.get("SReclaimable"))


def _tables(before: Mapping[str, int], after: Mapping[str, int] | None) -> list[str]:
    rows = []
    for label, meminfo in (("before:", before), ("after:", after)):
        if meminfo is not None:
            mem = memory(meminfo).mem
            rows.append((label, [mem.total, mem.used, mem.free, mem.shared, mem.buff_cache, mem.available]))
    return free_table(_TITLES, rows, _kib, label=8, cell=11)


def _line(row: Mapping[str, str | int | None]) -> str:
    predicted = f"{_kib(row['predicted_least'])} to {_kib(row['predicted_most'])}"
    if row["freed"] is None:
        return f"{row['class']}: would free {predicted} of {_kib(row['before'])} KiB"
    again = f"; {_kib(row['read_meanwhile'])} KiB were read from disk meanwhile" if row["read_meanwhile"] else ""
    return f"{row['class']}: freed {_kib(row['freed'])} of {_kib(row['before'])} KiB, predicted {predicted}{again}"


def _kib(size: str | int | None) -> str:
    return str(size // 1024) if isinstance(size, int) else "-"

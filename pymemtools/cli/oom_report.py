"""``pymemtools oom-report``: why was a process killed?"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.oom_report_layout import SCALARS, report_lines, row_of
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
from pymemtools.errors import Denied, MemtoolsError, Missing, UsageProblem
from pymemtools.kernel_log.scan import PIECE, oom_reports
from pymemtools.reports.oom_report import Analysis, analyse

_GZIP = b"\x1f\x8b"
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
    if files:
        facts: Mapping[str, Any] = _NO_FACTS | {"kind": "log", "path": " ".join(files)}
        found = _of_files(files, damages)
    elif dmesg:
        facts, found = _NO_FACTS | {"kind": "live"}, _of_this_machine()
    else:
        opened = open_from(ctx, source, partial=partial, max_size=max_size)
        facts = facts_as_json(opened.facts)
        found = _of_one_kernel(str(source), [opened.read("dmesg")], opened.facts.kernel)
    if strict:
        found = _noting_what_is_cut(found, ctx)
    if style == "text":
        count = _print_text(found, is_whole=tasks, is_named=len(files) > 1)
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


def _of_files(names: Sequence[str], damages: list[str]) -> _Found:
    """Explain one log after the other; what is wrong with one keeps none of the others back."""
    for name in names:
        try:
            for report in oom_reports(_pieces(name, damages)):
                yield name, analyse(report)
        except MemtoolsError as error:
            damages.append(str(error))


def _of_this_machine() -> _Found:
    from pymemtools.sources.kernel_log import read_kernel_log

    return _of_one_kernel("dmesg", [read_kernel_log()], os.uname().release)


def _of_one_kernel(name: str, pieces: Sequence[bytes], kernel: str | None) -> _Found:
    """Explain the ring buffer of a kernel that is known; the beginning of a report, which names it, may be gone."""
    for report in oom_reports(pieces):
        yield name, analyse(report._replace(kernel=report.kernel or kernel))


def _pieces(name: str, damages: list[str]) -> Iterator[bytes]:
    """Read a log piece by piece; one that gzip has packed, too, up to where it is damaged. Raises Missing or Denied."""
    try:
        fd = 0 if name == "-" else os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            first = os.read(fd, PIECE)
            if first.startswith(_GZIP):
                yield from _unpacked(fd, first, name, damages)
                return
            piece = first
            while piece:
                yield piece
                piece = os.read(fd, PIECE)
        finally:
            if fd:
                os.close(fd)
    except OSError as error:
        kind = Missing if error.errno == errno.ENOENT else Denied
        raise kind(f"{name}: {os.strerror(error.errno or 0)}") from None


def _unpacked(fd: int, first: bytes, name: str, damages: list[str]) -> Iterator[bytes]:
    import zlib

    packed = first
    unpacker = zlib.decompressobj(wbits=31)
    is_whole = True
    try:
        while packed:
            while packed:
                is_whole = False
                yield unpacker.decompress(packed, PIECE)
                packed = unpacker.unconsumed_tail
                if unpacker.eof:  # logs are appended to: another member may follow
                    is_whole = True
                    packed, unpacker = unpacker.unused_data, zlib.decompressobj(wbits=31)
            packed = os.read(fd, PIECE)
    except zlib.error as error:
        damages.append(f"{name}: damaged: {error}")
    else:
        if not is_whole:
            damages.append(f"{name}: damaged: it ends too early")

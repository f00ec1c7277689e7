"""``pymemtools oom-report``: why was a process killed?"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence

import click

from pymemtools.cli import say
from pymemtools.cli.oom_report_layout import SCALARS, report_lines, row_of
from pymemtools.cli.options import AbbreviatingCommand, check_style, format_option, write_lines
from pymemtools.errors import Denied, Missing, UsageProblem
from pymemtools.kernel_log.scan import PIECE, oom_reports
from pymemtools.reports.oom_report import Analysis, analyse

_GZIP = b"\x1f\x8b"


@click.command("oom-report", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE ...]")
@click.option("--dmesg", is_flag=True, help="Read this machine's kernel log.")
@click.option("--tasks", is_flag=True, help="Show the whole task table, not the first few.")
@format_option
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], style: str, *, dmesg: bool, tasks: bool) -> int:
    """Read kernel logs (- is stdin), and explain every kill for lack of memory in them."""
    check_style(style)
    if dmesg == bool(files):
        raise UsageProblem(
            "oom-report: " + ("--dmesg takes no FILE" if dmesg else "which log? Write FILE, - or --dmesg")
        )
    damages: list[str] = []
    found = _analyses(["dmesg"] if dmesg else files, damages, is_dmesg=dmesg)
    if style == "text":
        _print_text(found, files, damages, is_whole=tasks)
        return _status(damages)
    from pymemtools.render.machine import machine_lines

    rows = [row_of(analysis, name) for name, analysis in found]
    _check_found(len(rows), files, damages)
    if style not in ("json", "jsonl"):
        rows = [{**row, "missing_inputs": "; ".join(row["missing_inputs"])} for row in rows]
    source = {"kind": "live" if dmesg else "log", "path": None if dmesg else " ".join(files)}
    source |= {"kernel": None, "page_size": None, "taken_at": None}
    write_lines(machine_lines(style, "oom-report", rows, fields=SCALARS, source=source, notes=damages))
    return _status(damages)


def _status(damages: Sequence[str]) -> int:
    """Say what was damaged, once all that could be read is explained."""
    for damage in damages:
        say(f"oom-report: {damage}")
    return 1 if damages else 0


def _print_text(
    found: Iterator[tuple[str, Analysis]], files: Sequence[str], damages: Sequence[str], *, is_whole: bool
) -> None:
    """Print each report as it is found: a log can be long."""
    count = 0
    for _, analysis in found:
        if count:
            sys.stdout.write("\n")
        write_lines(report_lines(analysis, is_whole=is_whole))
        count += 1
    _check_found(count, files, damages)


def _check_found(count: int, files: Sequence[str], damages: Sequence[str]) -> None:
    if not count:
        damage = f" ({damages[0]})" if damages else ""
        raise Missing(f"oom-report: no report of the OOM killer in {' '.join(files) or 'the log'}{damage}")


def _analyses(names: Sequence[str], damages: list[str], *, is_dmesg: bool) -> Iterator[tuple[str, Analysis]]:
    for name in names:
        pieces = _dmesg() if is_dmesg else _pieces(name, damages)
        for report in oom_reports(pieces):
            if is_dmesg and report.kernel is None:  # its beginning was overwritten, but the kernel is still the same
                report = report._replace(kernel=os.uname().release)
            yield name, analyse(report)


def _dmesg() -> Iterator[bytes]:
    from pymemtools.sources.kernel_log import read_kernel_log

    yield read_kernel_log()


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
        raise kind(f"oom-report: {name}: {os.strerror(error.errno or 0)}") from None


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

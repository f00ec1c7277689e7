"""``pymemtools pmap``: the memory map of processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    AbbreviatingCommand,
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.pmap.layouts import default_lines, device_lines, extended_lines, title_line
from pymemtools.cli.pmap.request import Request, checked, chosen, wanted
from pymemtools.errors import Denied, Missing, ParseError
from pymemtools.reports.maps import ProcessMaps, read_maps
from pymemtools.sources.base import Source

NOT_FOUND = 42  # procps's
FAILED = 1
_BATCH = 1000  # lines written at once


@click.command("pmap", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("pids", nargs=-1, required=True, metavar="PID...")
@click.option("-x", "--extended", is_flag=True, help="Show resident and dirty memory too.")
@click.option("-X", "detail", count=True, help="Show most of what the kernel tells; -XX: all of it.")
@click.option("-d", "--device", is_flag=True, help="Show offset and device.")
@click.option("-q", "--quiet", is_flag=True, help="Leave out header and totals.")
@click.option("-p", "--show-path", is_flag=True, help="Show whole paths.")
@click.option("-k", "--use-kernel-name", is_flag=True, help="Show the kernel's names: [heap] is not [ anon ].")
@click.option("-A", "--range", metavar="LOW[,HIGH]", help="Only mappings in this range of addresses (hexadecimal).")
@source_options
@format_option
@click.version_option(None, "-V", "--version", package_name="pymemtools", message="pmap from pymemtools %(version)s")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show the memory map of processes: each mapping, its size and what it is."""
    check_style(options["style"])
    request = checked(options)
    source = open_from(ctx, options["source"], partial=options["partial"], max_size=options["max_size"])
    report = _text if options["style"] == "text" else _for_programs
    return report(source, request, options["style"]) or exit_status(ctx)


def _text(source: Source, request: Request, style: str) -> int:
    """Print the processes one after the other; give the exit status."""
    status = 0
    for pid in request.pids:
        maps, failed = _read(source, pid, request)
        status |= failed
        if maps is None:
            continue
        write_lines([title_line(maps)])
        if maps.problem is None:
            _write(_lines(maps, request))
    return status


def _for_programs(source: Source, request: Request, style: str) -> int:
    """Print the processes as one report; give the exit status."""
    from pymemtools.cli.pmap.machine import document, fields_of, rows_of

    found = [_read(source, pid, request) for pid in request.pids]
    processes = [maps for maps, _ in found if maps is not None]
    fields = fields_of(processes)
    write_lines(
        document(
            style,
            rows_of(processes, fields),
            fields,
            source,
            unreadable=sum(failed == FAILED for _, failed in found),
            notes=[maps.note for maps in processes if maps.note is not None],
        )
    )
    return reduce(or_, (failed for _, failed in found), 0)


def _read(source: Source, pid: int, request: Request) -> tuple[ProcessMaps | None, int]:
    """Read one process, and say what is wrong with it; give its part of the exit status."""
    try:
        maps = read_maps(source, pid, wanted(request.mode))
    except Missing:
        say(f"pmap: {pid}: no such process")
        return None, NOT_FOUND
    except (Denied, ParseError) as error:
        say(f"pmap: {error}")
        return None, FAILED
    if maps.problem is not None:
        say(f"pmap: {maps.pid}: {maps.problem}")
        return maps, FAILED
    if maps.note is not None:
        say(f"pmap: {maps.note}")
    return chosen(maps, request), 0


def _lines(maps: ProcessMaps, request: Request) -> Iterator[str]:
    if request.mode in ("X", "XX"):
        from pymemtools.cli.pmap.detail import usual_fields, wide_lines

        return wide_lines(maps, usual_fields(maps, everything=request.mode == "XX"), request.style)
    layout = {"": default_lines, "x": extended_lines, "d": device_lines}[request.mode]
    return layout(maps, request.style)


def _write(lines: Iterable[str]) -> None:
    """Write a report in pieces, since it may be large."""
    rest = iter(lines)
    while batch := list(islice(rest, _BATCH)):
        write_lines(batch)

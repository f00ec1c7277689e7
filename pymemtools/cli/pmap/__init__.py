"""``pymemtools pmap``: the memory map of processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_
from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    REGEX,
    SECONDS,
    AbbreviatingCommand,
    check_style,
    exit_status,
    format_option,
    offer,
    offer_in_list,
    offer_pids,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.pmap.columns import NAMES
from pymemtools.cli.pmap.gather import Found, gather
from pymemtools.cli.pmap.page import Page
from pymemtools.cli.pmap.request import Request, checked
from pymemtools.cli.watch import gap_between, samples
from pymemtools.errors import UsageProblem
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.sources.base import Source


@click.command(
    "pmap",
    cls=AbbreviatingCommand,
    beyond=["--diff", "--explain", "--sort", "--source", "--strict"],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("pids", nargs=-1, required=True, metavar="PID...", shell_complete=offer_pids)
@click.option("-x", "--extended", is_flag=True, help="Show resident and dirty memory too.")
@click.option("-X", "detail", count=True, help="Show most of what the kernel tells; -XX: all of it.")
@click.option("-d", "--device", is_flag=True, help="Show offset and device.")
@click.option(
    "--columns",
    metavar="LIST",
    shell_complete=offer_in_list(lambda ctx: NAMES),
    help="Show these columns: any number of smaps, kind, path, vmflags ...",
)
@click.option("-q", "--quiet", is_flag=True, help="Leave out header and totals.")
@click.option("-p", "--show-path", is_flag=True, help="Show whole paths.")
@click.option("-k", "--use-kernel-name", is_flag=True, help="Show the kernel's names: [heap] is not [ anon ].")
@click.option("-A", "--range", metavar="LOW[,HIGH]", help="Only mappings in this range of addresses (hexadecimal).")
@click.option("-P", "--name", type=REGEX, metavar="REGEX", help="Only mappings whose name matches.")
@click.option(
    "-s",
    "--sort",
    metavar="COLUMN",
    shell_complete=offer(*NAMES),
    help="Sort by a column, numbers from the largest.",
)
@click.option("-r", "--reverse", is_flag=True, help="Sort the other way round.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the first N of those, by default by size.")
@click.option("--group", type=click.Choice(["file", "kind", "none"]), help="Sum what is of one file, or of one kind.")
@click.option("--merge", is_flag=True, help="Show several processes in one table.")
@click.option("--rollup", is_flag=True, help="Show only totals, from smaps_rollup, which disturbs far less.")
@click.option("--diff", metavar="OTHER", help="Show what changed since OTHER, an earlier capture.")
@click.option("--watch", type=SECONDS, metavar="SECONDS", help="Show changes as they come.")
@click.option("--explain", is_flag=True, help="Explain the columns and flags on the page.")
@source_options
@format_option
@click.version_option(None, "-V", "--version", package_name="pymemtools", message="pmap from pymemtools %(version)s")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show the memory map of processes: each mapping, its size and what it is."""
    style = options["style"]
    check_style(style)
    request = checked(options)
    source = open_from(ctx, options["source"], partial=options["partial"], max_size=options["max_size"])
    if options["diff"] is not None:
        other = open_from(ctx, options["diff"], partial=options["partial"], max_size=options["max_size"])
        status = _compare(source, other, request, style)
    elif options["watch"] is not None:
        if source.facts.kind == "archive":
            raise UsageProblem("pmap: a capture does not change: --watch is for a live machine")
        status = _watch(source, request, style, options["watch"])
    else:
        status = _report(_found(source, request), request, source, style)
    return status or exit_status(ctx)


def _found(source: Source, request: Request) -> Iterator[Found]:
    """Read the processes, each when it is wanted."""
    return (gather(source, pid, request) for pid in request.pids)


def _report(found: Iterable[Found], request: Request, source: Source, style: str) -> int:
    """Print the mappings of all processes; give the exit status."""
    if style != "text":
        from pymemtools.cli.pmap.machine import document

        found = list(found)
        write_lines(document(style, found, request, source))
        return _status(found)
    page = Page(request)
    if request.merge or request.rollup:
        found = list(found)
        page.show_together([each.maps for each in found if each.maps is not None])
        page.explain()
        return _status(found)
    status = 0
    for each in found:
        status |= each.status
        if each.maps is not None:
            page.show(each.maps)
    page.explain()
    return status


def _status(found: Iterable[Found]) -> int:
    return reduce(or_, (each.status for each in found), 0)


def _compare(source: Source, other: Source, request: Request, style: str) -> int:
    """Print what changed between two sources."""
    before = {each.maps.pid: each.maps for each in _found(other, request) if each.maps is not None}
    found = list(_found(source, request))
    _print_changes(before, found, request, source, style, other)
    return _status(found)


def _watch(source: Source, request: Request, style: str, seconds: float) -> int:
    """Print all there is, and then what changed, again and again until no process is left."""
    status = 0
    found: list[Found] = []
    for sample in samples(seconds, gap=gap_between(style)):
        before = {each.maps.pid: each.maps for each in found if each.maps is not None}
        found = list(_found(source, request))
        if sample:
            _print_changes(before, found, request, source, style)
            status |= _status(found)
        else:
            status = _report(found, request, source, style)
        pids = tuple(pid for pid, each in zip(request.pids, found) if _is_readable(each))
        if not pids:
            break
        request = request._replace(pids=pids)
    return status


def _is_readable(found: Found) -> bool:
    return found.maps is not None and found.maps.problem is None


def _print_changes(
    before: dict[int, ProcessMaps],
    found: list[Found],
    request: Request,
    source: Source,
    style: str,
    other: Source | None = None,
) -> None:
    from pymemtools.cli.pmap.changes import changed, joined

    page = Page(request)
    frames = []
    for each in found:
        if each.maps is None or each.maps.problem is not None:
            continue
        earlier = before.get(each.maps.pid)
        if earlier is None:
            earlier = each.maps.take(())
            say(f"pmap: {each.maps.pid}: not in the earlier look: all of it is new")
        frames.append(changed(earlier, each.maps, request))
        if style == "text" and not request.merge:
            page.show_changes(each.maps, frames[-1])
    if style == "text":
        if request.merge:
            page.show_frame(joined(frames))
        page.explain()
        return
    from pymemtools.cli.pmap.machine import frame_lines

    write_lines(frame_lines(style, joined(frames), found, source, other))

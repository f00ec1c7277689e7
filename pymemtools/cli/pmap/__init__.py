"""``pymemtools pmap``: the memory map of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, reduce
from operator import or_
from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.explain import is_explained, no_more
from pymemtools.cli.file_options import diff_option
from pymemtools.cli.offers import offer, offer_in_list, offer_pids
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.output import show
from pymemtools.cli.pmap.arguments import checked, style_of
from pymemtools.cli.pmap.page import Page
from pymemtools.cli.types import REGEX, SECONDS
from pymemtools.cli.watch import check_changes, check_repeatable, gap_between, is_redrawn, samples
from pymemtools.errors import NoSuchProcess
from pymemtools.report import Report
from pymemtools.reports.pmap.columns import NAMES
from pymemtools.reports.pmap.report import joined_changes, process_reports, together, with_rows
from pymemtools.reports.pmap.request import PmapRequest
from pymemtools.sources.base import Source


@click.command(
    "pmap",
    cls=AbbreviatingCommand,
    beyond=["--color", "--diff", "--explain", "--sort", "--source", "--strict", "--width"],
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
@diff_option("Show what changed since OTHER, an earlier capture.")
@click.option("--watch", type=SECONDS, metavar="SECONDS", help="Show changes as they come.")
@source_options
@format_option
@click.version_option(None, "-V", "--version", package_name="pymemtools", message="pmap from pymemtools %(version)s")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show the memory map of processes: each mapping, its size and what it is."""
    style = options["style"]
    check_style(style)
    if options["watch"] is not None:
        check_repeatable("pmap", style, alike=False)
    request = checked(options)
    page = partial(Page, request, style_of(options), explains=is_explained())
    no_more()  # the page explains flags and kinds, too
    opened = partial(open_from, ctx)
    source = opened(options["source"])
    if options["diff"] is not None:
        status = _compare(source, opened(options["diff"]), request, style, page())
    elif options["watch"] is not None:
        check_changes("pmap", source)
        status = _watch(source, request, options["watch"], style, page)
    else:
        status = _print(_heard(source, request), request, style, page())
    return status or exit_status(ctx)


def _heard(source: Source, request: PmapRequest) -> Iterator[Report]:
    """Read the processes, each when it is wanted, and say what is wrong with it before anything else."""
    for report in process_reports(source, request):
        for warning in report.warnings:
            say(f"pmap: {warning}")
        yield report._replace(warnings=())


def _print(reports: Iterable[Report], request: PmapRequest, style: str, page: Page, sample: int | None = None) -> int:
    """Print the mappings of all processes; give the exit status."""
    status = 0
    if style != "text" or request.merge or request.rollup:
        found = list(reports)
        show(together(found, request), style, page.table, sample=sample, is_classic=True)
        status = _status(found)
    else:
        for report in reports:
            status |= _status([report])
            show(with_rows(report, request), style, page.process, is_classic=True)
    write_lines(page.legend())
    return status


def _status(reports: Iterable[Report]) -> int:
    gone = NoSuchProcess.exit_status
    return reduce(or_, (1 if each.unreadable else gone if each.answer is None else 0 for each in reports), 0)


def _compare(source: Source, other: Source, request: PmapRequest, style: str, page: Page) -> int:
    """Print what changed between two sources."""
    before = list(_heard(other, request))
    found = list(_heard(source, request))
    _print_changes(before, found, request, style, page, other)
    return _status(found)


def _watch(source: Source, request: PmapRequest, seconds: float, style: str, make_page: Callable[[], Page]) -> int:
    """Print all there is, and then what changed, again and again until no process is left; on a terminal always all."""
    status, redraws = 0, is_redrawn(style)
    found: list[Report] = []
    for sample in samples(seconds, gap=gap_between(style), redraws=redraws):
        before, found = found, list(_heard(source, request))
        if sample and not redraws:
            _print_changes(before, found, request, style, make_page(), sample=sample)
            status |= _status(found)
        else:
            status = _print(found, request, style, make_page(), sample=sample)
        pids = tuple(pid for pid, each in zip(request.pids, found) if each.answer is not None and not each.unreadable)
        if not pids:
            break
        request = request._replace(pids=pids)
    return status


def _print_changes(
    before: Sequence[Report],
    found: Sequence[Report],
    request: PmapRequest,
    style: str,
    page: Page,
    other: Source | None = None,
    sample: int | None = None,
) -> None:
    from pymemtools.render.tones import MAP_GROWTH
    from pymemtools.reports.pmap.changes import changes_report

    earlier = {each.answer.pid: each for each in before if each.answer is not None}
    readable = (each for each in found if each.answer is not None and not each.unreadable)
    compared = (changes_report(earlier.get(each.answer.pid), each, request) for each in readable)
    if style != "text" or request.merge:
        facts = None if other is None else other.facts
        report = joined_changes(found, compared, facts)
        show(report, style, page.table, sample=sample, is_classic=True, tones=MAP_GROWTH)
    else:
        for report in compared:
            show(report, style, page.changes, is_classic=True, tones=MAP_GROWTH)
    write_lines(page.legend())

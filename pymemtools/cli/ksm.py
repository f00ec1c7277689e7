"""``pymemtools ksm``: what the merging of equal pages saves, whose pages it might merge, and what that would save."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.progress import progress
from pymemtools.cli.types import process_number
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.errors import MemtoolsError, NoSuchProcess, UsageProblem
from pymemtools.report import Report
from pymemtools.reports.ksm.status import KsmRequest, ksm_report
from pymemtools.sources.base import Source


@click.command("ksm", cls=AbbreviatingCommand)
@click.option(
    "-p", "--pid", "pids", multiple=True, metavar="PID", shell_complete=offer_pids, help="A process, and no others."
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the N with the most anonymous memory.")
@click.option("--estimate", is_flag=True, help="Read their memory, and say what merging it would save.")
@click.option("--whole", is_flag=True, help="Estimate what could be merged at all, not only what may be by now.")
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show what KSM, the merging of equal pages, saves and costs, and its candidates. In KiB."""
    check_style(options["style"])
    check_watch("ksm", options)
    pids = tuple(process_number("ksm", text) for text in options["pids"])
    if options["estimate"] and options["watch"] is not None:
        raise UsageProblem("ksm: --estimate reads all memory: no --watch with it")
    if options["whole"] and not options["estimate"]:
        raise UsageProblem("ksm: --whole goes with --estimate")
    if pids and options["top"] is not None:
        raise UsageProblem("ksm: --pid names processes, --top finds them: one or the other")
    source = open_from(ctx, options["source"])
    if options["estimate"]:
        return _estimate(ctx, source, pids, options)
    status = 0
    for sample in watched("ksm", source, options):
        report = ksm_report(source, KsmRequest(pids, options["top"]))
        note_incomplete(ctx, report)
        show(report, options["style"], _status, sample=sample)
        status = _exit_status(ctx, report.answer.candidates.gone)
    return status


def _estimate(ctx: click.Context, source: Source, pids: tuple[int, ...], options: Mapping[str, Any]) -> int:
    if not source.is_live:
        raise MemtoolsError("ksm: --estimate is for a live machine: no capture has what is in memory")
    from pymemtools.reports.ksm.estimate import EstimateRequest, estimate_report

    with progress("reading memory"):
        report = estimate_report(source, EstimateRequest(pids, options["top"], options["whole"], os.getpid()))
    note_incomplete(ctx, report)
    show(report, options["style"], _estimated)
    status = _exit_status(ctx, report.answer.gone)
    return 1 if pids and report.unreadable and status == 0 else status


def _exit_status(ctx: click.Context, gone: Iterable[int]) -> int:
    """Say which processes that were named are not there."""
    status = exit_status(ctx)
    for pid in gone:
        say(f"ksm: {NoSuchProcess(pid)}")
        status = NoSuchProcess.exit_status
    return status


def _status(report: Report) -> Iterable[str]:
    from pymemtools.cli.terminal import page_columns
    from pymemtools.render.ksm_table import status_lines

    return status_lines(report, page_columns())


def _estimated(report: Report) -> Iterable[str]:
    from pymemtools.cli.terminal import page_columns
    from pymemtools.render.ksm_table import estimate_lines

    return estimate_lines(report, page_columns())

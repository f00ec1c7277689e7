"""``pymemtools thp``: transparent huge pages, and why memory is not huge."""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import show
from pymemtools.cli.types import process_number
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.report import Report
from pymemtools.reports.thp.machine import thp_report
from pymemtools.reports.thp.process import process_report


@click.command("thp", cls=AbbreviatingCommand)
@click.argument("pid", required=False, metavar="[PID]", shell_complete=offer_pids)
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show transparent huge pages: settings, counters, fragmentation; of a process why its memory is not huge."""
    check_style(options["style"])
    check_watch("thp", options)
    pid = None if options["pid"] is None else process_number("thp", options["pid"])
    source = open_from(ctx, options["source"])
    for sample in watched("thp", source, options):
        if pid is None:
            show(thp_report(source), options["style"], _machine, sample=sample)
        else:
            show(process_report(source, pid), options["style"], _process, sample=sample)
    return exit_status(ctx)


def _machine(report: Report) -> list[str]:
    from pymemtools.render.thp_table import machine_lines

    return machine_lines(report.answer)


def _process(report: Report) -> list[str]:
    from pymemtools.cli.terminal import page_columns
    from pymemtools.render.thp_table import process_lines

    return process_lines(report.answer, page_columns())

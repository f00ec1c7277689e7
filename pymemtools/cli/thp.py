"""``pymemtools thp``: transparent huge pages, and why memory is not huge."""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.machine_or_process import Answers, show_machine_or_process
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import format_option, source_options
from pymemtools.cli.watch import watch_option
from pymemtools.report import Report
from pymemtools.reports.thp.machine import thp_report
from pymemtools.reports.thp.process import process_report


@click.command("thp", cls=AbbreviatingCommand)
@click.argument("pid", required=False, metavar="[PID]", shell_complete=offer_pids)
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **_: Any) -> int:
    """Show transparent huge pages: settings, counters, fragmentation; of a process why its memory is not huge."""
    return show_machine_or_process(ctx, "thp", Answers(thp_report, _machine, process_report, _process))


def _machine(report: Report) -> list[str]:
    from pymemtools.render.thp_table import machine_lines

    return machine_lines(report.answer)


def _process(report: Report) -> list[str]:
    from pymemtools.cli.terminal import page_columns
    from pymemtools.render.thp_table import process_lines

    return process_lines(report.answer, page_columns())

"""``pymemtools swap``: who is swapped out, to where, and what bringing it back would take."""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.types import PER_SECOND
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.report import Report
from pymemtools.reports.swap.report import SwapRequest, swap_report


@click.command("swap", cls=AbbreviatingCommand)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the N processes with most of it.")
@click.option("--rate", type=PER_SECOND, metavar="RATE", help="What the disks give a second, to reckon swapoff by.")
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show who is swapped out, to where, what no process accounts for, and what swapoff would take. In KiB."""
    check_style(options["style"])
    check_watch("swap", options)
    source = open_from(ctx, options["source"])
    for sample in watched("swap", source, options):
        report = swap_report(source, SwapRequest(options["top"], options["rate"]))
        note_incomplete(ctx, report)
        show(report, options["style"], _text, sample=sample)
    return exit_status(ctx)


def _text(report: Report) -> list[str]:
    from pymemtools.cli.terminal import page_columns
    from pymemtools.render.swap_table import swap_lines

    return swap_lines(report, page_columns())

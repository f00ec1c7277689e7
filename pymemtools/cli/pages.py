"""``pymemtools pages``: what page frames are used for, and what of memory nothing explains."""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import show
from pymemtools.cli.progress import progress
from pymemtools.cli.types import process_number
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.errors import UsageProblem
from pymemtools.report import Report
from pymemtools.reports.pages.machine import flags_report, pages_report
from pymemtools.reports.pages.process import process_report
from pymemtools.reports.pages.unexplained import unexplained_report


@click.command("pages", cls=AbbreviatingCommand)
@click.option("-p", "--pid", metavar="PID", shell_complete=offer_pids, help="The pages of a process of this machine.")
@click.option("--unexplained", is_flag=True, help="What of MemTotal no counter explains, and who may have it.")
@click.option("--flags", is_flag=True, help="Each combination of flags, with its type.")
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show what page frames are used for, beside what meminfo counts. In KiB."""
    check_style(options["style"])
    check_watch("pages", options)
    pid = None if options["pid"] is None else process_number("pages", options["pid"])
    if sum((pid is not None, options["flags"], options["unexplained"])) > 1:
        raise UsageProblem("pages: --pid, --flags and --unexplained are three questions: ask one")
    source = open_from(ctx, options["source"])
    text = _process if pid is not None else _unexplained if options["unexplained"] else _types
    for sample in watched("pages", source, options):
        with progress("counting page frames"):
            if pid is not None:
                report = process_report(source, pid)
            elif options["unexplained"]:
                report = unexplained_report(source)
            else:
                report = flags_report(source) if options["flags"] else pages_report(source)
        show(report, options["style"], _flags if options["flags"] else text, sample=sample)
    return exit_status(ctx)


def _types(report: Report) -> list[str]:
    from pymemtools.render.frame_table import frame_lines

    return frame_lines(report)


def _process(report: Report) -> list[str]:
    from pymemtools.render.frame_table import process_lines

    return process_lines(report)


def _unexplained(report: Report) -> list[str]:
    from pymemtools.render.frame_table import unexplained_lines

    return unexplained_lines(report)


def _flags(report: Report) -> list[str]:
    from pymemtools.render.frame_table import flag_lines

    return flag_lines(report)

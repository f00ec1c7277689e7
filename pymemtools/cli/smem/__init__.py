"""``pymemtools smem``: memory by process, mapping, user or for the whole system."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.explain import of_one_moment
from pymemtools.cli.file_options import diff_option, output_options
from pymemtools.cli.offers import offer_in_list
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.smem.arguments import checked, column_names
from pymemtools.cli.smem.layout import Layout
from pymemtools.cli.terminal import chosen_width
from pymemtools.cli.types import KIB_SIZE, PATH, REGEX
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.render.tones import GROWTH
from pymemtools.report import Report
from pymemtools.reports.smem.report import smem_report
from pymemtools.reports.smem.request import Request
from pymemtools.sources.base import Source

if TYPE_CHECKING:
    from pymemtools.reports.formulas import Formula


def _offer_columns(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in column_names(ctx.params) if name.startswith(incomplete)]


@click.command(
    "smem",
    cls=AbbreviatingCommand,
    beyond=["--top", "--color", "--explain", "--width"],
)
@click.option("-m", "--mappings", is_flag=True, help="Report by mapping.")
@click.option("-u", "--users", is_flag=True, help="Report by user.")
@click.option("-w", "--system", is_flag=True, help="Report on the whole system.")
@click.option("-W", "--detailed", is_flag=True, help="Report on the whole system, in finer parts.")
@click.option(
    "-g",
    "--group",
    type=click.Choice(["command", "cgroup", "unit", "tree"]),
    help="Report by program, control group or systemd unit, or sum each process with its descendants.",
)
@click.option(
    "-P", "--processfilter", type=REGEX, metavar="REGEX", help="Only processes whose name or command matches."
)
@click.option("-M", "--mapfilter", type=REGEX, metavar="REGEX", help="Only mappings whose name matches.")
@click.option("-U", "--userfilter", type=REGEX, metavar="REGEX", help="Only processes of users whose name matches.")
@click.option(
    "-c",
    "--columns",
    metavar="LIST",
    shell_complete=offer_in_list(lambda ctx: ("all", *column_names(ctx.params))),
    help="Columns to show; +NAME adds to the usual ones, all shows all.",
)
@click.option("-s", "--sort", metavar="COLUMN", shell_complete=_offer_columns, help="Column to sort by.")
@click.option("-r", "--reverse", is_flag=True, help="Sort the other way round.")
@click.option("--min", "least", type=KIB_SIZE, help="Only rows of at least this size; a number alone is KiB.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the N largest rows.")
@click.option("-H", "--no-header", is_flag=True, help="Leave the header out.")
@click.option("-t", "--totals", is_flag=True, help="Add a line of totals.")
@click.option("-a", "--autosize", is_flag=True, help="Fit columns to their content and the terminal.")
@click.option("-n", "--numeric", is_flag=True, help="Show uids instead of user names.")
@click.option("-p", "--percent", is_flag=True, help="Show amounts in percent of memory (swap: of swap space).")
@click.option("-k", "--abbreviate", is_flag=True, help="Show amounts with units.")
@click.option("-R", "--realmem", metavar="SIZE", help="Memory fitted in the machine, with a unit, for -w and -p.")
@click.option(
    "-K",
    "--kernel",
    type=PATH,
    metavar="FILE",
    help="The machine's uncompressed kernel image, for -w.",
)
@click.option("--rollup", is_flag=True, help="Read smaps_rollup: half the cost; PSS differs by rounding.")
@diff_option("Show what changed since OTHER, an earlier capture.")
@watch_option
@click.option(
    "--pie", metavar="COLUMN", shell_complete=_offer_columns, help="Draw a pie chart labelled with this column."
)
@click.option(
    "--bar", metavar="COLUMN", shell_complete=_offer_columns, help="Draw a bar chart labelled with this column."
)
@output_options("Write the picture to FILE.svg or FILE.png. [smem-pie.svg]")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Report memory by process (default), mapping, user or for the whole system.

    PSS divides shared pages by the number of their users, so that the column adds up to the memory really used.
    """
    style = options["style"]
    check_style(style)
    request = checked(options)
    check_watch("smem", options)
    layout = Layout(
        header=not options["no_header"],
        totals=options["totals"],
        autosize=options["autosize"] or chosen_width() is not None,
        abbreviate=options["abbreviate"],
        percent=options["percent"],
    )
    source = open_from(ctx, options["source"])
    numbers = watched("smem", source, options)
    earlier = _earlier(ctx, options, request)
    if request.label is not None:
        _draw(ctx, smem_report(source, request), layout, options)
        return exit_status(ctx)
    splits = request.report == "system" and not request.detailed and earlier is None
    for sample in numbers:
        studied = of_one_moment(source) if splits else source
        if earlier is None:
            report = smem_report(studied, request)
        else:
            from pymemtools.reports.smem.diff import smem_difference

            report = smem_difference(earlier, smem_report(source, _whole(request)), request)
        note_incomplete(ctx, report)
        tones = None if earlier is None else GROWTH
        formulas = partial(_formulas, studied) if splits else None
        show(report, style, layout.lines, named=False, sample=sample, formulas=formulas, is_classic=True, tones=tones)
    return exit_status(ctx)


def _formulas(source: Source, report: Report) -> Iterator[Formula]:
    from pymemtools.readings.doubt import read_meminfo
    from pymemtools.reports.formulas import of_system

    return of_system(read_meminfo(source).meminfo)


def _whole(request: Request) -> Request:
    """Read every row, since what a diff shows is chosen by how it changed."""
    return request._replace(least=None, top=None)


def _earlier(ctx: click.Context, options: dict[str, Any], request: Request) -> Report | None:
    """Read the source to compare with, if any."""
    if options["diff"] is None:
        return None
    other = open_from(ctx, options["diff"])
    before = smem_report(other, _whole(request))
    for warning in before.warnings:
        if warning not in before.notes:
            say(f"{options['diff']}: {warning}")
    note_incomplete(ctx, before)
    return before


def _draw(ctx: click.Context, report: Report, layout: Layout, options: dict[str, Any]) -> None:
    from pymemtools.cli.smem.chart import Chart, draw

    for warning in report.warnings:
        say(warning)
    note_incomplete(ctx, report)
    kind = "pie" if options["pie"] else "bar"
    draw(Chart(kind, options["output"], options["force"]), report, layout)

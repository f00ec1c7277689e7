"""``pymemtools trend``: what grows in a recording, and how long until memory is used up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.file_options import output_options
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
    span_options,
    until,
)
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.terminal import ascii_option, takes_ascii_only, terminal_columns
from pymemtools.errors import UsageProblem
from pymemtools.report import Report
from pymemtools.reports.trend.columns import FIGURES
from pymemtools.reports.trend.report import BY, TrendRequest, trend_report

if TYPE_CHECKING:
    from pymemtools.reports.formulas import Formula

_PICTURES = (".svg", ".html")


@click.command("trend", cls=AbbreviatingCommand)
@click.option("--by", type=click.Choice(BY), default="process", help="Follow each process, or sums of them. [process]")
@click.option(
    "--column",
    type=click.Choice(FIGURES, case_sensitive=False),
    default="pss",
    help="The figure that is followed. [pss]",
)
@span_options("Up to this moment of the recording.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the first N rows.")
@click.option("--plot", is_flag=True, help="Draw the courses of those that grow, or of the N on top.")
@output_options("Write the picture to FILE.svg or FILE.html.")
@ascii_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show what grows in a recording: how fast, how surely, and how long until memory is used up."""
    _check(options)
    source = open_from(ctx, until("trend", options["source"], options["last"]))
    request = TrendRequest(options["by"], options["column"].lower(), options["first"], options["top"])
    report = trend_report(source, request)
    note_incomplete(ctx, report)
    is_ascii = options["is_ascii"] or takes_ascii_only(sys.stdout)
    if options["output"] is not None:
        from pymemtools.cli.trend.picture import save

        save(report, options["output"], force=options["force"])
    elif options["plot"]:
        from pymemtools.cli.trend.picture import draw

        show(report, options["style"], partial(draw, is_ascii=is_ascii), is_classic=True)
    else:
        text = partial(_text, is_ascii=is_ascii, is_limited=options["top"] is None)
        show(report, options["style"], text, formulas=_formulas)
    return exit_status(ctx)


def _check(options: dict[str, Any]) -> None:
    check_style(options["style"])
    output = options["output"]
    if (output is not None or options["plot"]) and options["style"] != "text":
        raise UsageProblem("trend: a picture has no --format")
    if output is not None and not output.endswith(_PICTURES):
        raise UsageProblem(f"trend: {output}: pictures are .svg or .html")


def _text(report: Report, *, is_ascii: bool, is_limited: bool) -> Iterator[str]:
    from pymemtools.render.trend_table import trend_lines

    return trend_lines(report, terminal_columns(sys.stdout, least=80), is_ascii=is_ascii, is_limited=is_limited)


def _formulas(report: Report) -> Iterator[Formula]:
    from pymemtools.reports.trend.formulas import of_trend

    return of_trend(report.answer)

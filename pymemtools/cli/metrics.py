"""``pymemtools metrics``: figures for Prometheus, by the textfile collector or by whoever reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.file_options import output_option
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import note_incomplete, show
from pymemtools.errors import UsageProblem
from pymemtools.render.exposition import exposition
from pymemtools.report import Report
from pymemtools.reports.metrics.report import MetricsRequest, metrics_report


@click.command("metrics", cls=AbbreviatingCommand)
@output_option("Write to FILE.prom, which others may be reading: at once, or not at all.")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=20,
    metavar="N",
    help="So many commands, and groups, by themselves; the rest together. [20]",
)
@click.option("--no-pss", is_flag=True, help="Read no smaps_rollup, which takes longest, so give no PSS and USS.")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Print metrics as Prometheus reads them: memory by command and by group, faults, reclaim, stalls and kills."""
    _check(options)
    source = open_from(ctx, options["source"])
    report = metrics_report(source, MetricsRequest(options["top"], with_pss=not options["no_pss"]))
    note_incomplete(ctx, report)
    if options["output"] is None:
        show(report, options["style"], _lines, is_classic=True)
        return exit_status(ctx)
    from pymemtools.cli.new_file import replace_file

    for warning in report.warnings:
        say(f"metrics: {warning}")
    replace_file(options["output"], "".join(f"{line}\n" for line in _lines(report)).encode(), mode=0o644)
    return exit_status(ctx)


def _check(options: Mapping[str, Any]) -> None:
    check_style(options["style"])
    output = options["output"]
    if output is not None and options["style"] != "text":
        raise UsageProblem("metrics: -o writes what Prometheus reads: it has no --format")
    if output is not None and not output.endswith(".prom"):
        raise UsageProblem(f"metrics: {output}: the textfile collector reads files in .prom alone")


def _lines(report: Report) -> Iterator[str]:
    return exposition(report.answer.rows)

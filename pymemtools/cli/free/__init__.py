"""``pymemtools free``: used, cached, free and available memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pymemtools import __version__
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.explain import of_one_moment
from pymemtools.cli.free.arguments import FreeAsked, checked, unit_options
from pymemtools.cli.free.layouts import bar_lines, classic_lines, line_lines, table_lines
from pymemtools.cli.offers import offer_groups
from pymemtools.cli.options import exit_status, format_option, open_from, source_options
from pymemtools.cli.output import show
from pymemtools.cli.watch import gap_between, is_still, samples, watch_option
from pymemtools.errors import UsageProblem
from pymemtools.report import Report
from pymemtools.reports.free import CLASSIC, OF_GROUP, Memory, free_report, read_memory
from pymemtools.sources.base import Source

if TYPE_CHECKING:
    from pymemtools.reports.formulas import Formula


@click.command(
    "free",
    cls=AbbreviatingCommand,
    beyond=["--bar", "--color", "--explain", "--watch", "--width"],
    context_settings={"help_option_names": ["--help"]},
)
@unit_options
@click.option("-h", "--human", is_flag=True, help="Show three digits and a unit.")
@click.option("--si", is_flag=True, help="Use powers of 1000, not 1024.")
@click.option("-l", "--lohi", is_flag=True, help="Show low and high memory.")
@click.option("-t", "--total", is_flag=True, help="Show the sum of memory and swap.")
@click.option("-v", "--committed", is_flag=True, help="Show committed memory and its limit.")
@click.option("-w", "--wide", is_flag=True, help="Show buffers and cache apart.")
@click.option("-L", "--line", is_flag=True, help="Show everything on one line.")
@click.option("--bar", is_flag=True, help="Draw programs, cache and free memory as wide as the terminal.")
@click.option("--classic", is_flag=True, help="Show the table of procps 3.3.9 and before.")
@click.option("-o", "--old", is_flag=True, help="With --classic: leave the line -/+ buffers/cache out.")
@click.option(
    "--cgroup",
    is_flag=False,
    flag_value=".",
    metavar="[PATH]",
    shell_complete=offer_groups,
    help="Show a control group's memory and limits: PATH, a unit, or the group we are in.",
)
@click.option("-s", "--seconds", metavar="N", help="Repeat every N seconds.")
@click.option("-c", "--count", metavar="N", help="Repeat N times.")
@watch_option
@source_options
@format_option
@click.version_option(__version__, "-V", "--version", message="free from pymemtools %(version)s")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show used, cached, free and available memory, in KiB unless told otherwise."""
    asked = checked(options)
    source = open_from(ctx, options["source"])
    if asked.is_repeated and is_still(source):
        raise UsageProblem("free: an archive does not change: -s and -c need a live machine or a directory")
    measure, said = _measure(source, asked), set[str]()
    gap = "" if asked.layout == "--line" else gap_between(asked.style)
    for sample in samples(asked.interval, asked.times, gap, redraws=asked.redraws):
        moment = of_one_moment(source)
        report = free_report(measure(moment), source.facts._asdict(), _meanings(asked))
        report = report._replace(warnings=_news(report, said) if asked.style == "text" else ())
        formulas = None if asked.cgroup else partial(_formulas, moment, asked)
        number = sample if asked.is_repeated else None
        show(report, asked.style, partial(_text, asked=asked), sample=number, formulas=formulas, is_classic=True)
    return exit_status(ctx)


def _text(report: Report, *, asked: FreeAsked) -> list[str]:
    """Lay a report out as asked."""
    found: Memory = report.answer
    if asked.layout == "--line":
        return line_lines(found, asked.amount)
    if asked.layout == "--bar":
        return bar_lines(found, asked.amount)
    if asked.layout == "--classic":
        return classic_lines(found, asked.areas, asked.amount, old=asked.is_old)
    return table_lines(found, asked.areas, asked.amount, wide=asked.is_wide)


def _news(report: Report, said: set[str]) -> tuple[str, ...]:
    """Give the notes that were not ``said`` yet, as they will be now."""
    news = tuple(note for note in report.notes if note not in said)
    said.update(news)
    return news


def _meanings(asked: FreeAsked) -> Mapping[str, str]:
    return OF_GROUP if asked.cgroup is not None else CLASSIC if asked.layout == "--classic" else {}


def _formulas(source: Source, asked: FreeAsked, report: Report) -> Iterator[Formula]:
    from pymemtools.reports.free_formulas import of_classic_free, of_free

    return of_classic_free(report.answer) if asked.layout == "--classic" else of_free(source, report.answer)


def _measure(source: Source, asked: FreeAsked) -> Callable[[Source], Memory]:
    """Choose what each sample reads and works out; procps' own layouts keep what cannot be, as it does."""
    if asked.cgroup is not None:
        from pymemtools.cli.free.cgroup import group_measure

        return group_measure(source, asked.cgroup, read_memory)
    keeps = asked.style == "text" and asked.layout != "--bar"
    return partial(read_memory, classic=asked.layout == "--classic", keeps=keeps)

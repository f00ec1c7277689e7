"""``pymemtools free``: used, cached, free and available memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import click

from pymemtools import __version__
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.explain import Formulas, of_one_moment
from pymemtools.cli.free.arguments import amount_format, parse_count, parse_seconds, unit_options
from pymemtools.cli.free.layouts import bar_lines, classic_lines, line_lines, table_lines
from pymemtools.cli.offers import offer_groups
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.output import show
from pymemtools.cli.terminal import chosen_width
from pymemtools.cli.watch import STILL, check_repeatable, gap_between, is_redrawn, samples, watch_option
from pymemtools.errors import UsageProblem
from pymemtools.report import Report
from pymemtools.reports.free import Memory, free_report, read_memory
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
def command(
    ctx: click.Context,
    /,
    human: bool,
    si: bool,
    lohi: bool,
    total: bool,
    committed: bool,
    wide: bool,
    line: bool,
    bar: bool,
    classic: bool,
    old: bool,
    cgroup: str | None,
    seconds: str | None,
    count: str | None,
    watch: float | None,
    source: str | None,
    strict: bool,
    partial: bool,
    max_size: int,
    style: str,
    **units: int,
) -> int:
    """Show used, cached, free and available memory, in KiB unless told otherwise."""
    _check_layout(style, {"--line": line, "--bar": bar, "--classic": classic}, old=old, cgroup=cgroup)
    amount = amount_format(units, human=human or (bar and not any(units.values())), si=si, classic=classic)
    interval = _interval(seconds, watch)
    times = parse_count(count) if count is not None else 1 if interval is None else None
    is_repeated = interval is not None or count is not None
    if is_repeated:
        check_repeatable("free", style)
    areas = _areas(lohi=lohi, total=total, committed=committed)
    studied = open_from(ctx, source)
    if is_repeated and studied.facts.kind in STILL:
        raise UsageProblem("free: an archive does not change: -s and -c need a live machine or a directory")

    def text(report: Report) -> list[str]:
        found: Memory = report.answer
        if line:
            return line_lines(found, amount)
        if bar:
            return bar_lines(found, amount)
        if classic:
            return classic_lines(found, areas, amount, old=old)
        return table_lines(found, areas, amount, wide=wide)

    measure, said = _measure(studied, cgroup, classic=classic, keeps=style == "text" and not bar), set[str]()
    redraws, gap = watch is not None and is_redrawn(style), "" if line else gap_between(style)
    for sample in samples(interval, times, gap, redraws=redraws):
        report = free_report(measure(asked := of_one_moment(studied)), studied.facts._asdict())
        formulas = None if cgroup or classic else _formulas(asked)
        report = report._replace(warnings=_news(report, said) if style == "text" else ())
        show(report, style, text, sample=sample if is_repeated else None, formulas=formulas, is_classic=True)
    return exit_status(ctx)


def _interval(seconds: str | None, watch: float | None) -> float | None:
    """Give the time between two samples; None where there is to be but one. Raises UsageProblem."""
    if watch is not None and seconds is not None:
        raise UsageProblem("free: -s and --watch say the same: one or the other")
    return watch if seconds is None else parse_seconds(seconds)


def _news(report: Report, said: set[str]) -> tuple[str, ...]:
    """Give the notes that were not ``said`` yet, as they will be now."""
    news = tuple(note for note in report.notes if note not in said)
    said.update(news)
    return news


def _formulas(source: Source) -> Formulas:
    def made(report: Report) -> Iterator[Formula]:
        from pymemtools.reports.formulas import of_free

        return of_free(source)

    return made


def _check_layout(style: str, layouts: Mapping[str, bool], *, old: bool, cgroup: str | None) -> None:
    """Refuse two layouts at once, and layouts of anything but text, which has every figure anyway."""
    check_style(style)
    chosen = [name for name, is_set in layouts.items() if is_set]
    if len(chosen) > 1:
        raise UsageProblem(f"free: {' and '.join(chosen)} are different layouts; choose one")
    if chosen and style != "text":
        raise UsageProblem(f"free: {chosen[0]} is a layout of text; --format {style} has every figure without it")
    if chosen_width() is not None and "--bar" not in chosen:
        raise UsageProblem("free: the table is as wide as procps has it: --width is for --bar")
    if old and "--classic" not in chosen:
        raise UsageProblem("free: -o leaves a line out of --classic; give both")
    if cgroup is not None and "--classic" in chosen:
        raise UsageProblem("free: --classic knows no control groups")


def _areas(*, lohi: bool, total: bool, committed: bool) -> list[str]:
    """Name the rows to show, as fields of Memory."""
    areas = ["mem", "low", "high"] if lohi else ["mem"]
    areas.append("swap")
    if total:
        areas.append("total")
    if committed:
        areas.append("comm")
    return areas


def _measure(source: Source, cgroup: str | None, *, classic: bool, keeps: bool) -> Callable[[Source], Memory]:
    """Choose what each sample reads and works out; procps' own layouts keep (``keeps``) what cannot be, as it does."""
    if cgroup is None:
        return lambda studied: read_memory(studied, classic=classic, keeps=keeps)
    from pymemtools.cli.free.cgroup import group_measure

    return group_measure(source, cgroup, read_memory)

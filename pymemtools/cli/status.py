"""``pymemtools status``: what a process's status says of its memory, and how near it is to the limit of mappings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.terminal import chosen_width
from pymemtools.cli.types import process_number
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.errors import NoSuchProcess, UsageProblem
from pymemtools.readings.status import StatusRow
from pymemtools.render.detail_table import Numbers, Texts, detail_lines
from pymemtools.render.escape import escape
from pymemtools.report import Report
from pymemtools.reports.status import ProcessStatuses, status_report, total_of
from pymemtools.reports.vss_ratio import Ratio, ratio_report
from pymemtools.sources.base import Source


class StatusRequest(NamedTuple):
    """Of which processes the figures are asked for; none: how much of what all map is in memory."""

    style: str
    pids: tuple[int, ...]


@click.command("status", cls=AbbreviatingCommand)
@click.argument("pids", nargs=-1, metavar="[PID]...", shell_complete=offer_pids)
@click.option("--all", "everything", is_flag=True, help="Show how much of what all processes map is in memory.")
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show the memory figures of processes: address space, resident and peak, page tables, mappings and threads."""
    asked = _checked(options)
    source = open_from(ctx, options["source"])
    status = 0
    for sample in watched("status", source, options):
        status |= _show(ctx, source, asked, sample)
    return status or exit_status(ctx)


def _show(ctx: click.Context, source: Source, asked: StatusRequest, sample: int | None) -> int:
    """Print what was asked for; give the exit status."""
    facts = source.facts._asdict()
    if not asked.pids:
        report = ratio_report(source, facts)
        note_incomplete(ctx, report)
        show(report, asked.style, lambda report: _ratio_lines(report.answer), sample=sample)
        return 0
    report = status_report(source, asked.pids, facts)
    show(report, asked.style, _text, sample=sample, is_classic=True)
    found: ProcessStatuses = report.answer
    status = NoSuchProcess.exit_status if found.gone else 0
    return status | (len(found.refused) > found.gone)


def _checked(options: Mapping[str, Any]) -> StatusRequest:
    check_style(options["style"])
    check_watch("status", options)
    if bool(options["pids"]) == options["everything"]:
        raise UsageProblem("status: name processes, or ask for --all")
    if options["pids"] and chosen_width() is not None:
        raise UsageProblem("status: each process takes its column: --width is for --all")
    return StatusRequest(options["style"], tuple(process_number("status", text) for text in options["pids"]))


def _text(report: Report) -> Iterator[str]:
    """Lay out a column a process, and their sums."""
    found: ProcessStatuses = report.answer
    if not found.rows:
        return
    labels = [*found.fields, "Threads", "Maps", "of max_map_count"]
    columns: list[Texts | Numbers] = [Texts("KiB", labels, right=False)]
    columns += [Texts(escape(f"{row.pid} {row.name}"), _cells(row, found.fields)) for row in found.rows]
    if len(found.rows) > 1:
        columns.append(Texts("Total", _totals(found)))
    yield from detail_lines(columns)


def _cells(row: StatusRow, fields: Sequence[str]) -> list[str]:
    percent = row.mappings_percent
    return [
        *(_kib(row.sizes.get(field)) for field in fields),
        _count(row.threads),
        _count(row.mappings),
        "-" if percent is None else f"{percent:.1f} %",
    ]


def _totals(found: ProcessStatuses) -> list[str]:
    sizes = [_kib(total_of(found.distinct, field)) for field in found.fields]
    return [*sizes, _count(found.threads), _count(found.mappings), "-"]


def _kib(size: int | None) -> str:
    return "-" if size is None else str(size >> 10)


def _count(count: int | None) -> str:
    return "-" if count is None else str(count)


def _ratio_lines(ratio: Ratio) -> Iterator[str]:
    """Lay out the three numbers of the one-liner, and then what they mean and what is right."""
    rows = [
        ("RSS", ratio.rss, ratio.vss, ratio.rss_to_vss, "shared pages counted once for each of their users"),
        ("PSS", ratio.pss, ratio.vss_of_pss, ratio.pss_to_vss, "every page counted once"),
    ]
    share = ratio.rss_to_vss
    yield f"{_kib(ratio.rss)} {_kib(ratio.vss)} {'-' if share is None else f'{share:.6g}'}"
    yield ""
    yield from detail_lines(
        [
            Texts("", [row[0] for row in rows], right=False),
            Numbers("KiB", [row[1] for row in rows], has_sum=False),
            Numbers("of VSZ", [row[2] for row in rows], has_sum=False),
            Texts("Ratio", ["-" if row[3] is None else f"{100 * row[3]:.2f} %" for row in rows]),
            Texts("", [row[4] for row in rows], right=False),
        ]
    )

"""``pymemtools info``: what is known of the machine studied, and which commands a capture of it can answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.types import PATH
from pymemtools.errors import UsageProblem
from pymemtools.render.escape import escape
from pymemtools.report import Report
from pymemtools.reports.info import Answer, Info, Studied, info_report
from pymemtools.units import human_size

if TYPE_CHECKING:
    from pymemtools.sources.recording.recording import Summary


@click.command("info", cls=AbbreviatingCommand)
@click.argument("path", required=False, metavar="[SOURCE]", type=PATH)
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, path: str | None, style: str, **options: Any) -> int:
    """Tell what a capture is: of which machine, taken when, and which commands it can answer."""
    check_style(style)
    if path is not None and options["source"] is not None:
        raise UsageProblem("info: SOURCE and --source are two answers to the same question")
    source = open_from(ctx, options["source"] if path is None else path, with_logs=True)
    report = info_report(source)
    note_incomplete(ctx, report)
    show(report, style, _text)
    return exit_status(ctx)


def _text(report: Report) -> list[str]:
    found: Info = report.answer
    recorded = [] if found.recorded is None else _recorded(found.recorded)
    return [*_about(found.studied), *recorded, "", *_table(found.answers)]


def _about(studied: Studied) -> list[str]:
    threads = "" if studied.kernel_threads == 1 else "s"
    lines = (
        ("Source", studied.kind if studied.path is None else f"{studied.kind} {studied.path}"),
        ("Host", studied.host),
        ("Machine", studied.machine),
        ("Kernel", studied.kernel),
        ("Page size", None if studied.page_size is None else f"{studied.page_size} bytes"),
        ("Taken at", studied.taken_at),
        ("Taken by", studied.tool),
        ("Memory", _kib(studied.mem_total)),
        ("Swap", _kib(studied.swap_total)),
        ("Processes", f"{studied.processes}, and {studied.kernel_threads} kernel thread{threads}"),
        ("Unreadable", f"{studied.unreadable}"),
    )
    return [f"{title + ':':<12}{escape(value) if value is not None else '-'}" for title, value in lines]


def _recorded(found: Summary) -> list[str]:
    share = found.cpu_share
    lines = (
        ("Samples", f"{found.moments}, {found.first.number} to {found.last.number}{_every(found.every_s)}"),
        ("From", found.first.local_time),
        ("To", found.last.local_time),
        ("Boots", f"{found.boots}"),
        ("Cost", f"{human_size(found.size)}{'' if share is None else f', {100 * share:.2f} % of one processor'}"),
    )
    return [f"{title + ':':<12}{value}" for title, value in lines]


def _every(seconds: float | None) -> str:
    return "" if seconds is None else f", every {seconds:g} s"


def _kib(size: int | None) -> str | None:
    return None if size is None else f"{size // 1024} KiB"


def _table(found: Sequence[Answer]) -> list[str]:
    rows = [("Command", "Answer", "Without"), *((each.question, each.answer, " ".join(each.missing)) for each in found)]
    return [f"{question:<20}{answer:<10}{missing}".rstrip() for question, answer, missing in rows]

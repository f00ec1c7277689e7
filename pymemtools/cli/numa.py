"""``pymemtools numa``: the memory of nodes, and where a process has its own."""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.machine_or_process import Answers, show_machine_or_process
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import format_option, source_options
from pymemtools.cli.watch import watch_option
from pymemtools.report import Report
from pymemtools.reports.numa import AMOUNTS, COUNTS, numa_report, process_report


@click.command("numa", cls=AbbreviatingCommand)
@click.argument("pid", required=False, metavar="[PID]", shell_complete=offer_pids)
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **_: Any) -> int:
    """Show the memory of each NUMA node, and whether it was wanted there; of a process where it is. In KiB."""
    return show_machine_or_process(ctx, "numa", Answers(numa_report, _nodes, process_report, _process))


def _nodes(report: Report) -> list[str]:
    from pymemtools.render.classic_table import classic_table

    lines: list[str] = []
    for keys in (AMOUNTS, COUNTS):
        table = report.table.only(keys)
        rows = list(zip(*(table.cells[key] for key in keys)))
        lines += [*([""] if lines else []), *(line.rstrip() for line in classic_table(table.columns, rows))]
    return lines


def _process(report: Report) -> list[str]:
    from pymemtools.render.classic_table import classic_table

    table, totals = report.table, report.totals or {}
    rows = list(zip(*(table.cells[key] for key in table.keys)))
    last = ["all", *(totals[key] for key in table.keys[1:])]
    return [line.rstrip() for line in classic_table(table.columns, rows, totals=last)]

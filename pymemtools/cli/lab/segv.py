"""``pymemtools lab segv``: bad accesses, and what the kernel says of them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.segv import EXPERIMENT
from pymemtools.report import Report
from pymemtools.reports.lab.segv import CASES, SegvRequest


def _lines(report: Report) -> Iterator[str]:
    rows, totals = report.answer.findings.rows, report.totals or {}
    yield from (f"{row['access']} of {row['case']}: {row['means']}" for row in rows if row["lacks"] is not None)
    meanings = {row["code"]: row["means"] for row in rows if row["code"] is not None}
    yield from (f"{code:<9} {meaning}" for code, meaning in meanings.items())
    if "kernel" in (row["case"] for row in rows):
        yield "Of its own memory the kernel says the same, whatever is there."
    if not totals["is_known"]:
        yield f"What else a kernel of {totals['machine']} must tell is not known here."


@experiment(EXPERIMENT, text=_lines)
@click.argument("cases", nargs=-1, type=click.Choice(list(CASES)), metavar="[CASE]...")
def command(*, cases: tuple[str, ...]) -> SegvRequest:
    """Access memory as one must not, and see signal, code and address that the kernel tells. Without CASE: all."""
    return SegvRequest(cases)

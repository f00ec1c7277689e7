"""``pymemtools lab mmap-vs-read``: one copy, or one for each."""

from __future__ import annotations

from collections.abc import Iterator

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.types import SIZE
from pymemtools.errors import UsageProblem
from pymemtools.lab.mmap_vs_read import EXPERIMENT
from pymemtools.report import Report
from pymemtools.reports.lab.mmap_vs_read import MMAP, READ, ReadersRequest
from pymemtools.units import human_size


def _lines(report: Report) -> Iterator[str]:
    totals = report.totals or {}
    for way in (MMAP, READ):
        if (taken := totals[f"{way}_memory"]) is not None:
            yield f"With {way}() all of them take {human_size(taken)}, the page cache included."


@experiment(EXPERIMENT, text=_lines)
@click.option("--readers", type=click.IntRange(1, 64), default=2, metavar="N", help="So many programs. [2]")
@click.option("--size", type=SIZE, default="16M", metavar="SIZE", help="Of the file. [16M]")
def command(*, readers: int, size: int) -> ReadersRequest:
    """Have programs map a file, and others read it: memory, faults and time of both."""
    if size == 0:
        raise UsageProblem("lab mmap-vs-read: nothing is to be read")
    return ReadersRequest(readers, size)

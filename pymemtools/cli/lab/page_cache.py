"""``pymemtools lab page-cache``: read twice, once from the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.types import PATH, SIZE
from pymemtools.errors import UsageProblem
from pymemtools.lab.page_cache import EXPERIMENT
from pymemtools.report import Report
from pymemtools.reports.lab.page_cache import CacheTrial
from pymemtools.units import human_size


def _lines(report: Report) -> Iterator[str]:
    totals, (_, first, second) = report.totals or {}, report.answer.findings.rows
    files = "1 file" if totals["files"] == 1 else f"{totals['files']} files"
    yield f"{files}, {human_size(totals['size'])}: in pages {human_size(totals['whole_pages'])}."
    if first["from_disk"] and second["seconds"]:
        yield f"The first reading took {first['seconds'] / second['seconds']:.1f} times as long as the second."


@experiment(EXPERIMENT, text=_lines)
@click.argument("directory", required=False, type=PATH, metavar="[DIR]")
@click.option("--size", type=SIZE, metavar="SIZE", help="Read at most so much. [64M, of DIR 1G]")
def command(*, directory: str | None, size: int | None) -> CacheTrial:
    """Read the files of DIR, or one of our own, twice: from the disk, and from memory."""
    if directory == "" or size == 0:
        raise UsageProblem("lab page-cache: nothing is to be read")
    if directory is None:
        return CacheTrial(None, size or 64 << 20)
    return CacheTrial(os.path.abspath(directory), size or 1 << 30)

"""``pymemtools what-if drop-caches``: how much memory would drop_caches free?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from pymemtools.cli.offers import offer
from pymemtools.cli.types import CACHES, DROPPED
from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.report import Report
from pymemtools.reports.what_if.drop_caches import Drop, DropRequest, drop_report


@question("drop-caches", drop_report)
@click.argument("level", type=DROPPED, default=1, metavar="[1|2|3]", shell_complete=offer("1", "2", "3", *CACHES))
def command(level: int) -> Question:
    """Predict what a write of 1 (file pages), 2 (slab) or 3 (both) would free: the least and the most."""
    return Question(DropRequest(level), _lines)


def _lines(report: Report) -> Iterator[str]:
    found: Drop = report.answer
    cells = [(each.kind, size(each.least), size(each.most)) for each in found.kinds]
    yield from table(("class", "at least", "at most"), cells)
    yield ""
    yield from sentence(f"Free: {size(found.free_before)} -> {size(found.free_least)} to {size(found.free_most)}.")
    yield from sentence(
        "MemAvailable hardly changes: it counts these caches as available already, so nothing is won for programs."
    )

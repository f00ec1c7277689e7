"""Pages that go to swap and come back: where they are, and what it costs to have them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, between, equal
from pymemtools.reports.lab.plan import Findings, outcome

SLACK = 24  # faults of the interpreter's own, and of page tables, that a step may take besides
COLUMNS = (
    Column("step", "step", "what was done", "text", 18, right=False),
    Column("minor", "faults", "page faults that found the page in memory", "count", 6),
    Column("major", "major", "page faults that waited for it: not one a page, as swap is read ahead", "count", 5),
    Column("expected_faults", "model", "faults of both kinds that the step must take, at the least", "count", 5),
    Column("rss", "RSS", "of the memory, afterwards", "bytes", 6),
    Column("expected_rss", "model", "what must be in memory afterwards", "bytes", 6),
    Column("swap", "swap", "of the memory, swapped out", "bytes", 6),
    Column("expected_swap", "model", "what must be in swap afterwards", "bytes", 6),
    Column("swapped_in_pages", "in", "pages that the machine swapped in", "count", 6),
    Column("swapped_out_pages", "out", "pages that the machine swapped out", "count", 6),
)


class SwapTrial(NamedTuple):
    """How many pages are swapped out."""

    pages: int = 1000


def trial_report(found: Findings) -> Report:
    """Hold each step against where the pages must be."""
    return outcome("swap", COLUMNS, found, laws(found))


def laws(found: Findings) -> Sequence[Law]:
    """Demand that what leaves memory is in swap, that each page back is a fault, and that nothing is lost."""
    places, sizes, faults = [], [], []
    for row in found.rows:
        least = row["expected_faults"]
        places.append(equal(row["step"], row["expected_swap"], row["swap"]))
        sizes.append(equal(row["step"], row["expected_rss"], row["rss"]))
        faults.append(between(row["step"], least, least + SLACK, row["minor"] + row["major"]))
    return (
        all_of("what is not in memory is in swap", places),
        all_of("memory has what is touched", sizes),
        all_of("a fault for each page that comes or comes back", faults),
        equal("all pages come back as they were", 0, found.seen["wrong"]),
    )

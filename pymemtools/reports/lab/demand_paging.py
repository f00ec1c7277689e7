"""Pages that come when they are touched: a mapping step by step, and what each step must cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, between, equal
from pymemtools.reports.lab.plan import Findings, outcome

SLACK = 24  # faults of the interpreter's own, and of page tables, that a step may take besides
COLUMNS = (
    Column("step", "step", "what was done to the mapping", "text", 18, right=False),
    Column("pages", "pages", "so many pages were touched", "count", 5),
    Column("minor", "faults", "minor page faults that this took", "count", 6),
    Column("expected_minor", "model", "faults that the step must take, at the least", "count", 6),
    Column("rss", "RSS", "of the mapping, afterwards", "bytes", 7),
    Column("rss_change", "change", "by so much RSS grew", "bytes", 7),
    Column("expected_change", "model", "by so much RSS must grow", "bytes", 7),
    Column("pss", "PSS", "of the mapping, afterwards", "bytes", 7),
    Column("page_tables", "tables", "page tables of the process", "bytes", 6),
)


class PagingRequest(NamedTuple):
    """How many pages are touched at each step."""

    pages: int = 1000


def paging_report(found: Findings) -> Report:
    """Hold each step against what it must cost."""
    return outcome("demand-paging", COLUMNS, found, laws(found))


def laws(found: Findings) -> Sequence[Law]:
    """Demand a fault for each page touched for the first time, and RSS for those written."""
    faults, sizes = [], []
    for row in found.rows:
        least = row["expected_minor"]
        faults.append(between(row["step"], least, least + SLACK, row["minor"]))
        sizes.append(equal(row["step"], row["expected_change"], row["rss_change"]))
    return all_of("a fault for each page touched", faults), all_of("RSS grows by the pages written", sizes)

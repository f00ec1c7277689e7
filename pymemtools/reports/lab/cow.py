"""Copy on write: what two processes share after fork(), and what writing costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, between, equal
from pymemtools.reports.lab.plan import Findings, outcome
from pymemtools.units import KIB

SLACK = 24  # faults of the interpreter's own, and of page tables
COLUMNS = (
    Column("step", "step", "what was done", "text", 17, right=False),
    Column("minor", "faults", "minor page faults of who did it", "count", 6),
    Column("expected_minor", "model", "faults that the step must take, at the least", "count", 5),
    Column("rss", "RSS", "of the mapping in the parent", "bytes", 5),
    Column("pss", "PSS", "its proportional share", "bytes", 5),
    Column("private_dirty", "private", "pages that are the parent's alone", "bytes", 7),
    Column("child_rss", "child's", "RSS of the mapping in the child", "bytes", 7),
    Column("child_pss", "PSS", "its proportional share", "bytes", 5),
    Column("child_private_dirty", "private", "pages that are the child's alone", "bytes", 7),
    Column("pages_in_ram", "in RAM", "the pages that there are, each counted once", "bytes", 6),
)


class CowRequest(NamedTuple):
    """How many pages the parent has."""

    pages: int = 1000


def cow_report(found: Findings) -> Report:
    """Hold faults, and the sums of both processes, against what was copied."""
    return outcome("cow", COLUMNS, found, laws(found))


def laws(found: Findings) -> Sequence[Law]:
    """Demand a fault for each page written that is shared, and that PSS counts each page once."""
    faults, sums, sizes = [], [], []
    for row in found.rows:
        step, least = row["step"], row["expected_minor"]
        whole, both = row["pages_in_ram"], row["pss"] + (row["child_pss"] or 0)
        if least is not None:
            faults.append(between(step, least, least + SLACK, row["minor"]))
        sums.append(between(step, whole - 2 * KIB, whole, both))  # smaps rounds down to KiB
        sizes.append(equal(step, found.rows[0]["rss"], row["rss"]))
        if row["child_rss"] is not None:
            sizes.append(equal(f"{step}, child", found.rows[0]["rss"], row["child_rss"]))
    return (
        all_of("a fault for each shared page written", faults),
        all_of("PSS of both adds up to the pages there are", sums),
        all_of("RSS of each is the same all the time", sizes),
    )

"""The stack, which grows by itself down to its limit, and where nobody touches it holds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, between, equal
from pymemtools.reports.lab.plan import Findings, outcome

SLACK = 8  # faults, and pages, of what the interpreter itself has on its stack, and of page tables
COLUMNS = (
    Column("step", "step", "what was done", "text", 22, right=False),
    Column("address", "address", "where a byte was written", "address", 14),
    Column("minor", "faults", "minor page faults that this took", "count", 6),
    Column("size", "size", "of the stack's mapping, afterwards", "bytes", 6),
    Column("expected_size", "model", "the size that it must have", "bytes", 6),
    Column("rss", "RSS", "what of it is in RAM", "bytes", 4),
    Column("rss_change", "change", "by so much that grew", "bytes", 6),
    Column("signal", "signal", "that killed a copy of the program that tried", "text", 7, right=False),
    Column("expected_signal", "", "the signal that must come, or none", "text"),
    Column("page_size", "", "the size of a page", "bytes"),
)


class StackRequest(NamedTuple):
    """How far down is written, in bytes."""

    depth: int = 4 << 20


def stack_report(found: Findings) -> Report:
    """Hold the stack's size, and what is in RAM of it, against what was touched."""
    return outcome("stack", COLUMNS, found, laws(found))


def laws(found: Findings) -> Sequence[Law]:
    """Demand that it reaches down to the page touched, that only this page came, and an end at the limit."""
    sizes, pages, ends = [], [], []
    for row in found.rows:
        if row["expected_size"] is not None:
            most = SLACK * row["page_size"]
            sizes.append(equal(row["step"], row["expected_size"], row["size"]))
            pages.append(between(row["step"], row["page_size"], most, row["rss_change"]))
            pages.append(between(f"{row['step']}, faults", 1, SLACK, row["minor"]))
        if row["expected_signal"] is not None:
            ends.append(equal(row["step"], row["expected_signal"], row["signal"]))
    return (
        all_of("the mapping reaches down to the page touched", sizes),
        all_of("a page comes for a page touched, none in between", pages),
        all_of("it ends at RLIMIT_STACK", ends),
    )

"""Equal pages that the kernel makes one, and that part again: beside what reading the same memory said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.ksm.estimate import Estimate
from pymemtools.reports.lab.laws import Law, all_of, at_least, equal
from pymemtools.reports.lab.plan import Findings, outcome

COLUMNS = (
    Column("step", "step", "what was done", "text", 23, right=False),
    Column("minor", "faults", "minor page faults that writing took", "count", 6),
    Column("expected_minor", "model", "faults that writing must take, at the least", "count", 6),
    Column("rss", "RSS", "of the memory, when ksmd has looked at it", "bytes", 6),
    Column("pss", "PSS", "its share: of merged pages one part in as many as use it", "bytes", 6),
    Column("merging", "alike", "of it pages that are merged (ksm_merging_pages)", "bytes", 6),
    Column("predicted_merging", "model", "the same by ksm --estimate, which had read it", "bytes", 6),
    Column("saved", "saved", "pages_sharing and ksm_zero_pages, more than before", "bytes", 6),
    Column("predicted_saved", "model", "the same by ksm --estimate", "bytes", 6),
)


class MergeRequest(NamedTuple):
    """So many pages: half of them of 64 contents, a quarter zeros, the others like no other."""

    pages: int = 4096


def predicted(found: Estimate) -> Mapping[str, int]:
    """Take from an estimate of one process what is to be seen of it, in bytes."""
    merging = sum(row.merging for row in found.rows)
    return {"predicted_merging": merging, "predicted_saved": found.merged.saved * found.page_size}


def merge_report(found: Findings) -> Report:
    """Hold what was merged against what must be."""
    return outcome("ksm", COLUMNS, found, list(_laws(found.rows)), scans=found.seen["scans"])


def _laws(rows: Sequence[Mapping[str, Any]]) -> Iterator[Law]:
    """Demand every page that has its like, and what that saves; what was not to be seen is no law."""
    for name, key in (("all pages that have their like are merged", "merging"), ("saved is as predicted", "saved")):
        told = [row for row in rows if row[key] is not None]
        if told:
            yield all_of(name, (equal(row["step"], row[f"predicted_{key}"], row[key]) for row in told))
    written = [row for row in rows if row["expected_minor"] is not None]
    yield all_of("a fault for each merged page written", (_fault(row) for row in written))


def _fault(row: Mapping[str, Any]) -> Law:
    return at_least(row["step"], row["expected_minor"], row["minor"])

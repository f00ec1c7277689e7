"""How much memory would drop_caches free?"""

from __future__ import annotations

from typing import Any, NamedTuple

from pymemtools.models.drop_caches import predict
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.what_if.asked import Asked, reported
from pymemtools.units import plus

_RULES = {
    "page cache": "of the file lists, what is dirty, under writeback, mapped or given up by MADV_FREE stays "
    "(mm/truncate.c, invalidate_mapping_pages()), "
    "since Linux 5.18 maybe with a large folio around it; mapped pages are known within an interval only",
    "slab": "of reclaimable slab, what is in use stays, and nobody tells how much that is (mm/vmscan.c, drop_slab())",
}
COLUMNS = (
    Column("class", "class", "page cache, or slab", "text", right=False),
    Column("predicted_least", "at least", "the least that is freed of it", "bytes"),
    Column("predicted_most", "at most", "the most that is freed of it", "bytes"),
    Column("rule", "rule", "the kernel's rule", "text", right=False),
    Column("error_bound", "+-", "most - least", "bytes"),
)


class DropRequest(NamedTuple):
    """What is written to drop_caches: 1 for file pages, 2 for slab, 3 for both."""

    level: int = 1


class Freed(NamedTuple):
    """What is freed of one kind of cache, in bytes."""

    kind: str
    least: int
    most: int
    rule: str


class Drop(NamedTuple):
    """What drop_caches would free, and free memory before and afterwards, in bytes."""

    kinds: list[Freed]
    free_before: int | None
    free_least: int | None
    free_most: int | None

    @property
    def rules(self) -> list[str]:
        """Give the rules that the answer was worked out by."""
        return [each.rule for each in self.kinds]


def drop_report(asked: Asked, request: DropRequest) -> Report:
    """Predict what a write to drop_caches would free, at the least and at the most."""
    machine = asked.machine
    machine.pages("MemTotal")  # without it there is no meminfo
    prediction = predict(machine.meminfo, request.level)
    kinds = [
        Freed(name, interval.least, interval.most, _RULES[name])
        for bit, name, interval in ((1, "page cache", prediction.page_cache), (2, "slab", prediction.slab))
        if request.level & bit
    ]
    free = machine.meminfo.get("MemFree")
    least, most = sum(each.least for each in kinds), sum(each.most for each in kinds)
    found = Drop(kinds, free, plus(free, least), plus(free, most))
    totals = {"free_before": free, "free_least": found.free_least, "free_most": found.free_most}
    return reported(asked, "drop-caches", table_of(COLUMNS, map(_row, kinds)), found, totals, machine.notes)


def _row(found: Freed) -> dict[str, Any]:
    return {
        "class": found.kind,
        "predicted_least": found.least,
        "predicted_most": found.most,
        "rule": found.rule,
        "error_bound": found.most - found.least,
    }

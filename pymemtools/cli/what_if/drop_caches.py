"""``pymemtools what-if drop-caches``: how much memory would drop_caches free?"""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.models.drop_caches import predict
from pymemtools.units import plus

_RULES = {
    "page cache": "of the file lists, what is dirty, under writeback or mapped stays (mm/truncate.c, "
    "invalidate_mapping_pages()); mapped pages are known within an interval only",
    "slab": "of reclaimable slab, what is in use stays, and nobody tells how much that is (mm/vmscan.c, drop_slab())",
}


@question("drop-caches")
@click.argument("level", type=click.IntRange(1, 3), default=1, metavar="[1|2|3]")
def command(asked: Asked, level: int) -> Answer:
    """Predict what a write of 1 (file pages), 2 (slab) or 3 (both) would free: the least and the most."""
    machine = asked.machine
    machine.pages("MemTotal")  # without it there is no meminfo
    prediction = predict(machine.meminfo, level)
    rows: list[dict[str, Any]] = [
        {
            "class": name,
            "predicted_least": interval.least,
            "predicted_most": interval.most,
            "rule": _RULES[name],
            "error_bound": interval.most - interval.least,
        }
        for bit, name, interval in ((1, "page cache", prediction.page_cache), (2, "slab", prediction.slab))
        if level & bit
    ]
    least, most = (sum(row[key] for row in rows) for key in ("predicted_least", "predicted_most"))
    free = machine.meminfo.get("MemFree")
    totals = {"free_before": free, "free_least": plus(free, least), "free_most": plus(free, most)}
    lines = [
        *table(
            ("class", "at least", "at most"),
            [(row["class"], size(row["predicted_least"]), size(row["predicted_most"])) for row in rows],
        ),
        "",
        *sentence(f"Free: {size(free)} -> {size(totals['free_least'])} to {size(totals['free_most'])}."),
        *sentence(
            "MemAvailable hardly changes: it counts these caches as available already, so nothing is won for programs."
        ),
    ]
    return Answer(lines, rows, machine.notes, totals)

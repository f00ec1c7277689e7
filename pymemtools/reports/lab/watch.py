"""A command that runs, and what becomes of the machine's memory meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.ending import exit_status_of
from pymemtools.reports.lab.laws import Law, equal
from pymemtools.reports.lab.plan import Findings, outcome

COLUMNS = (
    Column("seconds", "seconds", "since the first sample", "seconds", 7),
    Column("total", "total", "installed memory", "bytes", 9),
    Column("used", "used", "total - available", "bytes", 9),
    Column("free", "free", "not used for anything", "bytes", 9),
    Column("shared", "shared", "tmpfs and shared memory", "bytes", 8),
    Column("buff_cache", "buff/cache", "buffers and cache", "bytes", 10),
    Column("available", "available", "what can be had without swapping, by the kernel's estimate", "bytes", 9),
    Column("swap_used", "swap used", "swap space that is not free", "bytes", 9),
)
AMOUNTS = ("used", "free", "shared", "buff_cache", "available", "swap_used")


class WatchRequest(NamedTuple):
    """What is run, and how many seconds are between two samples."""

    command: Sequence[str]
    interval: float = 1.0


class Peak(NamedTuple):
    """The most and the least of a figure, and by how much it changed from before to after; bytes."""

    least: int
    most: int
    change: int


def peaks(rows: Sequence[Mapping[str, Any]]) -> dict[str, Peak]:
    """Sum the samples up; what the kernel does not tell is not there."""
    found = {}
    for key in AMOUNTS:
        values = [row[key] for row in rows if row[key] is not None]
        if len(values) == len(rows) > 0:
            found[key] = Peak(min(values), max(values), values[-1] - values[0])
    return found


def watch_report(found: Findings) -> Report:
    """Sum up, and demand samples from before to after."""
    seen = found.seen
    told = {key: peak._asdict() for key, peak in peaks(found.rows).items()}
    times = {f"{key}_seconds": seen[key] for key in ("started", "ended")}
    return outcome(
        "watch", COLUMNS, found, laws(found), status=seen["status"], words=seen["command"], **times, peaks=told
    )


def laws(found: Findings) -> Sequence[Law]:
    """Demand that the status is the command's, and that there is a sample from before it and one from after it."""
    seen, times = found.seen, [row["seconds"] for row in found.rows]
    spans = bool(times) and times[0] <= seen["started"] <= seen["ended"] <= times[-1]
    return (
        equal("the status is the command's", exit_status_of(seen["code"]), seen["status"]),
        Law(
            "samples span the run",
            spans,
            f"from {seen['started']} s or before to {seen['ended']} s or after",
            f"from {times[0]} s to {times[-1]} s" if times else None,
        ),
    )

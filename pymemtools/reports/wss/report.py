"""The working set of a process: what it touched within windows of time, by kind of mapping, as an interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.models.working_set import NOTHING, Touched
from pymemtools.report import Column, Report, table_of

REFERENCED, IDLE, SOFT_DIRTY = "referenced", "idle", "soft-dirty"
METHODS = (REFERENCED, IDLE, SOFT_DIRTY)
ALL = "all"
COLUMNS = (
    Column("seconds", "Seconds", "how long the window was to be; all of them begin at once", "seconds", 8),
    Column("elapsed", "Elapsed", "how long it was until the bits were read", "seconds", 8),
    Column("kind", "Kind", "what mappings are for, as pmap tells; all: the sum", "text", 13, right=False),
    Column("rss", "RSS", "resident memory at its end", "bytes", 9),
    Column("touched_least", "At least", "what was surely touched in it; with soft-dirty written to", "bytes", 9),
    Column("touched_most", "At most", "what may have been touched in it", "bytes", 9),
)


class Window(NamedTuple):
    """What was touched in one window, by kind of mapping."""

    seconds: float
    elapsed: float
    kinds: Mapping[str, Touched]

    @property
    def all(self) -> Touched:
        """Sum up."""
        total = NOTHING
        for touched in self.kinds.values():
            total = total.plus(touched)
        return total


class Measuring(NamedTuple):
    """What the measuring did to the process."""

    method: str
    cleared: int  # bytes that the kernel took for used, and for unused then
    has_cleared_soft_dirty: bool
    is_flushed: bool  # the TLB
    marked: int | None  # pages that were marked as idle
    seconds: float  # that clearing took, during which the process could not map or unmap


class WorkingSet(NamedTuple):
    """All of it."""

    pid: int
    title: str
    measuring: Measuring
    windows: Sequence[Window]
    asked: int  # windows


def window_of(seconds: float, elapsed: float, told: Iterable[tuple[str, Touched]]) -> Window:
    """Sum up by kind, the largest first."""
    kinds: dict[str, Touched] = {}
    for kind, touched in told:
        kinds[kind] = kinds.get(kind, NOTHING).plus(touched)
    order = sorted(kinds, key=lambda kind: (-kinds[kind].rss, kind))
    return Window(seconds, elapsed, {kind: kinds[kind] for kind in order if any(kinds[kind])})


def wss_report(found: WorkingSet, facts: Mapping[str, Any], warnings: Iterable[str] = ()) -> Report:
    """Make a row for each window and kind, and one for the sum."""
    rows = [
        (window, kind, touched)
        for window in found.windows
        for kind, touched in [*window.kinds.items(), (ALL, window.all)]
    ]
    return Report(
        "wss",
        table_of(COLUMNS, [_row(*row) for row in rows]),
        found,
        totals={"pid": found.pid, **_totals(found.measuring)},
        facts=facts,
        notes=(*warnings, *notes_of(found.measuring)),
        warnings=tuple(warnings),
    )


def _row(window: Window, kind: str, touched: Touched) -> dict[str, Any]:
    return {
        "seconds": window.seconds,
        "elapsed": round(window.elapsed, 3),
        "kind": kind,
        "rss": touched.rss,
        "touched_least": touched.least,
        "touched_most": touched.most,
    }


def _totals(measuring: Measuring) -> dict[str, Any]:
    return {
        "method": measuring.method,
        "cleared_referenced": measuring.cleared,
        "cleared_soft_dirty": measuring.has_cleared_soft_dirty,
        "flushed_tlb": measuring.is_flushed,
        "marked_idle_pages": measuring.marked,
        "clear_seconds": round(measuring.seconds, 6),
    }


def notes_of(measuring: Measuring) -> tuple[str, ...]:
    """Say what was done to the process, and what follows from that."""
    said = []
    if measuring.method == REFERENCED:
        said.append("its accessed bits were cleared: to reclaim, what it has not touched since looks unused")
    if measuring.marked is not None:
        said.append(f"{measuring.marked} pages were marked as idle, which others who track idle pages see")
    if measuring.has_cleared_soft_dirty:
        said.append(
            "its soft-dirty bits were cleared: the next write to a page takes a fault, who tracks them is misled"
        )
    if not measuring.is_flushed:
        said.append("the TLB was not flushed: pages that it knows may be touched unseen, up to what is said at most")
    return tuple(said)

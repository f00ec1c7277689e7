"""Fork, and write: what was shared is copied page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymemtools.lab.child import PROGRAM, Child
from pymemtools.lab.experiment import Experiment, nothing_in_the_way
from pymemtools.lab.mapping import look
from pymemtools.lab.stage import Stage
from pymemtools.reports.lab.cow import COLUMNS, CowRequest, cow_report
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.sources.base import Source


def _plan(source: Source, request: CowRequest) -> Plan:
    size = request.pages * (source.facts.page_size or 4096)
    happens = (
        "A program writes to its memory, and forks: nothing is copied then, both have the same pages, and each half of "
        "them as its proportional share.",
        "The child writes to half of the pages: each write is a fault, and a copy. Then the parent writes to all: of "
        "those that are shared still, each is copied; those of which the child has a copy, are the parent's alone, "
        "and only made writable again: a fault, too.",
    )
    return Plan(happens, 2 * size + PROGRAM * 3 // 2)  # the copy shares most of it


def _run(request: CowRequest, stage: Stage) -> Mapping[str, Any]:
    hand = stage.program("hand")
    pages, size = request.pages, stage.source.facts.page_size or 4096
    half = pages // 2
    start = hand.ask("map", pages * size)["start"]
    minor = hand.ask("write", start, pages)["minor"]
    if minor == 0:
        raise CannotRun("lab cow: cannot run here: this kernel counts no page faults")
    looking = _Looking(stage, hand, start, size)
    looking.show("parent writes all", pages, minor, pages)
    looking.copy = hand.ask("fork")["pid"]
    looking.show("fork", pages)
    minor = hand.ask("child", looking.copy, "read", start, pages)["minor"]
    looking.show("child reads all", pages, minor, 0)
    minor = hand.ask("child", looking.copy, "write", start, half)["minor"]
    looking.show("child writes half", pages + half, minor, half)
    minor = hand.ask("write", start, pages)["minor"]
    looking.show("parent writes all", 2 * pages, minor, pages)
    hand.end()
    return {}


class _Looking:
    """Shows a sample of the mapping in both processes, as soon as there are two."""

    def __init__(self, stage: Stage, hand: Child, start: int, page_size: int) -> None:
        self._stage = stage
        self._hand = hand
        self._start = start
        self._page_size = page_size
        self.copy: int | None = None

    def show(self, step: str, pages: int, minor: int | None = None, expected: int | None = None) -> None:
        """Look now; ``pages`` are there in all."""
        source = self._stage.source
        ours = look(source, self._hand.pid, self._start)
        theirs = None if self.copy is None else look(source, self.copy, self._start)
        self._stage.row(
            step=step,
            minor=minor,
            rss=ours.rss,
            pss=ours.pss,
            private_dirty=ours.private_dirty,
            child_rss=None if theirs is None else theirs.rss,
            child_pss=None if theirs is None else theirs.pss,
            child_private_dirty=None if theirs is None else theirs.private_dirty,
            pages_in_ram=pages * self._page_size,
            expected_minor=expected,
        )


EXPERIMENT = Experiment("cow", COLUMNS, nothing_in_the_way, _plan, _run, cow_report)

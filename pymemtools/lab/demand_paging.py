"""Map memory, and touch it: nothing is there before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymemtools.lab.child import PROGRAM
from pymemtools.lab.experiment import Experiment, nothing_in_the_way
from pymemtools.lab.mapping import Mapped, look
from pymemtools.lab.stage import Stage
from pymemtools.reports.lab.demand_paging import COLUMNS, PagingRequest, paging_report
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.sources.base import Source


def _plan(source: Source, request: PagingRequest) -> Plan:
    size = request.pages * (source.facts.page_size or 4096)
    happens = (
        "A program maps anonymous memory and touches it step by step.",
        "mmap() only promises: no page is there before it is touched, and each first touch is a page fault.",
        "What is read first is the kernel's one page of zeros, which is nobody's memory: RSS does not grow; "
        "writing to it later is a second fault, and the copy counts.",
    )
    return Plan(happens, 4 * size + PROGRAM)


def _run(request: PagingRequest, stage: Stage) -> Mapping[str, Any]:
    hand = stage.program("hand")
    pages, size = request.pages, stage.source.facts.page_size or 4096
    start = hand.ask("map", 4 * pages * size)["start"]
    second = start + pages * size
    if hand.ask("write", start + 3 * pages * size, 1)["minor"] == 0:
        raise CannotRun("lab demand-paging: cannot run here: this kernel counts no page faults")
    hand.ask("advise", start, 4 * pages * size, "dontneed")
    before = look(stage.source, hand.pid, start)
    steps = (
        ("map, touch nothing", 0, (), 0, 0),
        ("write to each page", pages, ("write", start, pages), pages, pages),
        ("write once more", pages, ("write", start, pages), 0, 0),
        ("read others", pages, ("read", second, pages), pages, 0),
        ("write to those", pages, ("write", second, pages), pages, pages),
        ("MADV_DONTNEED", 0, ("advise", start, 4 * pages * size, "dontneed"), 0, -2 * pages),
    )
    for step, touched, deed, faults, grown in steps:
        cost = hand.ask(*deed) if deed else {"minor": 0}
        after = look(stage.source, hand.pid, start)
        stage.row(
            **_row(step, touched, cost["minor"], before, after), expected_minor=faults, expected_change=grown * size
        )
        before = after
    hand.end()
    return {}


def _row(step: str, pages: int, minor: int, before: Mapped, after: Mapped) -> dict[str, Any]:
    return {
        "step": step,
        "pages": pages,
        "minor": minor,
        "rss": after.rss,
        "rss_change": after.rss - before.rss,
        "pss": after.pss,
        "page_tables": after.page_tables,
    }


EXPERIMENT = Experiment("demand-paging", COLUMNS, nothing_in_the_way, _plan, _run, paging_report)

"""What becomes of a request for memory, whatever its size: a few steps, from which each size is answered exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.models.allocation import page_tables
from pymemtools.readings.once import Once
from pymemtools.reports.what_if.alloc import NEEDS, Allocation, AllocRequest, allocation
from pymemtools.reports.what_if.asked import ask

_MOST = 1 << 47  # bytes: no process has more address space on most machines


class Answered(NamedTuple):
    """What ``what-if alloc`` says of one size."""

    outcome: str
    victim_pid: int | None
    victim_name: str | None


class Step(NamedTuple):
    """From so many bytes on, up to the next step, the answer is that."""

    start: int
    answer: Answered


class Outcomes(NamedTuple):
    """All steps, and what could be touched before somebody is killed, in bytes."""

    steps: Sequence[Step]
    least: int | None
    most: int | None


def outcomes(source: Once, granted: Iterable[int]) -> Outcomes:
    """Find the steps of ``what-if alloc SIZE`` for a new process of a source. Raises what reading meminfo does.

    ``granted`` are the largest mappings, in bytes, that are granted to somebody: where to look first.
    """
    asked = ask(source, needs=NEEDS)
    page = asked.machine.page_size
    first = allocation(asked, AllocRequest(page))
    known = {1: _answer(first)}

    def answer(pages: int) -> Answered:
        if pages not in known:
            known[pages] = _answer(allocation(asked, AllocRequest(pages * page)))
        return known[pages]

    least, most = first.spent.there
    last = _MOST // page
    sure, possible = (_touching(size // page, page) for size in (least, most))
    edges = {place for size in granted for place in (size // page, size // page + 1)}
    # Answers change here, or, where groups have limits, also between two of these: that is then looked for.
    places = {1, sure, sure + 1, possible, possible + 1, *edges, last}
    return Outcomes(list(_steps(answer, sorted(place for place in places if 0 < place <= last), page)), least, most)


def _touching(pages: int, page: int) -> int:
    """Give the largest request that, with its page tables, takes no more than so many pages."""
    size = pages * page // (page + 8)
    while size + 1 + page_tables(size + 1, page) <= pages:
        size += 1
    return size


def _answer(found: Allocation) -> Answered:
    killed = found.dying.chosen
    return Answered(found.outcome, *((None, None) if killed is None else (killed.pid, killed.name)))


def _steps(answer: Callable[[int], Answered], places: Sequence[int], page: int) -> Iterator[Step]:
    """Give the steps between places: where two neighbours differ, the changes between them are looked for."""
    yield Step(0, answer(places[0]))
    for low, high in pairwise(places):
        yield from _changes(answer, low, high, page)


def _changes(answer: Callable[[int], Answered], low: int, high: int, page: int) -> Iterator[Step]:
    while answer(low) != answer(high):
        start, end = low, high
        while end - start > 1:
            middle = (start + end) // 2
            if answer(middle) == answer(low):
                start = middle
            else:
                end = middle
        # The kernel gives whole pages: what is larger than the last that fits by a byte takes one more.
        yield Step(start * page + 1, answer(end))
        low = end


def outcomes_or_none(source: Once, granted: Iterable[int]) -> Outcomes:
    """Find the steps; none where the source cannot tell."""
    try:
        return outcomes(source, granted)
    except MemtoolsError:
        return Outcomes((), None, None)

"""Have the kernel swap a program's pages out, and have them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymemtools.lab.child import PROGRAM, Child
from pymemtools.lab.experiment import Experiment
from pymemtools.lab.mapping import look
from pymemtools.lab.stage import Stage
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.vmstat import grown, paging_events, parse_vmstat
from pymemtools.readings.doubt import swap_of
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.reports.lab.swap import COLUMNS, SwapTrial, trial_report
from pymemtools.sources.base import Source
from pymemtools.units import human_size

_TRIES = 10  # pages that a processor has not yet put on its lists are left out: they are there the next time


def _obstacle(source: Source) -> str:
    return "" if swap_of(parse_meminfo(source.read("meminfo"))).total else "there is no swap"


def _plan(source: Source, request: SwapTrial) -> Plan:
    size = request.pages * (source.facts.page_size or 4096)
    free = swap_of(parse_meminfo(source.read("meminfo"))).free or 0
    if free < 2 * size:
        raise CannotRun(
            f"lab swap: will not run now: {human_size(free)} of swap is free: twice {human_size(size)} is asked"
        )
    happens = (
        "A program writes to its pages, and asks the kernel to page them out (MADV_PAGEOUT, Linux 5.4). Then it reads "
        "them.",
        "What has no file to go to, goes to swap: RSS falls, swap grows by as much. Each page that is touched again is "
        "a fault: a major one where it has to be waited for, a minor one where it is still in the swap cache, or was "
        "read with its neighbours.",
    )
    return Plan(happens, size + PROGRAM)


def _run(request: SwapTrial, stage: Stage) -> Mapping[str, Any]:
    hand, pages = stage.program("hand"), request.pages
    size = pages * (stage.source.facts.page_size or 4096)
    start = hand.ask("map", size)["start"]
    seen = _Seen(stage, hand, start)
    cost = hand.ask("fill", start, pages, pages, "swapped")
    seen.show("write to each page", cost, expected_faults=pages, expected_rss=size, expected_swap=0)
    cost = _page_out(stage, hand, start, size)
    seen.show("MADV_PAGEOUT", cost, expected_faults=0, expected_rss=0, expected_swap=size)
    cost = hand.ask("read", start, pages)
    seen.show("read each page", cost, expected_faults=pages, expected_rss=size, expected_swap=0)
    wrong = hand.ask("differing", start, pages, pages, "swapped")["pages"]
    hand.end()
    return {"wrong": wrong}


def _page_out(stage: Stage, hand: Child, start: int, size: int) -> dict[str, Any]:
    """Have all of it paged out; give what that cost. Raises CannotRun where nothing goes."""
    cost = {"minor": 0, "major": 0}
    for _ in range(_TRIES):
        found = hand.ask("advise", start, size, "pageout")
        if refused := found.get("refused"):
            raise CannotRun(f"lab swap: cannot run here: MADV_PAGEOUT: {refused}")
        cost = {key: cost[key] + found[key] for key in cost}
        if look(stage.source, hand.pid, start).rss == 0:
            break
    if look(stage.source, hand.pid, start).swap == 0:
        raise CannotRun("lab swap: cannot run here: nothing is swapped out: has our memory group a limit on swap?")
    return cost


class _Seen:
    """The program's memory, and what all swapped since the last look."""

    def __init__(self, stage: Stage, hand: Child, start: int) -> None:
        self._stage, self._hand, self._start = stage, hand, start
        self._before = parse_vmstat(stage.source.read("vmstat"))

    def show(self, step: str, cost: Mapping[str, int], **expected: int) -> None:
        """Take a sample."""
        now = parse_vmstat(self._stage.source.read("vmstat"))
        events = paging_events(grown(self._before, now, wraps=False))
        there = look(self._stage.source, self._hand.pid, self._start)
        self._stage.row(
            step=step,
            minor=cost["minor"],
            major=cost["major"],
            rss=there.rss,
            swap=there.swap,
            swapped_in_pages=events.swapped_in_pages,
            swapped_out_pages=events.swapped_out_pages,
            **expected,
        )
        self._before = now


EXPERIMENT = Experiment("swap", COLUMNS, _obstacle, _plan, _run, trial_report)

"""When does a writer have to wait, and when is its data safe?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Missing, UsageProblem
from pymemtools.models.dirty_timeline import Limits, Timeline, Window, Writer, curve, timeline
from pymemtools.models.release import since
from pymemtools.models.writeback import Thresholds
from pymemtools.readings.machine import Machine
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.estimates import dirty_of, dirtyable_range
from pymemtools.reports.what_if.asked import Asked, Needs, reported
from pymemtools.reports.what_if.supposed import DIRTY

NEEDS = Needs(DIRTY, zones=True)
_RULE = "thresholds are a share of free and file pages (mm/page-writeback.c, domain_dirty_limits())"
_RULE_OF_TIMES = (
    "writers pause above half way between the thresholds, so that dirty memory rests below the upper one "
    "(mm/page-writeback.c, balance_dirty_pages(), since Linux 3.2); on 4.4 and 6.8 each event was within its window"
)
_EVENTS = {
    "background_starts": "background writeback starts",
    "first_writeback": "first bytes reach the disk",
    "throttled_from": "the writer has to wait",
    "write_ends": "write() has returned",
    "data_safe": "all data is on the disk",
}
COLUMNS = (
    Column("what", "what", "an event, a threshold or an amount", "text", right=False),
    Column("title", "title", "in words", "text", right=False),
    Column("least_seconds", "from", "of an event: the earliest that it will be, since the first write", "seconds"),
    Column("most_seconds", "to", "and the latest; null: perhaps never", "seconds"),
    Column("least", "from", "of an amount: the least that it will be", "bytes"),
    Column("most", "to", "and the most", "bytes"),
    Column("least_bytes_per_second", "from", "of a rate: the least; null: as fast as memory", "bytes/s"),
    Column("most_bytes_per_second", "to", "and the most", "bytes/s"),
    Column("rule", "rule", "the kernel's rule", "text", right=False),
)


class DirtyRequest(NamedTuple):
    """A program that writes, in bytes a second: infinite for as fast as memory takes it."""

    rate: float
    disk: float  # bytes a second
    file: int | None = None  # bytes that it writes; None: it never ends


class Fact(NamedTuple):
    """An event, a threshold or an amount, within a window: seconds, bytes or bytes a second, as ``unit`` says."""

    what: str
    title: str
    unit: str
    least: float | None
    most: float | None
    rule: str


class Dirtying(NamedTuple):
    """The answer."""

    facts: list[Fact]
    dirtyable: tuple[int, int]  # bytes that thresholds are a share of, at the least and at the most
    background: float  # thresholds in bytes
    dirty: float
    corners: Sequence[tuple[float, float]]  # dirty memory over time: seconds, bytes

    @property
    def rules(self) -> list[str]:
        """Give the rules that the answer was worked out by."""
        return [fact.rule for fact in self.facts]


def dirty_report(asked: Asked, request: DirtyRequest) -> Report:
    """Show the dirty thresholds, and what a program that writes sees over time."""
    if request.disk == float("inf"):
        raise UsageProblem("what-if dirty: --disk: no disk takes data as fast as memory does")
    machine = asked.machine
    found = _dirtying(machine, request)
    notes = [*machine.notes]
    if not since(machine.version, (3, 2)):
        notes.append("before Linux 3.2 writers did the writing themselves: the times are of later kernels")
    return reported(asked, "dirty", table_of(COLUMNS, map(_row, found.facts)), found, None, notes)


def _row(fact: Fact) -> dict[str, Any]:
    unit = {"s": "_seconds", "bytes": "", "bytes/s": "_bytes_per_second"}[fact.unit]
    return {**fact._asdict(), "least": None, "most": None, f"least{unit}": fact.least, f"most{unit}": fact.most}


def _dirtying(machine: Machine, request: DirtyRequest) -> Dirtying:
    marks, memory = dirty_of(machine), dirtyable_range(machine)
    if marks is None or memory is None:
        needed = ("MemTotal", "MemFree", "Active(file)", "Inactive(file)")
        names = ", ".join(key for key in needed if key not in machine.meminfo)
        raise Missing(f"what-if dirty: the source tells too little: meminfo has no {names}")
    limits = _limits(machine, marks)
    writer = Writer(request.rate, request.disk, None if request.file is None else float(request.file))
    ends = [_limits(machine, dirty_of(machine, pages) or marks) for pages in memory]
    found = _united(*(timeline(writer, each) for each in (*ends, limits)))
    facts = [*_events(found), *_amounts(ends, found)]
    corners = curve(writer, limits, timeline(writer, limits))
    dirtyable = (memory[0] * machine.page_size, memory[1] * machine.page_size)
    return Dirtying(facts, dirtyable, limits.background, limits.dirty, corners)


def _united(*several: Timeline) -> Timeline:
    """Take what any of them says: where one has an event that never comes, there is no latest moment."""
    return Timeline._make(_around(key, [getattr(each, key) for each in several]) for key in Timeline._fields)


def _around(key: str, windows: Sequence[Window | None]) -> Window | None:
    known = [window for window in windows if window is not None]
    if not known:
        return None
    most = max(window.most for window in known)
    is_perhaps = key in _EVENTS and len(known) < len(windows)
    return Window(min(window.least for window in known), float("inf") if is_perhaps else most)


def _limits(machine: Machine, marks: Thresholds) -> Limits:
    expire, wakeup = (machine.setting(f"vm.dirty_{name}_centisecs") for name in ("expire", "writeback"))
    page = machine.page_size
    return Limits(marks.dirty * page, marks.background * page, (expire or 0) / 100, (wakeup or 0) / 100)


def _events(found: Timeline) -> list[Fact]:
    """Give the events that will be, in the order of their first moments."""
    events = [_event(key, window) for key in _EVENTS if (window := getattr(found, key)) is not None]
    return sorted(events, key=lambda event: (event.least, float("inf") if event.most is None else event.most))


def _event(key: str, window: Window) -> Fact:
    most = None if window.most == float("inf") else window.most
    return Fact(key, _EVENTS[key], "s", window.least, most, _RULE_OF_TIMES)


def _amounts(ends: Sequence[Limits], found: Timeline) -> list[Fact]:
    thresholds = []
    for key in ("background", "dirty"):
        least, most = (round(getattr(each, key)) for each in ends)
        thresholds.append(Fact(f"{key}_threshold", f"{key} threshold", "bytes", least, most, _RULE))
    windows = (
        ("peak", "most that is dirty or under writeback", "bytes", found.peak),
        ("write_rate", "rate of the writer in the long run", "bytes/s", found.write_rate),
        ("left_dirty", "left dirty when background writeback stops", "bytes", found.left_dirty),
    )
    amounts = [_amount(key, title, unit, window) for key, title, unit, window in windows if window is not None]
    return [*thresholds, *amounts]


def _amount(key: str, title: str, unit: str, window: Window) -> Fact:
    least, most = (None if value == float("inf") else round(value) for value in window)
    return Fact(key, title, unit, least, most, _RULE_OF_TIMES)

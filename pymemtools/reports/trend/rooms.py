"""How long until memory is used up, if something goes on to grow as it does."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.models.trend import GROWTH, Trend
from pymemtools.readings.cgroup_path import Hierarchy, find_hierarchy
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.groups import Level, read_levels
from pymemtools.sources.base import Source
from pymemtools.units import whole_number

_REFUSES = 2  # vm.overcommit_memory


class Until(NamedTuple):
    """Seconds until a room is used up, the least and the most."""

    low: float
    high: float


class Rooms(NamedTuple):
    """What there is left of RAM and of what may be promised, in bytes; None: not known, or no limit."""

    ram: int | None
    commit: int | None


class GroupRoom(NamedTuple):
    """What a control group may still take, in bytes: the least on the way up."""

    path: str
    size: int


def rooms_of(source: Source) -> Rooms:
    """Read what is left at a moment; the commit limit is one where the kernel refuses."""
    try:
        info = read_meminfo(source).meminfo
    except MemtoolsError:
        return Rooms(None, None)
    available = info.get("MemAvailable")
    if available is None:  # before Linux 3.14
        from pymemtools.readings.machine import read_machine
        from pymemtools.reports.estimates import available_of

        available = available_of(read_machine(source))
    is_limited = _setting(source, "overcommit_memory") == _REFUSES and info.keys() >= {"CommitLimit", "Committed_AS"}
    return Rooms(available, max(info["CommitLimit"] - info["Committed_AS"], 0) if is_limited else None)


def _setting(source: Source, name: str) -> int | None:
    try:
        return whole_number(source.read(f"sys/vm/{name}").strip())
    except MemtoolsError:
        return None


class GroupRooms:
    """What control groups may still take, each looked up once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._hierarchy: Hierarchy | None = None
        self._known: dict[str, GroupRoom | None] = {}
        self._levels: dict[str, Level] = {}

    def of(self, path: str | None) -> GroupRoom | None:
        """Give the least room on the way up to the root; what the kernel can take back is room, too."""
        if path is None:
            return None
        if path not in self._known:
            self._known[path] = self._read(path)
        return self._known[path]

    def _read(self, path: str) -> GroupRoom | None:
        try:
            self._hierarchy = self._hierarchy or find_hierarchy(self._source)
            levels = read_levels(self._source, self._hierarchy, path, self._levels)
        except MemtoolsError:
            return None
        limited = [level for level in levels if level.max is not None]
        rooms = [
            GroupRoom(level.path, max(level.max - level.usage + (level.reclaimable or 0), 0))
            for level in limited
            if level.max is not None and level.usage is not None
        ]
        if len(rooms) < len(limited):  # any of them may have the least
            return None
        return min(rooms, key=lambda room: room.size, default=None)


def until(room: int | None, trend: Trend) -> Until | None:
    """Divide a room by the interval of the growth; nothing of what does not surely grow.

    >>> until(7200, Trend(GROWTH, 2.0, 1.0, 4.0))
    Until(low=1800.0, high=7200.0)
    """
    if room is None or trend.verdict != GROWTH or not trend.low or not trend.high or trend.low <= 0:
        return None
    return Until(room / trend.high, room / trend.low)

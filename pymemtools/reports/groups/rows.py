"""One row for each memory group of a tree: what its files say, and what follows from the groups above it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pymemtools.procfs.cgroup import unit_of
from pymemtools.procfs.cgroup_names import container_of, pod_of
from pymemtools.readings.group_tree import GroupReading
from pymemtools.readings.groups import Level
from pymemtools.reports.groups.mapped import Mapped
from pymemtools.reports.memory_groups.room import HIDDEN

NEAR_PERCENT = 10  # of a limit: what is left of it, when a group is near it
NEAR = "near its limit"
CACHE = "full of what can be reclaimed"


class GroupRow(NamedTuple):
    """One group, those in it included; bytes, None where the kernel does not tell. See COLUMNS."""

    cgroup: str
    depth: int
    unit: str | None
    container: str | None
    pod: str | None
    state: str | None
    current: int | None
    limit: int | None
    high: int | None
    headroom: int | None
    decided_by_group: str | None
    decided_by_file: str | None
    reclaimable: int | None
    anonymous: int | None
    page_cache: int | None
    shmem: int | None
    slab: int | None
    kernel_memory: int | None
    sock: int | None
    swap: int | None
    swap_limit: int | None
    zswap: int | None
    memsw: int | None
    memsw_limit: int | None
    peak: int | None
    processes: int | None
    pss: int | None
    pss_anon: int | None
    pss_file: int | None
    pss_shmem: int | None
    unreadable: int | None
    high_events: int | None
    max_events: int | None
    oom_events: int | None
    oom_kills: int | None
    oom_group: bool | None
    some_avg10: float | None
    some_avg60: float | None
    some_avg300: float | None
    some_seconds: float | None
    full_avg10: float | None
    full_avg60: float | None
    full_avg300: float | None
    full_seconds: float | None


class Room(NamedTuple):
    """What is left below the limit that has the least left, of a group's own and those above it."""

    left: int | None  # None: nothing tells how much is used below some limit
    path: str
    file: str


def rows_of(groups: Sequence[GroupReading], above: Sequence[Level], mapped: Sequence[Mapped]) -> list[GroupRow]:
    """Make the rows of a tree. ``above`` are the groups above it, innermost first, whose limits hold in it."""
    rooms = rooms_of(groups, above)
    return [_row(group, room, members) for group, room, members in zip(groups, rooms, mapped)]


def _row(group: GroupReading, room: Room | None, members: Mapped) -> GroupRow:
    level, stat, events = group.level, group.level.stat, group.events
    return GroupRow(
        level.path,
        group.depth,
        unit_of(level.path),
        container_of(level.path),
        pod_of(level.path),
        state_of(level),
        level.usage,
        level.max,
        level.high,
        None if room is None else room.left,
        None if room is None or room.left is None else room.path,
        None if room is None or room.left is None else room.file,
        level.reclaimable,
        stat.get("anon" if level.version == 2 else "total_rss"),
        level.held.file,
        level.held.shmem,
        group.slab,
        group.kernel,
        group.sock,
        level.swap_usage,
        level.swap_max if level.version == 2 else None,
        stat.get("zswap"),
        level.memsw_usage,
        level.memsw_max,
        group.peak,
        members.processes,
        *(members.pss, members.pss_anon, members.pss_file, members.pss_shmem, members.unreadable),
        events.get("high"),
        events.get("max"),
        events.get("oom"),
        events.get("oom_kill"),
        level.kills_all if level.version == 2 and level.usage is not None else None,
        *group.pressure.some,
        *group.pressure.full,
    )


def rooms_of(groups: Sequence[GroupReading], above: Sequence[Level]) -> list[Room | None]:
    """Find for each group the limit that decides; None where none limits it."""
    found: list[tuple[Room | None, int | None]] = []  # with the lowest limit that is seen
    outer = above[-1] if above else groups[0].level
    outside = _least([room for level in above for room in _own_rooms(level)])
    lowest_outside = _lowest(level.max for level in above)
    for group in groups:
        inherited, lowest = outside, lowest_outside
        if group.parent is not None:
            inherited, lowest = found[group.parent] if groups[group.parent].limits_children else (None, None)
        lowest = _lowest((lowest, group.level.max))
        rooms = [*_own_rooms(group.level), *_hidden_rooms(group.level, outer, lowest)]
        found.append((_least([*rooms, *([inherited] if inherited else [])]), lowest))
    return [room for room, _ in found]


def _lowest(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _hidden_rooms(level: Level, outer: Level, lowest: int | None) -> list[Room]:
    """Give what a limit above all that is mounted here leaves at the most: v1 tells the limit, not what is used there.

    Source: mm/memcontrol.c, memcg_stat_show(), hierarchical_memory_limit.
    """
    limit = level.least_limit
    if limit is None or (lowest is not None and limit >= lowest):
        return []
    left = None if outer.usage is None else max(limit - outer.usage, 0)
    return [Room(left, HIDDEN, "hierarchical_memory_limit")]


def _own_rooms(level: Level) -> list[Room]:
    """Give what each limit of a group leaves, the limit of memory and swap together among them: it holds for memory."""
    limits = (
        (level.max, level.usage, level.max_file),
        (level.high, level.usage, "memory.high"),
        (level.memsw_max, level.memsw_usage, "memory.memsw.limit_in_bytes"),
    )
    return [
        Room(None if used is None else max(limit - used, 0), level.path, file)
        for limit, used, file in limits
        if limit is not None
    ]


def _least(rooms: Sequence[Room]) -> Room | None:
    return min(rooms, key=lambda room: -1 if room.left is None else room.left, default=None)


def state_of(level: Level) -> str | None:
    """Say whether a group is near its own limit, and whether there is much in it that can be reclaimed."""
    if level.limit is None or level.free is None or level.free > level.limit * NEAR_PERCENT // 100:
        return None
    at_most = level.free + (level.reclaimable or 0)
    return NEAR if at_most <= level.limit * NEAR_PERCENT // 100 else CACHE

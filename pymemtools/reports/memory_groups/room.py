"""How much the limits on the way up let a memory group take, and which of them decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.models.group_charge import (
    FITS,
    MAY_NOT_FIT,
    OOM,
    REFUSED,
    THROTTLED,
    WAITS,
    Bound,
    Holdings,
    charged_ahead,
    deciding,
    outcome,
)
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.groups import Level
from pymemtools.readings.machine import Machine
from pymemtools.report import Column
from pymemtools.reports.memory_groups.asking import Asking
from pymemtools.reports.swap_stores import costs_of_groups
from pymemtools.units import human_size

# What comes of an amount, and the limit that decides, are the model's; who lays an answer out has them from here.
__all__ = ["FITS", "MAY_NOT_FIT", "OOM", "REFUSED", "THROTTLED", "WAITS", "Bound", "Ruling", "bounds", "ruling"]

HIDDEN = "(above)"
_HIGH = "memory.high"
LIMIT_COLUMNS = (
    Column("file", "limit", "the kernel's file that holds it", "text"),
    Column("limit", "set to", "how much may be charged to the group and those in it", "bytes"),
    Column("used", "used", "what is charged by now", "bytes"),
    Column("room_least", "surely there", "the least that it can give", "bytes"),
    Column("room_most", "at most", "the most that it can give", "bytes"),
    Column("cgroup", "group", "where it is set", "text"),
)
GROUP_RULE = (
    "a charge beyond the limit of a group, or of one above it, reclaims within that group and then kills within it; "
    "beyond memory.high it is slowed down (mm/memcontrol.c, try_charge_memcg(), mem_cgroup_out_of_memory())"
)


def bounds(asked: Asking, machine: Machine) -> list[Bound]:
    """Give each limit on the way up, innermost first, with what the group could give up before it is hit for good."""
    levels = [_without(level, asked.own) for level in asked.levels]
    found = [bound for place in range(len(levels)) for bound in _bounds_of(levels, place, machine, asked.kept)]
    return [*found, *_hidden(levels, machine)]


def _hidden(levels: Sequence[Level], machine: Machine) -> Iterator[Bound]:
    """Give the limit of a group above those that are mounted here: v1 tells the lowest, but not how much is used there.

    At the most it leaves what the groups that are seen do not use. Source: mm/memcontrol.c, memcg_stat_show(),
    hierarchical_memory_limit.
    """
    if not levels or (limit := levels[0].least_limit) is None:
        return
    top, seen = levels[-1], [level.max for level in levels if level.max is not None]
    if limit < min(seen, default=limit + 1):
        held = _holdings(top)._replace(swap_at_most=_machine_swap(top, machine)[1])
        room = max(limit - (top.usage or 0), 0)
        yield Bound(HIDDEN, "hierarchical_memory_limit", limit, top.usage, room, held, is_hidden=True)


def _without(level: Level, own: int) -> Level:
    """Take what ends off what a group uses."""
    usage, memsw = (None if used is None else max(used - own, 0) for used in (level.usage, level.memsw_usage))
    return level._replace(usage=usage, memsw_usage=memsw)


def swappiness_of(level: Level, machine: Machine) -> int | None:
    """Tell how willing the kernel is to swap a group out: v1 has it by group, the root apart. None: not told.

    Source: mem_cgroup_swappiness(), include/linux/swap.h, Linux 6.1.
    """
    return machine.setting("vm.swappiness") if level.swappiness is None or level.path == "/" else level.swappiness


def _bounds_of(levels: Sequence[Level], place: int, machine: Machine, kept: Mapping[str, int]) -> Iterator[Bound]:
    level = levels[place]
    inner, outer = _machine_swap(level, machine)
    if level.version == 2:  # in v1, what it may swap is what memory.memsw.limit_in_bytes, a bound of its own, lets it
        inner, outer = _swap_room(levels, inner)[0], _swap_room(levels[place:], outer)[1]
    held = _holdings(level)._replace(swap=inner, swap_at_most=outer, kept=kept.get(level.path, 0))
    without = held._replace(swap=0, swap_at_most=0)
    ahead = _ahead(level, machine)
    limits = (
        ("memory.memsw.limit_in_bytes", level.memsw_max, level.memsw_usage, without),
        (level.max_file, level.max, level.usage, held),
        (_HIGH, level.high, level.usage, held),
    )
    for file, limit, usage, holdings in limits:
        if limit is not None:
            room = 0 if usage is None else max(limit - usage, 0)
            never_kills, slows = level.never_kills and file != _HIGH, file == _HIGH
            found = Bound(level.path, file, limit, usage, room, holdings, slows=slows, never_kills=never_kills)
            yield found._replace(ahead=ahead)


def _ahead(level: Level, machine: Machine) -> int:
    """Give what of a group's usage processors may have charged ahead; nothing where it cannot be told."""
    if level.usage is None or level.charged is None or machine.cpus is None:
        return 0
    return charged_ahead(level.usage, level.charged, machine.cpus, machine.version, machine.page_size)


def _holdings(level: Level) -> Holdings:
    """Give what a group could give up; shared memory is mapped, too, but on no list of files."""
    held = level.held
    if held.lru_file is None:  # no memory.stat: anything that is used may be cache, or nothing
        return Holdings(level.usage or 0, 0, level.usage or 0, 0, 0, 0)
    mapped = held.lru_file if held.mapped is None else max(held.mapped - (held.shmem or 0), 0)
    return Holdings(held.lru_file, held.dirty or 0, mapped, held.slab_reclaimable or 0, 0, 0)


def _machine_swap(level: Level, machine: Machine) -> tuple[int, int]:
    """Give the free swap of the machine that a group may use: at the least and at the most."""
    if swappiness_of(level, machine) == 0:
        return 0, 0
    swap = swap_of(machine.meminfo)
    return swap.free or 0, swap.free if swap.free is not None else swap.total or 0


def _swap_room(levels: Sequence[Level], machine: int) -> tuple[int, int]:
    """Give what the limits of swap leave of the machine's, at the least and at the most."""
    limited = [level for level in levels if level.swap_max is not None]
    least = min((level.swap_free or 0 for level in limited), default=machine)
    at_most = [level.swap_max if level.swap_free is None else level.swap_free for level in limited]
    most = min((room or 0 for room in at_most), default=machine)
    return max(min(least, machine), 0), max(min(most, machine), 0)


class Ruling(NamedTuple):
    """What the limits on the way up make of an amount, in bytes."""

    asked: Asking
    bounds: Sequence[Bound]
    amount: int
    decided: Bound | None  # the limit that it may hit first
    fatal: Bound | None  # that which it may be out of memory at

    @property
    def outcome(self) -> str:
        """Name what comes of it, as far as the limits are concerned."""
        return outcome(self.decided, self.amount)

    @property
    def notes(self) -> Sequence[str]:
        """Give what is to be said of who asks, and of what this program takes itself."""
        if not (self.asked.own and self.bounds):
            return self.asked.notes
        own = f"{human_size(self.asked.own)} of what {self.asked.path} uses"
        return (*self.asked.notes, f"{own} are this program's own, and count as free: it ends")

    @property
    def pressed(self) -> Bound | None:
        """Give the limit beyond which a group has to give up what it holds, before it takes more of the machine's."""
        first = min(self.bounds, key=lambda bound: bound.free_at_most, default=None)
        return first if first is not None and first.free_at_most < self.amount else None

    @property
    def level(self) -> Level | None:
        """Give the group within which the kernel kills; None: among all."""
        fatal = self.fatal
        if fatal is not None and fatal.is_hidden:
            return self.asked.levels[-1]._replace(max=fatal.limit)
        return next((level for level in self.asked.levels if fatal is not None and level.path == fatal.path), None)

    def answer(self) -> dict[str, Any]:
        """Give it for programs: who asked, the least room on the way up, which limit decides, and all limits."""
        return {
            "cgroup": self.asked.path,
            "cgroup_room_least": min((bound.least for bound in self.bounds), default=None),
            "cgroup_room_most": min((bound.most for bound in self.bounds), default=None),
            "decided_by_cgroup": None if self.decided is None else self.decided.path,
            "decided_by_file": None if self.decided is None else self.decided.file,
            "limits": [_limit_row(bound) for bound in self.bounds],
        }


def ruling(asked: Asking, machine: Machine, amount: int, room: int | None = None) -> Ruling:
    """Ask the limits whether they let so many bytes be taken; ``room`` is what the machine has, None for enough."""
    found = bounds(asked, machine)
    if any(bound.holdings.swap_at_most for bound in found):
        asked = asked._replace(notes=(*asked.notes, *costs_of_groups(machine.stores)))
    killing = [bound for bound in found if not bound.slows]
    return Ruling(
        asked,
        found,
        amount,
        deciding(found, amount, machine.version, room),
        deciding(killing, amount, machine.version, room),
    )


def _limit_row(bound: Bound) -> dict[str, Any]:
    return {
        "cgroup": bound.path,
        "file": bound.file,
        "limit": bound.limit,
        "used": bound.usage,
        "room_least": bound.least,
        "room_most": bound.most,
        "slows": bound.slows,
    }

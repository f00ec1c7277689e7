"""free's question for a control group: how much memory may a container or a unit still take?

The answer is the least of what each group up the hierarchy has left, and of what the machine has left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import Missing
from pymemtools.procfs.cgroup_memory import parse_amount, parse_limit, parse_stat
from pymemtools.reports.cgroup_path import Hierarchy
from pymemtools.reports.free import FreeRow, Memory, sum_of
from pymemtools.sources.base import Source
from pymemtools.units import minus, plus


class Level(NamedTuple):
    """One group on the way up: its limits and what it holds, children included; bytes, None for no limit or unknown."""

    path: str
    limit: int | None  # the lower of memory.max and memory.high
    limit_file: str
    usage: int | None
    file: int | None  # page cache, tmpfs and shared memory included
    shmem: int | None
    slab_reclaimable: int | None
    lru_file: int | None  # active_file + inactive_file: page cache that can be dropped, if need be after writeback
    swap_limit: int | None
    swap_usage: int | None

    @property
    def free(self) -> int | None:
        """Give what is left below the limit."""
        return minus(self.limit, self.usage)

    @property
    def swap_free(self) -> int | None:
        """Give what is left below the swap limit."""
        return minus(self.swap_limit, self.swap_usage)

    @property
    def reclaimable(self) -> int | None:
        """Estimate what the kernel could take back without swap; v1 does not tell slab, which then counts as used."""
        return plus(self.lru_file, self.slab_reclaimable or 0)


def read_levels(source: Source, hierarchy: Hierarchy, path: str) -> list[Level]:
    """Read a group and those above it whose limits hold for it, innermost first. Raises Missing without the group."""
    if not source.names(f"{hierarchy.point}{path}".rstrip("/")):
        raise Missing(f"{path}: no such control group")
    read_level = _level_v1 if hierarchy.version == 1 else _level_v2
    levels: list[Level] = []
    for group in _upwards(path):
        directory = f"{hierarchy.point}{group}".rstrip("/")
        if levels and _read(source, directory, "memory.use_hierarchy") == b"0\n":
            break  # before Linux 5.11, v1 groups could be told not to count their children
        levels.append(read_level(source, directory, group))
    return levels


def room_in_groups(levels: Sequence[Level]) -> tuple[int, Level] | None:
    """Give the bytes that a process may still take before a group of its own is out of memory, and that group."""
    rooms = [(plus(level.free, level.reclaimable), level) for level in levels if level.limit is not None]
    known = [(room, level) for room, level in rooms if room is not None]
    return min(known, key=lambda each: each[0]) if known else None


def _upwards(path: str) -> Iterator[str]:
    """Give a group's path and those of the groups above it, up to ``/``."""
    yield path
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        yield path


def cgroup_memory(levels: Sequence[Level], machine: Memory) -> Memory:
    """Make free's table of a group. Low, high and committed memory are not counted by group, nor buffers apart.

    used = usage - reclaimable. free and available are the least, over the groups that have a limit and the machine, of
    limit - usage and of limit - usage + reclaimable; reclaimable = active_file + inactive_file + slab_reclaimable (v1
    does not tell the last, so there it counts as used).
    """
    counted = next((level for level in levels if level.usage is not None), None)
    if counted is None:
        note = f"{levels[0].path}: the kernel does not count this group's memory; the figures are the machine's"
        return machine._replace(notes=(*machine.notes, note))
    mem, swap = _mem(levels, counted, machine), _swap(levels, counted, machine)
    low, high, comm = (FreeRow(area, None, None, None) for area in ("Low", "High", "Comm"))
    return Memory(mem, low, high, swap, sum_of(mem, swap), comm, (*machine.notes, *_notes(levels, counted, mem)))


def _mem(levels: Sequence[Level], counted: Level, machine: Memory) -> FreeRow:
    limited = [level for level in levels if level.limit is not None]
    cache = counted.file if counted.slab_reclaimable is None else plus(counted.file, counted.slab_reclaimable)
    return FreeRow(
        area="Mem",
        total=_limit_of(machine.mem.total, [level.limit for level in levels]),
        used=_least([minus(counted.usage, counted.reclaimable)]),
        free=_least([machine.mem.free, *(level.free for level in limited)]),
        shared=counted.shmem,
        cache=cache,
        buff_cache=cache,
        available=_least([machine.mem.available, *(plus(level.free, level.reclaimable) for level in limited)]),
    )


def _swap(levels: Sequence[Level], counted: Level, machine: Memory) -> FreeRow:
    return FreeRow(
        area="Swap",
        total=_limit_of(machine.swap.total, [level.swap_limit for level in levels]),
        used=counted.swap_usage,
        free=_least([machine.swap.free, *(level.swap_free for level in levels if level.swap_limit is not None)]),
    )


def _notes(levels: Sequence[Level], counted: Level, mem: FreeRow) -> Iterable[str]:
    """Say whose figures and whose limit are shown, where that is not simply the group's own."""
    path = levels[0].path
    if counted.path != path:
        yield f"{path}: its memory is counted in {counted.path}, and that is shown"
    limiting = next((level for level in levels if level.limit is not None and level.limit == mem.total), None)
    if limiting is None:
        yield f"{path}: no limit below the machine's own memory, which is shown as the total"
    elif limiting.path != path or limiting.limit_file == "memory.high":
        yield f"{path}: the limit is {limiting.limit_file} of {limiting.path}"


def _level_v2(source: Source, directory: str, path: str) -> Level:
    limit, limit_file = _limit(source, directory, "memory.max"), "memory.max"
    high = _limit(source, directory, "memory.high")
    if high is not None and (limit is None or high < limit):
        limit, limit_file = high, "memory.high"
    stat = _stat(source, directory)
    return Level(
        path=path,
        limit=limit,
        limit_file=limit_file,
        usage=_amount(source, directory, "memory.current"),
        file=stat.get("file"),
        shmem=stat.get("shmem"),
        slab_reclaimable=stat.get("slab_reclaimable"),
        lru_file=plus(stat.get("active_file"), stat.get("inactive_file")),
        swap_limit=_limit(source, directory, "memory.swap.max"),
        swap_usage=_amount(source, directory, "memory.swap.current"),
    )


def _level_v1(source: Source, directory: str, path: str) -> Level:
    """Read v1's files; its swap limit is of memory and swap together, so what it adds to the limit is for swap."""
    limit = _limit(source, directory, "memory.limit_in_bytes")
    stat = _stat(source, directory)
    return Level(
        path=path,
        limit=limit,
        limit_file="memory.limit_in_bytes",
        usage=_amount(source, directory, "memory.usage_in_bytes"),
        file=stat.get("total_cache"),
        shmem=stat.get("total_shmem"),
        slab_reclaimable=None,
        lru_file=plus(stat.get("total_active_file"), stat.get("total_inactive_file")),
        swap_limit=minus(_limit(source, directory, "memory.memsw.limit_in_bytes"), limit),
        swap_usage=stat.get("total_swap"),
    )


def _read(source: Source, directory: str, name: str) -> bytes | None:
    try:
        return source.read(f"{directory}/{name}")
    except Missing:
        return None


def _limit(source: Source, directory: str, name: str) -> int | None:
    text = _read(source, directory, name)
    return None if text is None else parse_limit(text, f"{directory}/{name}")


def _amount(source: Source, directory: str, name: str) -> int | None:
    text = _read(source, directory, name)
    return None if text is None else parse_amount(text, f"{directory}/{name}")


def _stat(source: Source, directory: str) -> Mapping[str, int]:
    return parse_stat(_read(source, directory, "memory.stat") or b"", f"{directory}/memory.stat")


def _limit_of(machine: int | None, limits: Iterable[int | None]) -> int | None:
    """Give the lowest limit; None among them is no limit."""
    known = [limit for limit in (machine, *limits) if limit is not None]
    return min(known) if known else None


def _least(amounts: Sequence[int | None]) -> int | None:
    """Give the least, unknown if any is; never below 0, for a group may be above its limit for a moment."""
    known = [amount for amount in amounts if amount is not None]
    return max(min(known), 0) if len(known) == len(amounts) else None

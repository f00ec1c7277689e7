"""free's question for a control group: how much memory may a container or a unit still take?

The answer is the least of what each group up the hierarchy has left, and of what the machine has left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pymemtools.readings.groups import Level, doubts_of
from pymemtools.reports.free import FreeRow, Memory, sum_of
from pymemtools.units import minus, plus


def cgroup_memory(levels: Sequence[Level], machine: Memory) -> Memory:
    """Make free's table of a group. Low, high and committed memory are not counted by group, nor buffers apart.

    used = usage - reclaimable. free and available are the least, over the groups that have a limit and the machine, of
    limit - usage and of limit - usage + reclaimable; reclaimable = active_file + inactive_file + slab_reclaimable (v1
    does not tell the last, so there it counts as used).
    """
    counted = next((level for level in levels if level.usage is not None), None)
    if counted is None:
        doubts = tuple(doubts_of(levels))
        why = "nothing tells how much this group uses" if doubts else "the kernel does not count this group's memory"
        note = f"{levels[0].path}: {why}; the figures are the machine's"
        return machine._replace(notes=(*machine.notes, *doubts, note))
    mem, swap = _mem(levels, counted, machine), _swap(levels, counted, machine)
    low, high, comm = (FreeRow(area, None, None, None) for area in ("Low", "High", "Comm"))
    return Memory(mem, low, high, swap, sum_of(mem, swap), comm, (*machine.notes, *_notes(levels, counted, mem)))


def _mem(levels: Sequence[Level], counted: Level, machine: Memory) -> FreeRow:
    limited = [level for level in levels if level.limit is not None]
    held = counted.held
    cache = held.file if held.slab_reclaimable is None else plus(held.file, held.slab_reclaimable)
    return FreeRow(
        area="Mem",
        total=_limit_of(machine.mem.total, [level.limit for level in levels]),
        used=_least([minus(counted.usage, counted.reclaimable)]),
        free=_least([machine.mem.free, *(level.free for level in limited)]),
        shared=held.shmem,
        cache=cache,
        buff_cache=cache,
        available=_least([machine.mem.available, *(plus(level.free, level.reclaimable) for level in limited)]),
    )


def _swap(levels: Sequence[Level], counted: Level, machine: Memory) -> FreeRow:
    return FreeRow(
        area="Swap",
        total=_limit_of(machine.swap.total, [level.swap_max for level in levels]),
        used=counted.swap_usage,
        free=_least([machine.swap.free, *(level.swap_free for level in levels if level.swap_max is not None)]),
    )


def _notes(levels: Sequence[Level], counted: Level, mem: FreeRow) -> Iterable[str]:
    """Say whose figures and whose limit are shown, where that is not simply the group's own."""
    path = levels[0].path
    yield from doubts_of(levels)
    if counted.path != path:
        yield f"{path}: its memory is counted in {counted.path}, and that is shown"
    limiting = next((level for level in levels if level.limit is not None and level.limit == mem.total), None)
    if limiting is None:
        yield f"{path}: no limit below the machine's own memory, which is shown as the total"
    elif limiting.path != path or limiting.limit_file == "memory.high":
        yield f"{path}: the limit is {limiting.limit_file} of {limiting.path}"


def _limit_of(machine: int | None, limits: Iterable[int | None]) -> int | None:
    """Give the lowest limit; None among them is no limit."""
    known = [limit for limit in (machine, *limits) if limit is not None]
    return min(known) if known else None


def _least(amounts: Sequence[int | None]) -> int | None:
    """Give the least, unknown if any is; never below 0, for a group may be above its limit for a moment."""
    known = [amount for amount in amounts if amount is not None]
    return max(min(known), 0) if len(known) == len(amounts) else None

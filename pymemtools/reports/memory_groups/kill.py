"""Whom the kernel kills when a memory group is out of memory, and who dies with it.

Source: mm/memcontrol.c, mem_cgroup_scan_tasks(), mem_cgroup_get_oom_group(); mm/oom_kill.c, constrained_alloc(),
oom_kill_process(), oom_kill_memcg_member(); Linux 6.1. memory.oom.group came with 4.19.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.models.allocation import page_tables
from pymemtools.models.group_charge import pages_of_total
from pymemtools.readings.cgroup_path import Hierarchy, below_mount, is_below
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.groups import Level, read_levels
from pymemtools.readings.machine import Machine
from pymemtools.readings.processes import Sample, expect_processes, read_processes
from pymemtools.readings.wants import Wants
from pymemtools.reports.memory_groups.asking import Asking, asking, nobody
from pymemtools.reports.memory_groups.room import ruling, swappiness_of
from pymemtools.reports.oom_scores.candidates import (
    WANTS,
    Candidate,
    Candidates,
    all_candidates,
    by_badness,
    candidates,
    victim,
)
from pymemtools.reports.oom_scores.hypotheses import on_another_machine, with_hypotheses
from pymemtools.sources.base import Source
from pymemtools.units import human_size


class Hunt(NamedTuple):
    """Where the kernel looks for a victim: in a group that is out of memory, or, without a level, everywhere."""

    asked: Asking
    level: Level | None
    notes: tuple[str, ...] = ()
    room: int | None = None  # bytes that who asks can have got by then; None: as much as it asked for

    @property
    def top(self) -> str:
        """Give the path of the group that is out of memory; ``/`` is the machine."""
        return "/" if self.level is None else self.level.path


class Deaths(NamedTuple):
    """Who dies, the chosen first, and the group that dies as a whole, as its memory.oom.group says."""

    group: str | None
    killed: list[Candidate]

    @property
    def chosen(self) -> Candidate | None:
        """Give the process that the kernel chooses; None where it finds none."""
        return self.killed[0] if self.killed else None

    def answer(self) -> dict[str, Any]:
        """Give for programs who dies, and the group that dies as a whole."""
        return {"oom_cgroup": self.group, "killed_pids": [each.pid for each in self.killed]}


NOBODY = Deaths(None, [])


def hunt(
    source: Source, machine: Machine, sizes: Sequence[int], pid: int | None = None, name: str | None = None
) -> Hunt:
    """Say where the kernel looks for a victim, when processes of these sizes (bytes) come and ask for memory.

    A group that is named, or a process's, is taken to be out of memory, or the first above it that has a limit. Without
    a name, the new processes are of the caller's group, and it is out of memory only if they are more than it may take.
    Where nobody asks, it is the machine that is out of memory. Raises Missing where there is nobody to be killed.
    """
    if not sizes:
        expect_processes(source)
    if not sizes and pid is None and name is None:
        return Hunt(nobody(source), None)
    asked = asking(source, pid, name)
    page = machine.page_size
    tables = sum(page_tables(size // page, page) for size in sizes) * page
    ruled = ruling(asked, machine, sum(sizes) + tables)
    level = ruled.level if sizes else None
    if level is None and (pid is not None or name is not None):
        level = next((each for each in asked.levels if each.max is not None), None)
        if level is None and asked.path is not None:
            return Hunt(
                asked, None, (*asked.notes, f"no limit from {asked.path} upwards: the machine's memory decides")
            )
    notes = [*(ruled.notes if sizes else asked.notes)]
    if level is not None and level.path != asked.path:
        notes.append(
            f"the limit on the way up from {asked.path} that runs out first is {level.max_file} of {level.path}"
        )
    if ruled.fatal is None or max(sizes, default=0) <= ruled.fatal.most:
        return Hunt(asked, level, tuple(notes))
    notes.append(f"by then, who asks can have got {human_size(ruled.fatal.most)} at most, and is weighed so")
    return Hunt(asked, level, tuple(notes), ruled.fatal.most)


def total_pages_of(level: Level, machine: Machine) -> int:
    """Give the pages that points are measured by when a group is out of memory."""
    swap = swap_of(machine.meminfo).total or 0
    limit = machine.meminfo["MemTotal"] if level.max is None else level.max
    return pages_of_total(limit, level.swap_max, swap, swappiness_of(level, machine), machine.page_size)


def weighed(source: Source, machine: Machine, where: Hunt) -> Candidates:
    """Weigh the processes of the group that is out of memory, by its limit; without one, all by RAM and swap."""
    asked, level = where.asked, where.level
    if asked.hierarchy is None:
        found = all_candidates(source)
    else:
        sample = read_processes(source, WANTS | Wants(cgroups=True))
        found = candidates(source, sample)
        found = found._replace(groups=_groups(source, asked.hierarchy, sample))
        if level is not None and (untold := sum(each.cgroups is None for each in sample.processes)):
            note = f"processes that are left out, as nothing tells their memory group: {untold}"
            found = found._replace(notes=[*found.notes, note])
    if level is not None and asked.hierarchy is not None:
        inside = {pid for pid, path in found.groups.items() if pid != asked.own_pid and is_below(path, level.path)}
        rows = [row for row in found.rows if row.pid in inside]
        return on_another_machine(found._replace(rows=rows), total_pages_of(level, machine), machine.version)
    total = machine.pages("MemTotal") + (swap_of(machine.meminfo).total or 0) // machine.page_size
    if (total, machine.version) != (found.total_pages, found.version):
        found = on_another_machine(found, total, machine.version)
    return found


def with_newcomers(
    found: Candidates, where: Hunt, adjustments: Mapping[int, int], allocations: Sequence[tuple[str, int]]
) -> Candidates:
    """Weigh anew with other oom_score_adj by PID and with new processes, which have not got past the group's limit."""
    capped = [(name, size if where.room is None else min(size, where.room)) for name, size in allocations]
    return with_hypotheses(found, adjustments, capped)


def deaths(source: Source, where: Hunt, found: Candidates) -> Deaths:
    """Say who dies: whom the kernel chooses of what is weighed, and with it all of the topmost group that wants it so.

    That may be any group from the victim's own up to the one that is out of memory. Those of oom_score_adj -1000 are
    spared.
    """
    first = victim(found)
    if first is None:
        return Deaths(None, [])
    alone = Deaths(None, [first])
    asked, hierarchy = where.asked, where.asked.hierarchy
    if hierarchy is None or hierarchy.version == 1:
        return alone
    path = asked.path if first.pid == 0 else found.groups.get(first.pid)
    try:
        levels = [] if path is None else read_levels(source, hierarchy, path)
    except MemtoolsError:
        return alone
    wanting = [level.path for level in levels if level.kills_all and is_below(level.path, where.top)]
    if not wanting:
        return alone
    groups = {**found.groups} if asked.path is None else {**found.groups, 0: asked.path}
    mates = [row for row in found.rows if row.pid in groups and is_below(groups[row.pid], wanting[-1])]
    dying = [row for row in by_badness(mates, found.version) if row == first or row.killable]
    return Deaths(wanting[-1], dying)


def _groups(source: Source, hierarchy: Hierarchy, sample: Sample) -> dict[int, str]:
    """Give the path of each process's memory group; without those outside of what is mounted here."""
    below = below_mount(source, hierarchy)
    found = {each.pid: below(each.cgroups) for each in sample.everybody if each.cgroups is not None}
    return {pid: path for pid, path in found.items() if path is not None}

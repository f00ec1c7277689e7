"""Take a report of the OOM killer line by line. Lines in between that are not the report's are passed over."""

from __future__ import annotations

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.learned_prefix import Prefixes
from pymemtools.kernel_log.oom_facts import KillFacts
from pymemtools.kernel_log.oom_group import GroupInfo
from pymemtools.kernel_log.oom_head import Head
from pymemtools.kernel_log.oom_kills import Kills
from pymemtools.kernel_log.oom_lines import text_of
from pymemtools.kernel_log.oom_memory import MemoryInfo
from pymemtools.kernel_log.oom_report import OomReport
from pymemtools.kernel_log.oom_tasks import TaskTable
from pymemtools.kernel_log.prefix import Line


def is_head(message: bytes) -> bool:
    """Tell whether a line begins a report."""
    return lines.HEAD_SIGN in message


class Collector:
    """Take the lines of one report after the other, each by the part of the report that it is of; give the record."""

    def __init__(self, prefixes: Prefixes) -> None:
        self._facts = facts = KillFacts()
        self._head = head = Head(facts, prefixes)
        self._memory = memory = MemoryInfo(facts)
        self._group = group = GroupInfo(facts)
        self._table = table = TaskTable(facts)
        self._kills = kills = Kills(facts)
        self._after_a_kill = (kills.take_kill, kills.take_rest)
        self._takers = (  # the commonest first
            *(table.take_row, memory.take_counters, memory.take_zone, memory.take_node, memory.take_totals),
            *(memory.take_pool, memory.take_slab, head.take_head, head.take_cpu, self._take_table),
            *(group.take_group, self._take_constraint, *self._after_a_kill),
        )
        self.has_something = False

    @property
    def is_over(self) -> bool:
        """Tell whether somebody was killed: what follows can only be the reaper's."""
        return bool(self._kills.kills or self._kills.exiting) and not self._facts.values.get("is_group_kill")

    @property
    def is_end_only(self) -> bool:
        """Tell whether of the report only that is there with which it ends."""
        is_begun = self._facts.values.keys() & {"gfp_mask", "columns", "invoker_pid", "panic"}
        return self.has_something and not is_begun and not self._memory.counters

    @property
    def is_report(self) -> bool:
        """Tell a report from a line that only looks like one's."""
        facts = self._facts.values
        is_kill = any(kill.sizes for kill in self._kills.kills) or "chosen_pid" in facts or "told_pid" in facts
        is_told = not facts.keys().isdisjoint({"gfp_mask", "finds_nobody", "panic"})
        return is_kill or is_told or bool(self._table.tasks)

    def begins_another(self, message: bytes) -> bool:
        """Tell whether a line cannot be of this report any more."""
        if not self.has_something:
            return False
        if is_head(message) or (self._table.tasks and lines.TABLE.fullmatch(message)):
            return True
        if "told_pid" in self._facts.values and lines.CONSTRAINT.match(message):
            return True
        if not self.is_over:
            return False
        killed = lines.KILLED.match(message)
        is_kill = killed is not None and b"emory" in killed[1]
        return is_kill or any(pattern.match(message) for pattern in (lines.TABLE, lines.CONSTRAINT, lines.CHOSEN))

    def take(self, line: Line) -> bool:
        """Take a line, and tell whether it is one of a report's; one that is not changes nothing."""
        for take in self._after_a_kill if self.is_over else self._takers:
            if take(line.message):
                self.has_something = True
                self._head.before = self._head.before or line.before
                return self._facts.set(when=line.when, host=text_of(line.host) or None)
        return False

    def _take_table(self, message: bytes) -> bool:
        """Take the header of the task table, with which the list of slab caches is over."""
        if not self._table.take_table(message):
            return False
        self._memory.in_slab_caches = False
        return True

    def _take_constraint(self, message: bytes) -> bool:
        """Take the line that says what was out of memory, with which the statistics of a group are over."""
        if not self._kills.take_constraint(message):
            return False
        self._group.in_stats = False
        return True

    def report(self) -> OomReport:
        """Give what was taken."""
        return OomReport(
            **self._facts.values,  # type: ignore[arg-type]
            invoker=self._head.invoker,
            counters=self._memory.counters,
            zones=self._memory.zones,
            kernel_stacks=self._memory.kernel_stacks(),
            limits=self._group.limits,
            group_stats=self._group.stats,
            tasks=self._table.tasks,
            kills=self._kills.kills,
            slab_caches=self._memory.slab_caches,
            exiting=self._kills.exiting,
            reaped=self._kills.reaped,
            cut=tuple(self._facts.cut),
        )

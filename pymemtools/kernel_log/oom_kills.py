"""Take the end of a report of the OOM killer: who was chosen, killed, reaped, spared."""

from __future__ import annotations

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.oom_facts import KillFacts
from pymemtools.kernel_log.oom_lines import MAX_LINES, nodes_in, number_in, sizes_in, text_of
from pymemtools.kernel_log.oom_report import Exiting, Kill, Reaped


class Kills:
    """Take the lines of the kills, and of what followed."""

    def __init__(self, facts: KillFacts) -> None:
        self._facts = facts
        self.kills: list[Kill] = []
        self.exiting: list[Exiting] = []
        self.reaped: list[Reaped] = []

    def take_constraint(self, message: bytes) -> bool:
        """Take the line that says what was out of memory, and who is to be killed."""
        match = lines.CONSTRAINT.match(message)
        if match is None:
            return False
        self._facts.values["constraint"] = text_of(match[1])
        told = match[2]
        task = lines.OF_TASK.search(told)
        _, is_told, name = told[: task.start() if task else 0].partition(b",task=")
        group, is_group, _ = told.partition(b"oom_memcg=")[2].partition(b",task_memcg=")
        if task is None:
            self._facts.note_cut("the line oom-kill:")
        return self._facts.set(
            told_pid=int(task[1]) if task and is_told else None,
            told_name=text_of(name) if is_told else None,
            group=text_of(group) if is_group else None,
            **nodes_in(told.partition(b",task_memcg=")[0]),
        )

    def take_kill(self, message: bytes) -> bool:
        """Take who was chosen, and who was killed."""
        if match := lines.CHOSEN.match(message):
            self._note_kind(match[1])
            return self._facts.set(chosen_pid=int(match[2]), chosen_name=text_of(match[3]), score_printed=int(match[4]))
        match = lines.KILLED.match(message)
        if match is None:
            return False
        self._note_kind(match[1])
        told = b"total-vm:" + (match[6] or b"")
        owner = match[3] or match[5]
        uid = number_in(rb"UID:([0-9]{1,10})", told) if owner is None else int(owner)
        kill = Kill(
            int(match[2]), text_of(match[4]), uid, sizes_in(told), number_in(rb"oom_score_adj:(-?[0-9]{1,5})", told)
        )
        if len(self.kills) < MAX_LINES and all(kill.pid != other.pid for other in self.kills):
            self.kills.append(kill)
        if match[6] is not None and lines.CUT_SIZES.search(told):
            self._facts.note_cut("sizes of the killed process")
        return True

    def _note_kind(self, words: bytes) -> None:
        if b"cgroup" in words:
            self._facts.set(constraint="CONSTRAINT_MEMCG")
        if b"oom_kill_allocating_task" in words:
            self._facts.set(kills_allocating_task=True)
        if b"MPOL_BIND" in words or b"mempolicy" in words:
            self._facts.set(constraint="CONSTRAINT_MEMORY_POLICY")
        if b"cpuset" in words:
            self._facts.set(constraint="CONSTRAINT_CPUSET")

    def take_rest(self, message: bytes) -> bool:
        """Take what became of it: reaped, spared, all of a group, nobody, a panic."""
        if len(self.reaped) < MAX_LINES and (match := lines.REAPED.match(message)):
            self.reaped.append(Reaped(int(match[1]), text_of(match[2]), sizes_in(match[3])))
            return True
        if len(self.reaped) < MAX_LINES and (match := lines.UNREAPED.match(message)):
            self.reaped.append(Reaped(int(match[1]), text_of(match[2]), None))
            return True
        if len(self.exiting) < MAX_LINES and (match := lines.EXITING.match(message)):
            self.exiting.append(Exiting(int(match[1]), text_of(match[2])))
            return True
        if lines.NOBODY.match(message):
            self._facts.set(finds_nobody=True)
        if match := lines.GROUP_ALL.match(message):
            return self._facts.set(is_group_kill=True, group=text_of(match[1]))
        if lines.PANIC.match(message):
            return self._facts.set(panic=text_of(message))
        return bool(lines.NOBODY.match(message))

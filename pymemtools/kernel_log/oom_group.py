"""Take what a report of the OOM killer says of a memory group: limits, statistics, which group it is."""

from __future__ import annotations

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.oom_facts import KillFacts
from pymemtools.kernel_log.oom_lines import MAX_LINES, text_of


class GroupInfo:
    """Take the lines of the group whose limit was met."""

    def __init__(self, facts: KillFacts) -> None:
        self._facts = facts
        self.limits: dict[str, tuple[int, int]] = {}
        self.stats: dict[str, int] = {}
        self.in_stats = False

    def take_group(self, message: bytes) -> bool:
        """Take a limit, a figure, or the name of the group."""
        if match := lines.LIMIT.match(message):
            self.limits[match[1].decode("ascii")] = (int(match[2]) << 10, int(match[3]) << 10)
            return self._facts.set(constraint="CONSTRAINT_MEMCG")
        if match := lines.GROUP_STATS.fullmatch(message):
            self.in_stats = not match[2].strip()
            for name, size in lines.KIB.findall(match[2]):  # of each group below apart; together they are what counts
                key = name.decode("ascii")
                self.stats[key] = self.stats.get(key, 0) + (int(size) << 10)
            return self._facts.set(group=None if match[1] is None else text_of(match[1]), constraint="CONSTRAINT_MEMCG")
        if match := lines.GROUP_KILLED.match(message):
            return self._facts.set(group=text_of(match[2]), constraint="CONSTRAINT_MEMCG")
        if self.in_stats and len(self.stats) < MAX_LINES and (match := lines.STAT.fullmatch(message)):
            self.stats[match[1].decode("ascii")] = int(match[2])
            return True
        return False

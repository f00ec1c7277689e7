"""Take the task table of a report of the OOM killer: its columns are those that its own header names."""

from __future__ import annotations

import re

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.oom_facts import KillFacts
from pymemtools.kernel_log.oom_lines import text_of
from pymemtools.kernel_log.oom_report import Row

MAX_TASKS = 1 << 16  # rows that are kept of one table


class TaskTable:
    """Take header and rows."""

    def __init__(self, facts: KillFacts) -> None:
        self._facts = facts
        self._row: re.Pattern[bytes] | None = None
        self.tasks: list[Row] = []

    def take_row(self, message: bytes) -> bool:
        """Take a row below a header."""
        if self._row is None or message[:1] != b"[":
            return False
        match = self._row.fullmatch(message)
        if match is None:
            return self._facts.note_cut("a row of the table") if lines.CUT_ROW.fullmatch(message) else False
        if len(self.tasks) >= MAX_TASKS:
            self._facts.values["tasks_left_out"] = int(str(self._facts.values.get("tasks_left_out", 0))) + 1
            return True
        self.tasks.append(
            Row(int(match[1]), tuple(map(int, match.groups()[1:-1])), text_of(match[match.lastindex or 0]))
        )
        return True

    def take_table(self, message: bytes) -> bool:
        """Take the header, which says how rows look."""
        if lines.TABLE.fullmatch(message) is None:
            return False
        names = tuple(message[message.index(b"]") + 1 :].decode("ascii").split()[:-1])
        self._row = re.compile(rb"\[ *([0-9]{1,7})\]" + rb" +(-?[0-9]{1,20})" * len(names) + rb" (.*)", re.DOTALL)
        self._facts.values["columns"] = names
        return True

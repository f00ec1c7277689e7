"""Choose processes by a pattern in their name or command line, as a user who types it means them."""

from __future__ import annotations

import re
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.sources.base import Source, parse_pid


class ByName(NamedTuple):
    """A pattern, and the process that has it among its own arguments: this one."""

    pattern: re.Pattern[str]
    own_pid: int | None = None

    def chooses(self, pid: int, name: str, command: str) -> bool:
        """Tell whether a process is meant; the one that asks is by its name only, never by the pattern itself."""
        search = self.pattern.search
        return search(name) is not None or (pid != self.own_pid and search(command) is not None)


def by_name(source: Source, pattern: re.Pattern[str] | None) -> ByName | None:
    """Make the choice for a source: in a copy nobody asks. None for no pattern."""
    if pattern is None:
        return None
    return ByName(pattern, _own_pid(source) if source.is_live else None)


def _own_pid(source: Source) -> int | None:
    """Give the PID that we have in the /proc that is read, None where we are not in it (another PID namespace's)."""
    try:
        word = source.read("self/stat").split(b" ", 1)[0]
    except MemtoolsError:
        return None
    return parse_pid(word.decode("ascii", "replace"))

"""Who dies when memory runs out, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.readings.groups import Level
from pymemtools.reports.memory_groups.kill import Deaths
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates, victim
from pymemtools.units import human_size

_MOST_NAMED = 5  # of those that die together


def who(killed: Candidate) -> str:
    """Name who is killed; one that does not exist has no number."""
    return killed.name if killed.pid == 0 else f"{killed.pid} ({killed.name})"


def verdict(found: Candidates, level: Level | None = None) -> str:
    """Say who is killed when the machine, or that memory group, is out of memory."""
    where = "" if level is None else f" in {level.path} ({level.max_file} {human_size(level.max or 0)})"
    first = victim(found)
    if first is None:
        return f"Nobody{where} could be killed."
    return f"Out of memory{where}, the kernel would kill {who(first)}, score {first.oom_score}."


def together(dying: Deaths) -> Iterator[str]:
    """Say who dies with the victim, if a group wants it so."""
    if dying.group is None:
        return
    named = ", ".join(who(each) for each in dying.killed[:_MOST_NAMED])
    more = len(dying.killed) - _MOST_NAMED
    rest = f" and {more} more" if more > 0 else ""
    yield f"memory.oom.group of {dying.group} is set, so all of it die at once: {named}{rest}."

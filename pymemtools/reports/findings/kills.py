"""Findings on kills: those that were, and who kills before the kernel does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pymemtools.readings.doubt import swap_of
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.reports.findings.processes import named
from pymemtools.units import human_size, minus

_EARLYOOM_PERCENT = 10  # of MemAvailable and of free swap, both: the default of its -m and -s


def _logged(evidence: Evidence) -> Iterator[Seen]:
    kills = evidence.kills or ()
    killed = [(kill, kill.analysis.killed) for kill in kills if kill.analysis.killed is not None]
    if not killed:
        return
    last, victim = killed[-1]
    if victim is None:
        return
    where = "" if last.report.group is None else f" in memory group {last.report.group}"
    title = f"The log has a kill for want of memory{where}: the last was {victim.pid} ({victim.name})"
    count = len(killed)
    when = "" if last.report.when is None else f", the last at {last.report.when}"
    yield Seen(WARNING, title, f"{count} {'kill' if count == 1 else 'kills'}{when}", count, "count")


def _counted(evidence: Evidence) -> Iterator[Seen]:
    counted = evidence.machine.counters.get("oom_kill")
    logged = sum(kill.analysis.killed is not None for kill in evidence.kills or ())
    if counted and not logged:
        title = "Since the start the kernel has killed for want of memory, and no log here tells whom"
        yield Seen(WARNING, title, f"{counted} {'time' if counted == 1 else 'times'}", counted, "count")


def _early(evidence: Evidence) -> Iterator[Seen]:
    for row in evidence.rows("processes"):
        if row["name"] == "earlyoom":
            yield _earlyoom(evidence, row)
        elif row["name"] == "systemd-oomd":
            yield _oomd(evidence, row)


def _earlyoom(evidence: Evidence, row: dict[str, Any]) -> Seen:
    memory = _limit(row["command"], "-m", evidence.ram) or (evidence.ram or 0) * _EARLYOOM_PERCENT // 100
    total, free = swap_of(evidence.meminfo)
    swap = _limit(row["command"], "-s", total) or (total or 0) * _EARLYOOM_PERCENT // 100
    left = evidence.meminfo.get("MemAvailable")
    by_rss = "--sort-by-rss" in row["command"].split(" ")
    others = [each for each in evidence.rows("scores") if each["killable"] and each["pid"] != row["pid"]]
    key = "rss" if by_rss else "oom_score"
    first = max(others, key=lambda each: (each[key] or 0, each["rss"] or 0), default=None)
    whom = "" if first is None else f": first {named(first)}, unless told to avoid it"
    figure = f"below {human_size(memory)} available and {human_size(swap)} of free swap"
    is_due = left is not None and left < memory and (not total or (free or 0) < swap)
    severity = CRITICAL if is_due else NOTICE
    return Seen(severity, f"earlyoom kills before the kernel does{whom}", figure, memory, "bytes")


def _limit(command: str, option: str, whole: int | None) -> int | None:
    """Read a percentage of earlyoom's command line: ``-m 5`` or ``-m 5,2``, of which the first is SIGTERM's."""
    found = re.search(rf"(?:^| ){option} ?([0-9]{{1,3}})\b", command)
    return None if found is None or whole is None else whole * int(found[1]) // 100


def _oomd(evidence: Evidence, row: dict[str, Any]) -> Seen:
    groups = [
        each for each in evidence.rows("groups") if each["cgroup"] != "/" and not each["cgroup"].endswith(".slice")
    ]
    first = max(groups, key=lambda each: each["swap"] or 0, default=None)
    whom = ""
    if first is not None and first["swap"]:
        whom = f": when swap is nearly full, first {first['cgroup']}, if its units let it"
    used = minus(*swap_of(evidence.meminfo))
    figure = "no swap" if not used else f"{human_size(used)} swapped out"
    return Seen(NOTICE, f"systemd-oomd kills whole groups before the kernel kills{whom}", figure, used, "bytes")


RULES = (
    Rule(
        "oom-kill-logged",
        WARNING,
        "a log of the source has a report of the OOM killer",
        "mm/oom_kill.c, oom_kill_process(), Linux 6.1",
        "pymemtools oom-report -S SOURCE",
        "the report says who asked, where memory was, and whether the choice follows the kernel's rule",
        _logged,
    ),
    Rule(
        "oom-kill-counted",
        WARNING,
        "oom_kill of vmstat is not 0, and the source has no report of it",
        "mm/oom_kill.c, __oom_kill_process(), count_vm_event(OOM_KILL), Linux 4.13",
        "journalctl -k -g 'Killed process'; pymemtools oom-report FILE",
        "look for the report in the machine's logs: its ring buffer may have lost it",
        _counted,
    ),
    Rule(
        "early-killer",
        CRITICAL,
        "earlyoom or systemd-oomd runs (critical: its limits are reached)",
        "earlyoom(1): SIGTERM to the largest oom_score when both are below 10 %; systemd-oomd.service(8)",
        "pymemtools oom-scores",
        "what the kernel would do comes second here: look at that program's log and configuration, too",
        _early,
    ),
)

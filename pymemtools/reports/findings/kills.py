"""Findings on kills: those that were, and who kills before the kernel does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pymemtools.errors import MemtoolsError
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.paging import is_same_boot, read_paging
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.reports.findings.processes import named
from pymemtools.units import KIB, human_size, minus

_BONUS = 300  # earlyoom 1.6, kill.c, is_larger(): what --prefer adds to a score, and --avoid takes
_EXPERIMENT = re.compile(r"/pymemtools-lab-[0-9]+$", re.ASCII)  # the group of one: it was killed on purpose
_EARLYOOM_PERCENT = 10.0  # of available memory and of free swap, both: the default of its -m and -s


def severity_of_kills(evidence: Evidence) -> str:
    """Make old news a notice: over the time that is asked about, a recording's or since OTHER, nobody was killed.

    The counters and the ring buffer tell of all kills since the start, and a check each hour would fail for ever.
    """
    return NOTICE if _nobody_was_killed(evidence) else WARNING


def _nobody_was_killed(evidence: Evidence) -> bool:
    recorded = evidence.recorded
    if recorded is not None:
        return len(recorded.moments) > 1 and "oom_kill" in evidence.machine.counters and not recorded.kills
    if evidence.earlier is None:
        return False
    try:
        before, now = read_paging(evidence.earlier.source), read_paging(evidence.source)
    except MemtoolsError:
        return False
    counts = [each.counters.get("oom_kill") for each in (before, now)]
    return None not in counts and counts[0] == counts[1] and is_same_boot(before, now) is True


def _logged(evidence: Evidence) -> Iterator[Seen]:
    kills = evidence.kills or ()
    killed = [
        (kill, kill.analysis.killed)
        for kill in kills
        if kill.analysis.killed is not None and _EXPERIMENT.search(kill.report.group or "") is None
    ]
    if not killed:
        return
    last, victim = killed[-1]
    if victim is None:
        return
    where = "" if last.report.group is None else f" in memory group {last.report.group}"
    title = f"The log has a kill for want of memory{where}: the last was {victim.pid} ({victim.name})"
    count = len(killed)
    when = "" if last.told_when is None else f", the last at {last.told_when}"
    figure = f"{count} {'kill' if count == 1 else 'kills'}{when}"
    yield Seen(severity_of_kills(evidence), title, figure, count, "count")


def _counted(evidence: Evidence) -> Iterator[Seen]:
    counted = evidence.machine.counters.get("oom_kill")
    logged = sum(kill.analysis.killed is not None for kill in evidence.kills or ())
    if counted and not logged:
        title = "Since the start the kernel has killed for want of memory, and no log here tells whom"
        figure = f"{counted} {'time' if counted == 1 else 'times'}"
        yield Seen(severity_of_kills(evidence), title, figure, counted, "count")


def _early(evidence: Evidence) -> Iterator[Seen]:
    for row in evidence.rows("processes"):
        if row["name"] == "earlyoom":
            yield _earlyoom(evidence, row)
        elif row["name"] == "systemd-oomd":
            yield _oomd(evidence, row)


def _earlyoom(evidence: Evidence, row: dict[str, Any]) -> Seen:
    total, free = swap_of(evidence.meminfo)
    once, swap = _limit(row["command"], "-m", evidence.ram), _limit(row["command"], "-s", total)
    left = evidence.meminfo.get("MemAvailable")
    memory = once if evidence.ram is None else once * _of_programs(evidence.meminfo, evidence.ram) // evidence.ram
    whom = _earlyooms_first(evidence, row)
    figure = f"at {human_size(memory)} available and {human_size(swap)} of free swap"
    figure += "" if once == memory else f"; before version 1.8 at {human_size(once)} available"
    is_due = left is not None and left <= memory and (not total or (free or 0) <= swap)
    severity = CRITICAL if is_due else NOTICE
    return Seen(severity, f"earlyoom kills before the kernel does{whom}", figure, memory, "bytes")


def _of_programs(meminfo: Mapping[str, int], ram: int) -> int:
    """Give what earlyoom takes its percents of since 1.8, ``user mem total``: meminfo.c, parse_meminfo()."""
    left, anonymous = meminfo.get("MemAvailable"), meminfo.get("AnonPages")
    return ram if left is None or anonymous is None else left + anonymous


def _earlyooms_first(evidence: Evidence, row: dict[str, Any]) -> str:
    """Say whom it would kill: those that it prefers have a score of 300 more, those that it avoids of 300 less."""
    told = {option: _regex(row["command"], option) for option in ("--prefer", "--avoid", "--ignore")}
    others = [each for each in evidence.rows("scores") if each["killable"] and each["pid"] != row["pid"]]
    others = [each for each in others if not _matches(told["--ignore"], each)]
    by_rss = "--sort-by-rss" in row["command"].split(" ")

    def place(each: dict[str, Any]) -> tuple[int, int]:
        bonus = _matches(told["--prefer"], each) - _matches(told["--avoid"], each)
        return (each["rss"] if by_rss else (each["oom_score"] or 0) + _BONUS * bonus) or 0, each["rss"] or 0

    first = max(others, key=place, default=None)
    if first is None:
        return ""
    is_sure = all(regex is _NOTHING or (regex is not None and not by_rss) for regex in told.values())
    return f": first {named(first)}{'' if is_sure else ', unless told to avoid it'}"


def _regex(command: str, option: str) -> re.Pattern[str] | None:
    """Read a regular expression of a command line; one that matches nothing without it, None where we do not follow it.

    Only words, alternatives and anchors are: what a capture tells must not keep us busy.
    """
    found = re.search(rf"(?:^| ){option}[ =](\S+)", command)
    if found is None:
        return _NOTHING
    text = found[1].strip("'\"")
    if not re.fullmatch(r"[\w.()|^$/-]{1,200}", text, re.ASCII):
        return None
    try:
        return re.compile(text)
    except re.error:
        return None


_OOMD_PERCENT = {"SwapUsedLimit": 90.0, "DefaultMemoryPressureLimit": 60.0}  # oomd.conf(5), systemd 248
_NOTHING = re.compile(r"(?!)")


def _matches(regex: re.Pattern[str] | None, row: dict[str, Any]) -> bool:
    return regex is not None and regex.search((row["name"] or "")[:15]) is not None


def _limit(command: str, option: str, whole: int | None) -> int:
    """Read a limit of earlyoom's command line: ``-m 5`` percent, ``-M 80000`` KiB, the lower of both, or the default.

    Of ``-m 5,2`` the first is SIGTERM's.
    """
    number = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\b"
    percent, size = (re.search(rf"(?:^| ){name} ?{number}", command) for name in (option, option.upper()))
    limits = [] if size is None else [int(float(size[1]) * KIB)]
    if percent is not None or not limits:
        limits.append(int((whole or 0) * (_EARLYOOM_PERCENT if percent is None else float(percent[1])) / 100))
    return min(limits)


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
    limits = {key: _oomds_limit(evidence, key) for key in _OOMD_PERCENT}
    figure += "".join(f", {key}={limit}" for key, limit in limits.items() if limit is not None)
    severity, why = _oomd_is_due(evidence, limits)
    title = f"systemd-oomd kills whole groups before the kernel kills{whom}{why}"
    return Seen(severity, title, figure, used, "bytes")


def _oomd_is_due(evidence: Evidence, limits: Mapping[str, str | None]) -> tuple[str, str]:
    """Tell whether a limit is reached, and of whom: which units it may kill, only their settings tell."""
    of_swap, of_pressure = (_share_of(limits[key], default) for key, default in _OOMD_PERCENT.items())
    total, free = swap_of(evidence.meminfo)
    memory = evidence.share(evidence.meminfo.get("MemAvailable"))
    if total and free is not None and memory is not None and min(100 - 100 * free / total, 100 - memory) > of_swap:
        return CRITICAL, ": memory and swap are used beyond its limit"
    groups = [each for each in evidence.rows("groups") if each["cgroup"] != "/"]
    waiting = max(groups, key=lambda each: each["full_avg10"] or 0, default=None)
    if waiting is not None and (waiting["full_avg10"] or 0) > of_pressure:
        return WARNING, f": {waiting['cgroup']} waits for memory beyond its limit, if it is under its care"
    return NOTICE, ""


def _share_of(limit: str | None, default: float) -> float:
    """Read percent, permille or permyriad, in percent."""
    try:
        return default if limit is None else float(limit[:-1]) / {"%": 1, "‰": 10, "‱": 100}[limit[-1]]
    except ValueError:
        return default


def _oomds_limit(evidence: Evidence, key: str) -> str | None:
    """Read a limit as it is configured, the last file that sets it: oomd.conf(5). None: its default."""
    folder, found = "/etc/systemd/oomd.conf.d", None
    parts = sorted(name for name in evidence.source.names(folder) if name.endswith(".conf"))
    for path in ("/etc/systemd/oomd.conf", *(f"{folder}/{name}" for name in parts)):
        values = re.findall(rf"(?m)^[ \t]*{key}[ \t]*=[ \t]*([0-9.]{{1,8}}[%‰‱])[ \t]*$", evidence.text(path) or "")
        found = values[-1] if values else found
    return found


RULES = (
    Rule(
        "oom-kill-logged",
        WARNING,
        "a log of the source has a report of the OOM killer, but for groups of lab oom (notice: nobody was killed "
        "since OTHER, or over the recording)",
        "mm/oom_kill.c, oom_kill_process(), Linux 6.1",
        "pymemtools oom-report -S SOURCE",
        "the report says who asked, where memory was, and whether the choice follows the kernel's rule",
        _logged,
    ),
    Rule(
        "oom-kill-counted",
        WARNING,
        "oom_kill of vmstat is not 0, and the source has no report of it (notice: nobody was killed since OTHER, or "
        "over the recording)",
        "mm/oom_kill.c, __oom_kill_process(), count_vm_event(OOM_KILL), Linux 4.13",
        "journalctl -k | pymemtools oom-report -",
        "look for the report in the machine's logs: its ring buffer may have lost it",
        _counted,
    ),
    Rule(
        "early-killer",
        CRITICAL,
        "earlyoom or systemd-oomd runs (critical: its limits are reached)",
        "earlyoom(1): SIGTERM to the largest oom_score when both are at 10 % or less, of memory (since 1.8) of "
        "MemAvailable + AnonPages; systemd-oomd.service(8)",
        "pymemtools oom-scores",
        "what the kernel would do comes second here: look at that program's log and configuration, too",
        _early,
    ),
)

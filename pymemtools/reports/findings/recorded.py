"""Findings on the span of a recording: what grows until memory is used up, and what happened on the way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pymemtools.readings.recorded import MOST, Recorded
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.units import human_size, long_time

if TYPE_CHECKING:
    from pymemtools.sources.recording.moment import Moment

_ROOMS = (("group", "its group {} is full"), ("ram", "RAM is used up"), ("commit", "no more is promised"))
_MINUTE, _DAY = 60.0, 86400
_SOON = 3600 * 12  # seconds
_LITTLE, _VERY_LITTLE = 10, 5  # percent of RAM, as of memory-available
_THRASHES, _WAITS = 20, 5  # percent of a minute, as of memory-pressure


def _leaks(evidence: Evidence) -> Iterator[Seen]:
    """Say of each process that grows, then of the commands, then of the groups of which no process is named yet."""
    named: set[str] = set()
    for name in ("growing", "growing_commands", "growing_groups"):
        for row in evidence.rows(name):
            keys = {str(row[key]) for key in ("name", "cgroup") if row.get(key)}
            if row["trend"] != "growth" or not row["last_size"] or keys <= named:
                continue
            named |= keys
            yield _leak(row)


def _leak(row: dict[str, Any]) -> Seen:
    if "pid" in row:
        who = f"Process {row['pid']} ({row['name']})"
    elif "name" in row:
        who = f"The {row['processes']} processes of {row['name']} together"
    else:
        who = f"Memory group {row['cgroup']}"
    low, high = (human_size(max(row[f"rise_per_hour_{end}"], 0)) for end in ("low", "high"))
    full = [
        (row[f"{room}_full_in_seconds_low"], row[f"{room}_full_in_seconds_high"], words.format(row["full_group"]))
        for room, words in _ROOMS
        if row[f"{room}_full_in_seconds_low"] is not None
    ]
    figure = f"{human_size(row['last_size'])}, {low} to {high} more each hour"
    if not full:
        return Seen(NOTICE, f"{who} grows", figure, row["rise_per_hour"], "bytes")
    least, most, what = min(full)
    severity = CRITICAL if least < _SOON else WARNING if least < 30 * _DAY else NOTICE
    ends = list(dict.fromkeys((long_time(least), long_time(most))))
    figure = f"{figure}: {what} in {' to '.join(ends) if len(ends) > 1 else f'about {ends[0]}'}"
    return Seen(severity, f"{who} grows without end", figure, row["rise_per_hour"], "bytes")


def _at(moment: Moment) -> dict[str, str]:
    return {"MOMENT": str(moment.number)}


_KILLED = "While it was recorded the kernel killed for want of memory"


def _kills(evidence: Evidence) -> Iterator[Seen]:
    recorded: Recorded | None = evidence.recorded
    if recorded is not None and recorded.kills:
        last, count = recorded.kills[-1], sum(each.times for each in recorded.kills)
        figure = f"{count} {'kill' if count == 1 else 'kills'}, the last by {last.moment.local_time}"
        yield Seen(WARNING, _KILLED, figure, count, "count", about=_at(recorded.before(last.moment)))


def _least(evidence: Evidence) -> Iterator[Seen]:
    told = [] if evidence.recorded is None else evidence.recorded.meminfo
    known = [(info["MemAvailable"], moment) for moment, info in told if "MemAvailable" in info]
    if not known:
        return
    left, moment = min(known, key=lambda pair: pair[0])
    share = evidence.share(left)
    if share is not None and share < _LITTLE:
        severity = CRITICAL if share < _VERY_LITTLE else WARNING
        figure = f"{human_size(left)}, {share:.0f} % of RAM, at {moment.local_time}"
        yield Seen(severity, "At its worst little memory was left", figure, left, "bytes", about=_at(moment))


def _peak(evidence: Evidence) -> Iterator[Seen]:
    recorded: Recorded | None = evidence.recorded
    told = [] if recorded is None else recorded.pressure
    known = [(stall.full.avg60, _MINUTE, moment) for moment, stall in told if stall.full.avg60 is not None]
    known += [] if recorded is None else _means(recorded)
    if not known:
        return
    worst, seconds, moment = max(known, key=lambda each: each[0])
    if worst >= _WAITS:
        severity = CRITICAL if worst >= _THRASHES else WARNING
        span = "a minute, at" if seconds == _MINUTE else f"{seconds / _MINUTE:.0f} min, to"
        figure = f"{worst:.1f} % of {span} {moment.local_time}"
        yield Seen(severity, "All work stood still for a while, waiting for memory", figure, worst, "percent")


def _means(recorded: Recorded) -> Iterator[tuple[float, float, Moment]]:
    """Give the share of time that all lost from one look to the next, where averages of a minute leave gaps."""
    told = recorded.pressure
    before_of = {moment.number: before for before, moment in pairwise(recorded.moments)}
    for (looked, was), (moment, now) in pairwise(told):
        before = before_of[moment.number] if len(told) < MOST else looked  # all texts: the older one held till there
        seconds = moment.boottime_s - before.boottime_s
        if looked.boot_id != moment.boot_id or seconds <= _MINUTE:
            continue
        if was.full.seconds is not None and now.full.seconds is not None:
            yield 100 * (now.full.seconds - was.full.seconds) / seconds, seconds, moment


def _restarts(evidence: Evidence) -> Iterator[Seen]:
    recorded: Recorded | None = evidence.recorded
    restarts = () if recorded is None else recorded.restarts
    if recorded is not None and restarts:
        from pymemtools.sources.recording.moment import local_time  # which most have no use for

        last = local_time(restarts[-1].at_s, recorded.moments[-1].utc_offset_s)
        count = len(restarts)
        figure = f"{'once' if count == 1 else f'{count} times'}, last seen to be up again at {last}"
        yield Seen(NOTICE, "The machine was started anew while it was recorded", figure, count, "count")


RULES = (
    Rule(
        "leak",
        CRITICAL,
        "over a recording the PSS of a process, of those of one command or of a group surely grows: notice; warning: "
        "RAM, its group or the commit limit is used up within 30 days, critical: within 12 h",
        "pymemtools-trend(1): growth beyond what wanders, jumps left out, p = 0.005",
        "pymemtools trend -S SOURCE",
        "see in which mappings it grows (vgraph --diff of two captures); limit it by a memory group until it is mended",
        _leaks,
    ),
    Rule(
        "kill-recorded",
        WARNING,
        "oom_kill of vmstat moves within a recording",
        "mm/oom_kill.c, __oom_kill_process(), count_vm_event(OOM_KILL), Linux 4.13",
        "pymemtools report -S SOURCE --at MOMENT",
        "look at the moment before it: report, smem and oom-scores take --at",
        _kills,
    ),
    Rule(
        "available-least",
        CRITICAL,
        f"at one of the samples of a recording (of {MOST}, evenly chosen, if there are more) MemAvailable was "
        f"below {_LITTLE} % of MemTotal (critical: {_VERY_LITTLE} %)",
        "Documentation/filesystems/proc.rst, MemAvailable",
        "pymemtools free -S SOURCE --at MOMENT",
        "see who held it then: smem -t --at",
        _least,
    ),
    Rule(
        "pressure-peak",
        CRITICAL,
        f"within a recording PSI memory full avg60 was {_WAITS} % or more, or its total rose so from one to the "
        f"next of the at most {MOST} samples looked at (critical: {_THRASHES} %)",
        "Documentation/accounting/psi.rst",
        "pymemtools faults -S SOURCE",
        "see what ran then: smem -t --at",
        _peak,
    ),
    Rule(
        "restarted",
        NOTICE,
        "the boot_id changes within a recording",
        "Documentation/admin-guide/sysctl/kernel.rst, random",
        "pymemtools info -S SOURCE",
        "when nobody asked for it: look for a panic, or a watchdog, before it",
        _restarts,
    ),
)

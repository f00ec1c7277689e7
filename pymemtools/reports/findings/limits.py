"""Findings on memory groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.reports.findings.kills import severity_of_kills
from pymemtools.reports.groups.rows import CACHE, NEAR, NEAR_PERCENT
from pymemtools.units import human_size

_STALLS = 10  # percent of a minute


def _seen(row: dict[str, Any], severity: str, title: str, figure: str) -> Seen:
    """Say what was seen of a group, of which its command asks more."""
    return Seen(severity, title, figure, row["current"], "bytes", about={"PATH": row["cgroup"]})


def _near(evidence: Evidence) -> Iterator[Seen]:
    for row in evidence.rows("groups"):
        limit, current = row["limit"], row["current"]
        if not limit or current is None or 100 * (limit - current) > NEAR_PERCENT * limit:
            continue  # or it is near memory.high, beyond which nobody is killed: see _slowed()
        if row["state"] == NEAR:
            severity = CRITICAL if 100 * (limit - current) < 3 * limit else WARNING
            title = f"Memory group {row['cgroup']} is near its limit"
            yield _seen(row, severity, title, f"{human_size(current)} of {human_size(limit)}")
        elif row["state"] == CACHE:
            title = f"Memory group {row['cgroup']} is full, though of what can be reclaimed"
            yield _seen(row, NOTICE, title, f"{human_size(current)} of {human_size(limit)}")


def _killed(evidence: Evidence) -> Iterator[Seen]:
    counts = {row["cgroup"]: row["oom_kills"] for row in evidence.rows("groups") if row["oom_kills"]}
    within: dict[str, int] = {}
    for path, kills in counts.items():
        above = path.rpartition("/")[0] or "/"
        within[above] = within.get(above, 0) + kills
    for path, kills in counts.items():
        own = kills - within.get(path, 0) if _counts_those_within(evidence) else kills
        own = own if own >= 0 else kills  # mounted with memory_localevents, version 2 counts its own alone, too
        if own:
            times = "once" if own == 1 else f"{own} times"
            title = f"In memory group {path} the kernel has killed for want of memory"
            yield Seen(severity_of_kills(evidence), title, times, own, "count")


def _counts_those_within(evidence: Evidence) -> bool:
    """Tell whether a group counts what happened in the groups in it, those that are gone included: version 2 does.

    Source: include/linux/memcontrol.h, memcg_memory_event(), Linux 6.1.
    """
    totals = None if evidence.groups is None else evidence.groups.totals
    return totals is not None and totals["cgroup_version"] == 2


def _slowed(evidence: Evidence) -> Iterator[Seen]:
    for row in evidence.rows("groups"):
        high, current = row["high"], row["current"]
        if high and current is not None and current >= high:
            title, severity = (
                f"Memory group {row['cgroup']} is above memory.high: its processes are slowed down",
                WARNING,
            )
            if row["some_avg60"] is not None and row["some_avg60"] < 1:
                title, severity = f"Memory group {row['cgroup']} is at memory.high, and nobody waits for that", NOTICE
            yield _seen(row, severity, title, f"{human_size(current)}, high is {human_size(high)}")


def _stalls(evidence: Evidence) -> Iterator[Seen]:
    for row in evidence.rows("groups"):
        waits = row["full_avg60"]
        if row["cgroup"] != "/" and waits is not None and waits >= _STALLS:
            title = f"Memory group {row['cgroup']} stands still, waiting for memory"
            yield Seen(WARNING, title, f"{waits:.1f} % of the last minute", waits, "percent")


RULES = (
    Rule(
        "group-limit",
        CRITICAL,
        f"less than {NEAR_PERCENT} % of a group's limit is free or can be reclaimed in it (critical: 3 % free)",
        "Documentation/admin-guide/cgroup-v2.rst, memory.max; mm/memcontrol.c, try_charge_memcg(), Linux 6.1",
        "pymemtools groups PATH; pymemtools what-if oom --group PATH",
        "beyond the limit one of its processes is killed: raise it, or see what grows in it",
        _near,
    ),
    Rule(
        "group-kills",
        WARNING,
        "memory.events counts an oom_kill (version 1: memory.oom_control; notice: nobody was killed since OTHER, or "
        "over the recording)",
        "Documentation/admin-guide/cgroup-v2.rst, memory.events",
        "pymemtools groups -c +oom_kills; pymemtools oom-report --dmesg",
        "its limit does not fit what runs in it: raise the one or shrink the other",
        _killed,
    ),
    Rule(
        "group-high",
        WARNING,
        "memory.current is at or above memory.high (notice: its some avg60 is below 1 %)",
        "Documentation/admin-guide/cgroup-v2.rst; mm/memcontrol.c, mem_cgroup_handle_over_high(), Linux 6.1",
        "pymemtools groups PATH",
        "nothing is killed, but everything in it is slow: raise memory.high, or see what grows",
        _slowed,
    ),
    Rule(
        "group-pressure",
        WARNING,
        f"full avg60 of a group's memory.pressure is {_STALLS} % or more",
        "Documentation/accounting/psi.rst",
        "pymemtools groups -c +full_avg60",
        "its working set does not fit its limit: raise that",
        _stalls,
    ),
)

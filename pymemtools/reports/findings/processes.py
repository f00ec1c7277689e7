"""Findings on single processes: who holds most, who is shielded, who is near a limit, who would be killed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymemtools.readings.status import NEAR_PERCENT, max_map_count
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.units import human_size

_HALF, _HOG = 50, 10  # percent of RAM
_SHIELD = -500  # of oom_score_adj, in thousandths of RAM and swap
_NEVER = -1000  # of oom_score_adj
_SMALL = 4  # times smaller than the largest, and yet chosen


def named(row: dict[str, Any]) -> str:
    """Say which process a row is of."""
    return f"{row['pid']} ({row['name']})"


def _pid(row: dict[str, Any]) -> dict[str, str]:
    return {"PID": str(row["pid"])}


def _half(evidence: Evidence) -> Iterator[Seen]:
    for row in evidence.rows("processes"):
        share = evidence.share(row["pss"] if row["pss"] is not None else row["rss"])
        if share is not None and share >= _HALF:
            held = row["pss"] if row["pss"] is not None else row["rss"]
            title, figure = f"Process {named(row)} holds half of RAM", f"{human_size(held)}, {share:.0f} %"
            yield Seen(WARNING, title, figure, held, "bytes", about=_pid(row))


def _map_count(evidence: Evidence) -> Iterator[Seen]:
    most = max_map_count(evidence.source)
    for row in evidence.rows("processes") if most else ():
        count = row["mappings"]
        if most and count is not None and 100 * count >= NEAR_PERCENT * most:
            severity = CRITICAL if 100 * count >= 98 * most else WARNING
            title = f"Process {named(row)} is near the number of mappings that it may have"
            yield Seen(severity, title, f"{count} of {most}", count, "count", about=_pid(row))


def _shielded(evidence: Evidence) -> Iterator[Seen]:
    rows = [row for row in evidence.rows("scores") if row["rss"] is not None]
    largest = max(rows, key=lambda row: row["rss"], default=None)
    if largest is None or (largest["oom_score_adj"] or 0) > _SHIELD:
        return
    share = evidence.share(largest["rss"])
    if share is not None and share >= _HOG:
        title = f"The largest process, {named(largest)}, is shielded: others are killed for it"
        figure = f"oom_score_adj {largest['oom_score_adj']}, {human_size(largest['rss'])}, {share:.0f} % of RAM"
        yield Seen(WARNING, title, figure, largest["rss"], "bytes")


def _innocent(evidence: Evidence) -> Iterator[Seen]:
    rows = [row for row in evidence.rows("scores") if row["killable"] and row["rss"] is not None]
    first = rows[0] if rows else None
    largest = max(rows, key=lambda row: row["rss"] + (row["swap"] or 0), default=None)
    if first is None or largest is None or first["pid"] == largest["pid"]:
        return
    freed, held = first["rss"] + (first["swap"] or 0), largest["rss"] + (largest["swap"] or 0)
    share = evidence.share(held)
    if (first["oom_score_adj"] or 0) > 0 and freed * _SMALL < held and share is not None and share >= 5:
        title = f"Out of memory, {named(first)} is killed first, which frees little: {named(largest)} is the largest"
        figure = f"{human_size(freed)} freed, {human_size(held)} held"
        yield Seen(NOTICE, title, figure, freed, "bytes", about={"A": str(largest["pid"]), "B": str(first["pid"])})


def _nobody(evidence: Evidence) -> Iterator[Seen]:
    rows = evidence.rows("scores")
    shielded = [row for row in rows if row["oom_score_adj"] == _NEVER]  # an init alone: the others are not in it
    if not evidence.source.is_whole or not shielded or any(row["killable"] is not False for row in rows):
        return
    title = "No process may be killed: out of memory, the kernel panics"
    yield Seen(CRITICAL, title, f"{len(rows)} process{'es' * (len(rows) > 1)}", len(rows), "count")


def _huge(evidence: Evidence) -> Iterator[Seen]:
    always = evidence.machine.settings.get("transparent_hugepage.enabled") == "always"
    left = evidence.share(evidence.available)
    if not always or left is None or left >= 20:
        return
    for row in evidence.rows("processes"):
        thp, share = row["thp"], evidence.share(row["thp"])
        if thp and share is not None and share >= _HOG:
            title = f"Huge pages that {named(row)} did not ask for may hold memory that it does not use"
            figure = f"{human_size(thp)} in huge pages, {left:.0f} % of RAM available"
            yield Seen(NOTICE, title, figure, thp, "bytes", about=_pid(row))


RULES = (
    Rule(
        "process-half-of-ram",
        WARNING,
        f"the PSS (without it RSS) of one process is {_HALF} % of MemTotal or more",
        "Documentation/filesystems/proc.rst, smaps: Pss",
        "pymemtools vgraph PID; pymemtools pmap -x PID",
        "see what it is in its address space; limit it by a memory group, so that it alone pays when it grows",
        _half,
    ),
    Rule(
        "map-count",
        CRITICAL,
        f"a process has {NEAR_PERCENT} % of vm.max_map_count mappings (critical: 98 %)",
        "Documentation/admin-guide/sysctl/vm.rst, max_map_count; mm/mmap.c, do_mmap(), Linux 6.1",
        "pymemtools status PID",
        "at the limit mmap and mprotect fail with ENOMEM: raise vm.max_map_count, or look why there are so many",
        _map_count,
    ),
    Rule(
        "shielded-hog",
        WARNING,
        f"the process with the largest RSS has {_HOG} % of RAM or more, and oom_score_adj of {_SHIELD} or less",
        "mm/oom_kill.c, oom_badness(), Linux 6.1",
        "pymemtools oom-scores",
        "give it a limit of its own, or less of a shield",
        _shielded,
    ),
    Rule(
        "victim-small",
        NOTICE,
        f"the first to be killed has an oom_score_adj above 0, and less than a {_SMALL}th of the largest",
        "mm/oom_kill.c, select_bad_process(), Linux 6.1",
        "pymemtools oom-scores --safer-than A B",
        "its oom_score_adj asks for that; the kill will free little, and another will follow",
        _innocent,
    ),
    Rule(
        "nobody-killable",
        CRITICAL,
        "all processes have oom_score_adj -1000, or are init, and the source is whole",
        "mm/oom_kill.c, out_of_memory(), Linux 6.1: System is deadlocked on memory",
        "pymemtools oom-scores",
        "let at least one process be killed",
        _nobody,
    ),
    Rule(
        "huge-page-bloat",
        NOTICE,
        f"transparent_hugepage is always, less than 20 % of RAM available, and a process has {_HOG} % in huge pages",
        "Documentation/admin-guide/mm/transhuge.rst: a byte touched takes 2 MiB",
        "pymemtools thp PID",
        "set transparent_hugepage.enabled to madvise, or khugepaged/max_ptes_none to a low number",
        _huge,
    ),
)

"""Findings on what grew since an earlier capture of the same machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import NOTICE, WARNING, Rule, Seen
from pymemtools.units import human_size, minus

_GREW = 5  # percent of RAM


def _figure(evidence: Evidence, key: str, title: str, sign: int = 1) -> Iterator[Seen]:
    before = evidence.earlier
    if before is None:
        return
    was, now = before.meminfo.get(key), evidence.meminfo.get(key)
    grown = minus(now, was)
    share = evidence.share(None if grown is None else sign * grown)
    if grown is None or was is None or now is None or share is None or share < _GREW:
        return
    severity = WARNING if share >= 2 * _GREW else NOTICE
    yield Seen(severity, title, f"{human_size(was)}, {human_size(now)} now{_than(before)}", grown, "bytes")


def _than(before: Evidence) -> str:
    """Name the capture compared with, and when it was taken."""
    facts = before.source.facts
    named = ", ".join(word for word in (facts.path, facts.taken_at) if word)
    return f" ({named})" if named else ""


def _processes(evidence: Evidence) -> Iterator[Seen]:
    before = evidence.earlier
    if before is None or before.text(_BOOT_ID) != evidence.text(_BOOT_ID):
        return
    known = {(each.pid, each.starttime_ticks): each.sums.get("Pss") for each in before.sample.processes}
    for each in evidence.sample.processes:
        was, now = known.get((each.pid, each.starttime_ticks)), each.sums.get("Pss")
        grown = minus(now, was)
        share = evidence.share(grown)
        if was is None or now is None or grown is None or share is None or share < _GREW or grown * 4 < was:
            continue
        title = f"Process {each.pid} ({each.name}) has grown"
        severity = WARNING if share >= 2 * _GREW else NOTICE
        yield Seen(severity, title, f"PSS {human_size(was)}, {human_size(now)} now{_than(before)}", grown, "bytes")


_BOOT_ID = "sys/kernel/random/boot_id"
_COMMAND = "pymemtools smem -S SOURCE --diff OTHER"

RULES = (
    Rule(
        "shmem-growth",
        WARNING,
        f"since the other capture Shmem grew by {_GREW} % of RAM (warning: {2 * _GREW} %)",
        "Documentation/filesystems/tmpfs.rst",
        "pymemtools smem -W --diff OTHER",
        "see which files in tmpfs are new: they stay until they are deleted",
        partial(_figure, key="Shmem", title="tmpfs and shared memory have grown"),
    ),
    Rule(
        "slab-growth",
        WARNING,
        f"since the other capture SUnreclaim grew by {_GREW} % of RAM (warning: {2 * _GREW} %)",
        "Documentation/filesystems/proc.rst, SUnreclaim",
        "pymemtools smem -W --diff OTHER",
        "compare the slabinfo of both: what grows is named there",
        partial(_figure, key="SUnreclaim", title="The kernel's own objects have grown"),
    ),
    Rule(
        "available-shrunk",
        WARNING,
        f"since the other capture MemAvailable shrank by {_GREW} % of RAM (warning: {2 * _GREW} %)",
        "Documentation/filesystems/proc.rst, MemAvailable",
        _COMMAND,
        "see what took it",
        partial(_figure, key="MemAvailable", title="Less memory is available than there was", sign=-1),
    ),
    Rule(
        "process-growth",
        WARNING,
        f"since the other capture, of the same boot, a process's PSS grew by a quarter and by {_GREW} % of RAM "
        f"(warning: {2 * _GREW} %)",
        "Documentation/filesystems/proc.rst, smaps: Pss",
        _COMMAND,
        "take a third capture: what grows again leaks; vgraph --diff shows in which mappings",
        _processes,
    ),
)

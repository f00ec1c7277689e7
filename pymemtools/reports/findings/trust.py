"""Findings on the source itself: what it lacks, and how far its figures go together."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.readings.hidden import hiding_option
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import NOTICE, WARNING, Rule, Seen

_EXPECTED = ("meminfo", "vmstat", "zoneinfo", "buddyinfo", "swaps", "version")


def _incomplete(evidence: Evidence) -> Iterator[Seen]:
    sample = evidence.sample
    if sample.unreadable:
        severity = WARNING if sample.unreadable * 10 >= sample.seen else NOTICE
        title = f"Processes that could not be read are missing from all sums ({sample.reason})"
        yield Seen(severity, title, f"{sample.unreadable} of {sample.seen} processes", sample.unreadable, "count")
    missing = [name for name in _EXPECTED if evidence.text(name) is None]
    if missing:
        yield Seen(NOTICE, "The source lacks files that findings rest on", ", ".join(missing), len(missing), "count")
    if not sample.everybody and not evidence.source.is_live:
        yield Seen(WARNING, "The source has no process", "0 processes", 0, "count")
    if hiding_option(evidence.source):
        yield Seen(WARNING, "Processes of other users are invisible", hiding_option(evidence.source) or "")


def _contradictory(evidence: Evidence) -> Iterator[Seen]:
    if evidence.machine.doubt:
        yield Seen(NOTICE, "Zones and meminfo tell of different memory", evidence.machine.doubt)


RULES = (
    Rule(
        "incomplete",
        WARNING,
        f"a process could not be read, or one of {', '.join(_EXPECTED)} is not there",
        "pymemtools-info(1)",
        "pymemtools info -S SOURCE",
        "read as root, or capture with pymemtools capture: what is missing may be what matters",
        _incomplete,
    ),
    Rule(
        "contradictory",
        NOTICE,
        "the zones' free or managed pages differ from MemFree or MemTotal by more than moves between two reads",
        "mm/show_mem.c, si_meminfo(), Linux 6.4; pymemtools-selftest(1)",
        "pymemtools selftest",
        "a container with virtual files, or memory that joins later: predictions go by meminfo, with wider intervals",
        _contradictory,
    ),
)

"""Hold what one source says against our rules: which hold, which do not, and which cannot be told here, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pymemtools.errors import Missing
from pymemtools.models.release import Version, brief_release
from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.process import ALIVE
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.selftest.cases import Case, Verdict, verdict_of
from pymemtools.reports.selftest.catalog import CHECKS, FIRST, LAST
from pymemtools.reports.selftest.evidence import Evidence, read_again, read_evidence
from pymemtools.sources.base import Source

_LOOKS = 5  # at a live machine, of which no two files are of one moment
COLUMNS = (
    Column("check", "Check", "the rule's name", "text", 15, right=False),
    Column("holds", "Holds", "whether it does; unknown where it cannot be told here", "bool", 5, right=False),
    Column(
        "expected",
        "Expected",
        "by the rule: all that was compared, added up, or the first pair that is not alike",
        "count",
    ),
    Column("seen", "Seen", "what the kernel says of the same, added up like it", "count"),
    Column("unit", "Unit", "of expected and seen: bytes or score", "text", 5, right=False),
    Column("compared", "Compared", "pairs of figures", "count", 8),
    Column("what", "What", "the rule in words", "text", right=False),
    Column("rule", "Rule", "the kernel's functions, and the versions it was read from", "text", right=False),
    Column("reason", "Reason", "what is wrong, or why it cannot be told", "text", right=False),
)


class Trust(NamedTuple):
    """All outcomes."""

    verdicts: list[Verdict]

    def count(self, holds: bool | None) -> int:
        """Count those that hold, that do not, or that cannot be told."""
        return sum(verdict.holds is holds for verdict in self.verdicts)


def selftest(source: Source, facts: Mapping[str, Any]) -> Report:
    """Hold a source against all rules. Raises Missing where there is nothing to check any by."""
    evidence = read_evidence(source)
    cases = [Case(check) for check in CHECKS]
    for case in cases:
        case.look(evidence)
    if source.is_live:
        _look_again(source, evidence, cases)
    trust = Trust([verdict_of(case, is_live=source.is_live) for case in cases])
    if trust.count(None) == len(cases):
        raise Missing(f"{facts.get('path') or 'selftest'}: nothing in it that a rule could be held against")
    notes = (*evidence.machine.notes, *_unknown(evidence.version, facts.get("kernel")), *invisible(source))
    warnings = [*notes]
    if evidence.unreadable:
        seen = sum(told.process.life == ALIVE for told in evidence.processes)
        warnings.append(unread(source, evidence.unreadable, max(seen, evidence.unreadable)))
    totals = {"held": trust.count(True), "failed": trust.count(False), "unknown": trust.count(None)}
    table = table_of(COLUMNS, trust.verdicts)
    return Report("selftest", table, trust, totals, facts, notes, tuple(warnings), evidence.unreadable)


def _look_again(source: Source, evidence: Evidence, cases: Iterable[Case]) -> None:
    """Look again at what was not alike: it may have changed from one file to the next."""
    for _ in range(_LOOKS - 1):
        open_cases = [case for case in cases if case.doubtful]
        if not open_cases:
            return
        pids = {pair.pid for case in open_cases for pair in case.doubtful if pair.pid is not None}
        if any(case.check.of_all for case in open_cases):
            pids.update(told.process.pid for told in evidence.processes)
        again = read_again(source, evidence, sorted(pids))
        for case in open_cases:
            case.look(again)


def _unknown(version: Version | None, release: str | None) -> Iterator[str]:
    """Name a kernel that the rules may not be those of."""
    if version is None:
        yield "the kernel's version is not known: it is taken for a new one"
    elif version < FIRST or version[:2] > LAST:
        known = f"{brief_release(FIRST)} to {brief_release((*LAST, 0))}"
        yield f"Linux {release} is none of those that rules were read from, {known}: they may not hold for it"

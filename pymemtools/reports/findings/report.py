"""The question of findings: hold all rules against one source, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.tmpfs import tells_tmpfs
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.findings.catalog import RULES
from pymemtools.reports.findings.commands import pasteable
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import SEVERITIES, Finding, Rule, Seen, finding_of

COLUMNS = (
    Column("id", "Finding", "the rule's name", "text", 20, right=False),
    Column("severity", "Severity", "critical, warning or notice", "text", 8, right=False),
    Column("title", "What", "what was found, in words", "text", 40, right=False),
    Column("figure", "Figure", "the figure that it rests on, for people", "text", 30, right=False),
    Column("amount", "Amount", "the same figure in its unit", "ratio"),
    Column("unit", "Unit", "of the amount: bytes, percent, count, pages or seconds", "text", right=False),
    Column("rule", "Rule", "when this is found", "text", right=False),
    Column("source", "Source", "where the rule comes from", "text", right=False),
    Column("advice", "Advice", "what to do", "text", right=False),
    Column("command", "Command", "what shows more of it", "text", right=False),
)
RULE_COLUMNS = (
    COLUMNS[0],
    COLUMNS[1]._replace(help="the worst that it raises"),
    *COLUMNS[6:],
)


class Findings(NamedTuple):
    """What was found, worst first, and all that was asked on the way."""

    findings: list[Finding]
    evidence: Evidence
    rules: int = len(RULES)  # that were held against it
    untold: tuple[str, ...] = ()  # what of it the source does not tell, so that rules on it found nothing

    def count(self, severity: str) -> int:
        """Count those of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def has(self, severity: str) -> bool:
        """Tell whether there is one as bad as that, or worse."""
        worst = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return any(finding.severity in worst for finding in self.findings)


def findings_report(evidence: Evidence) -> Report:
    """Hold the rules against what a source says. A rule whose figures the source lacks finds nothing."""
    findings = sorted(_found(RULES, evidence), key=lambda finding: SEVERITIES.index(finding.severity))
    answer, sample = Findings(findings, evidence, untold=tuple(_untold(evidence))), evidence.sample
    notes = (*evidence.machine.notes, *invisible(evidence.source), *_another(evidence))
    refused = [unread(evidence.source, sample.unreadable, sample.seen, sample.reason)] if sample.unreadable else []
    facts = evidence.source.facts._asdict()
    if evidence.before is not None:
        facts["other"] = evidence.before.source.facts._asdict()
    return Report(
        "report",
        table_of(COLUMNS, findings),
        answer,
        totals={
            **{severity: answer.count(severity) for severity in SEVERITIES},
            "rules": len(RULES),
            "not_told": list(answer.untold),
        },
        facts=facts,
        notes=notes,
        warnings=(*notes, *refused),
        unreadable=sample.unreadable,
    )


def _untold(evidence: Evidence) -> Iterator[str]:
    """Name what no file of the source tells of: that nothing was found in it is no good news."""
    if evidence.kills is None:
        yield "kills (no kernel log)"
    if evidence.pressure is None:
        yield "stalls (no pressure/memory)"
    if not tells_tmpfs(evidence.source):
        yield "file systems in memory (no mounts.tmpfs)"
    if evidence.groups is None:
        yield "memory groups (no /sys/fs/cgroup)"


def _another(evidence: Evidence) -> Iterator[str]:
    """Say that nothing is said of what grew, and why."""
    path = evidence.before and (evidence.before.source.facts.path or "the other capture")
    if evidence.another:
        yield f"{path} is of another machine: {evidence.another}; nothing is said of what grew"
    elif evidence.is_turned:
        yield f"{path} was taken later: --diff names the earlier one; nothing is said of what grew"


def _found(rules: Iterable[Rule], evidence: Evidence) -> Iterator[Finding]:
    for rule in rules:
        for seen in rule.judge(evidence):
            yield finding_of(rule, seen, _command(rule, seen, evidence))


def _command(rule: Rule, seen: Seen, evidence: Evidence) -> str:
    """Give the rule's command, to be pasted."""
    before, recorded = evidence.before, evidence.recorded
    other = before.source.facts.path if before is not None else None
    about = {"OTHER": other, **seen.about} if other is not None else seen.about
    moment = str(recorded.replay.moment.number) if recorded is not None else None
    return pasteable(rule.command, evidence.source.facts, moment, about)


def rules_report() -> Report:
    """List the rules."""
    rows = [
        {
            "id": rule.id,
            "severity": rule.severity,
            "rule": rule.condition,
            "source": rule.source,
            "advice": rule.advice,
            "command": rule.command,
        }
        for rule in RULES
    ]
    return Report("report", table_of(RULE_COLUMNS, rows), RULES)

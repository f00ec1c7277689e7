"""What a finding is, and the rule that raises it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pymemtools.reports.findings.evidence import Evidence

CRITICAL, WARNING, NOTICE = "critical", "warning", "notice"
SEVERITIES = (CRITICAL, WARNING, NOTICE)  # the worst first


class Seen(NamedTuple):
    """What a rule saw, that a finding is made of."""

    severity: str
    title: str  # in words, with names: these are hostile
    figure: str  # with units, for people
    amount: float | None = None  # the same for programs
    unit: str | None = None  # bytes, percent, count, pages, seconds
    advice: str | None = None  # where it is not the rule's
    about: Mapping[str, str] = {}  # what the words in capitals of the rule's command are: {"PID": "280"}


class Rule(NamedTuple):
    """A condition over answers; what a kernel or its manual says of it; what to do."""

    id: str
    severity: str  # the worst that it raises
    condition: str
    source: str  # where the rule comes from
    command: str  # that shows more of it; words in capitals are put in, see commands.py
    advice: str
    judge: Callable[[Evidence], Iterator[Seen]]


class Finding(NamedTuple):
    """One line of what is found, worst first."""

    id: str
    severity: str
    title: str
    figure: str
    amount: float | None
    unit: str | None
    rule: str
    source: str
    advice: str
    command: str


def finding_of(rule: Rule, seen: Seen, command: str) -> Finding:
    """Say what was seen, why that matters, what to do, and which ``command`` shows more."""
    advice = seen.advice or rule.advice
    return Finding(
        *(rule.id, seen.severity, seen.title, seen.figure, seen.amount, seen.unit),
        *(rule.condition, rule.source, advice, command),
    )

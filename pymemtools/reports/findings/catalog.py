"""All rules, a line each in ``report --list``."""

from __future__ import annotations

from pymemtools.reports.findings import (
    configured,
    growth,
    kills,
    limits,
    memory,
    processes,
    promises,
    recorded,
    reserves,
    swapping,
    trust,
)
from pymemtools.reports.findings.finding import Rule

RULES: tuple[Rule, ...] = (
    *memory.RULES,
    *swapping.RULES,
    *reserves.RULES,
    *promises.RULES,
    *limits.RULES,
    *processes.RULES,
    *kills.RULES,
    *growth.RULES,
    *recorded.RULES,
    *configured.RULES,
    *trust.RULES,
)

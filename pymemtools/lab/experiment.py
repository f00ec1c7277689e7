"""What an experiment consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pymemtools.lab.stage import Stage
from pymemtools.report import Column, Report
from pymemtools.reports.lab.plan import Findings, Plan
from pymemtools.sources.base import Source
from pymemtools.units import KIB


class Experiment(NamedTuple):
    """What is asked of it before, what it does, and who judges what it saw."""

    name: str
    columns: tuple[Column, ...]  # of its samples
    obstacle: Callable[[Source], str]  # why it cannot run here at all, or nothing; judged without starting anything
    plan: Callable[[Source, Any], Plan]  # of a request; raises CannotRun, too
    run: Callable[[Any, Stage], Mapping[str, Any]]  # plain values, which marshal knows
    report: Callable[[Findings], Report]
    patient: bool = False  # Ctrl-C is for the program that it runs
    grace: float = 0.0  # seconds between SIGTERM and SIGKILL for what is left in the end
    unit: int = KIB  # in which amounts are shown in text
    on_stderr: bool = False  # text goes there: stdout is that program's


def nothing_in_the_way(source: Source) -> str:
    """Be the obstacle of what runs everywhere."""
    return ""

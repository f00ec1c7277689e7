"""What an experiment consists of."""

from __future__ import annotations

import os
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


def why_not(experiment: Experiment, source: Source) -> str:
    """Say why it cannot run here at all, or nothing.

    None can where /proc is that of another PID namespace: what is started has other numbers there, and what is left in
    the end could not be found.
    """
    try:
        is_ours = os.readlink("/proc/self") == str(os.getpid())
    except OSError as error:
        return f"/proc/self: {os.strerror(error.errno or 0)}"
    if not is_ours:
        return "/proc is that of another PID namespace"
    return experiment.obstacle(source)


def nothing_in_the_way(source: Source) -> str:
    """Be the obstacle of what runs everywhere."""
    return ""

"""Access memory as one must not, and read what the kernel tells of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pymemtools.lab.child import PROGRAM
from pymemtools.lab.experiment import Experiment, nothing_in_the_way
from pymemtools.lab.stage import Stage
from pymemtools.reports.lab.plan import Plan
from pymemtools.reports.lab.segv import CASES, COLUMNS, SegvRequest, segv_report, sighting
from pymemtools.sources.base import Source


def _plan(source: Source, request: SegvRequest) -> Plan:
    happens = (
        "A program has a copy of itself access memory as it must not, and traces it: the kernel stops the copy with a "
        "signal, whose siginfo says why, and where.",
        "MAPERR: nothing is mapped at the address. ACCERR: something is, and it does not allow that.",
        "Of its own memory the kernel says MAPERR, whether something is there or not.",
    )
    return Plan(happens, 2 * PROGRAM)


def _run(request: SegvRequest, stage: Stage) -> Mapping[str, Any]:
    wild = stage.program("wild")
    for case in request.cases or CASES:
        for how in CASES[case].accesses:
            stage.row(**sighting(case, how, wild.ask(case, how)))
    wild.end()
    return {"machine": os.uname().machine}


EXPERIMENT = Experiment("segv", COLUMNS, nothing_in_the_way, _plan, _run, segv_report)

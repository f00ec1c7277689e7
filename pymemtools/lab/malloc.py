"""Call malloc(), and look where break, pointers and mappings go."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from typing import Any

from pymemtools.lab.child import PROGRAM
from pymemtools.lab.experiment import Experiment
from pymemtools.lab.stage import Stage
from pymemtools.reports.lab.malloc import COLUMNS, CallsRequest, call_rows, calls_report, predict
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.reports.what_if.asked import ask
from pymemtools.sources.base import Source


def _libc() -> str:
    """Name the C library that we run with, and so what we start; nothing for one that is not glibc."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return ""


def _obstacle(source: Source) -> str:
    return "" if _libc() else "this C library is not glibc (musl?): it is not modelled"


def _plan(source: Source, request: CallsRequest) -> Plan:
    happens = (
        "A program calls malloc() for each size, and looks at break, pointer and mappings after each.",
        "Small requests are carved from the top of the heap, for which glibc moves the break by 128 KiB more than it "
        "needs; from 128 KiB on each gets a mapping of its own, a header more, in whole pages.",
        "Before that it takes all that is free in its heap, which is then as good as young, and has the threshold stay "
        "where it began: it would move with what was freed.",
    )
    return Plan(happens, sum(request.sizes) + PROGRAM * 3 // 2)


def _run(request: CallsRequest, stage: Stage) -> Mapping[str, Any]:
    program = stage.program("heap", *map(str, request.sizes))
    calls = program.heard()
    if not all(call["pointer"] for call in calls):
        raise CannotRun("lab malloc: cannot run here: malloc() gives nothing: see ulimit -v and -d")
    is_i386 = os.uname().machine in ("i386", "i686") or (os.uname().machine == "x86_64" and _bits() == 32)
    held = calls[0]["break"] - calls[0]["pointer"]
    predicted = predict(ask(stage.source), request.sizes, _bits(), held, is_i386=is_i386)
    for row in call_rows(calls, request.sizes, predicted):
        stage.row(**row)
    program.end()
    return {"libc": _libc()}


def _bits() -> int:
    return struct.calcsize("P") * 8


EXPERIMENT = Experiment("malloc", COLUMNS, _obstacle, _plan, _run, calls_report, unit=1)

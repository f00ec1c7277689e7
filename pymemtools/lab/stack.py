"""Write far below the top of the stack, and below its limit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pymemtools.lab.child import PROGRAM
from pymemtools.lab.experiment import Experiment
from pymemtools.lab.mapping import look_at_stack
from pymemtools.lab.stage import Stage
from pymemtools.models.release import parse_release, since
from pymemtools.reports.lab.ending import signal_name
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.reports.lab.stack import COLUMNS, StackRequest, stack_report
from pymemtools.sources.base import Source

_ABOVE_LIMIT = 1 << 20


def _obstacle(source: Source) -> str:
    """Until 5.0 an x86 program could write a few pages below its stack pointer only."""
    version = parse_release(source.facts.kernel)
    is_x86 = os.uname().machine in ("x86_64", "i386", "i686")
    return "" if since(version, (5, 0)) or not is_x86 else "before Linux 5.0 the stack grows near its pointer only"


def _plan(source: Source, request: StackRequest) -> Plan:
    happens = (
        "A program writes a byte far below the top of its stack: the mapping grows down to there, and one page comes; "
        "what is in between is address space, and no memory.",
        f"It may grow to RLIMIT_STACK, which is set to {request.depth + _ABOVE_LIMIT >> 20} MiB: a copy of the program "
        "writes to the last page above that, and lives; another to the first below, and dies of SIGSEGV.",
    )
    return Plan(happens, 2 * PROGRAM)


def _run(request: StackRequest, stage: Stage) -> Mapping[str, Any]:
    hand = stage.program("hand")
    limit, page = request.depth + _ABOVE_LIMIT, stage.source.facts.page_size or 4096
    told = hand.ask("limit_stack", limit)
    if "refused" in told:
        raise CannotRun(f"lab stack: cannot run here: {told['refused']}")
    before = look_at_stack(stage.source, hand.pid)
    nothing = dict.fromkeys(column.key for column in COLUMNS) | {"page_size": page}
    stage.row(**nothing | {"step": "at the beginning", "size": before.size, "rss": before.rss})
    for depth in (request.depth // 4, request.depth):
        address = before.end - depth
        minor = hand.ask("write", address, 1)["minor"]
        after = look_at_stack(stage.source, hand.pid)
        expected = after.end - address // page * page
        row = {"step": f"write {depth >> 10} KiB down", "address": address, "minor": minor, "size": after.size}
        grown = {"rss": after.rss, "rss_change": after.rss - before.rss, "expected_size": expected}
        stage.row(**nothing | row | grown)
        before = after
    for step, address, must in (
        ("last page of the limit", before.end - limit, "none"),
        ("first page beyond it", before.end - limit - page, "SIGSEGV"),
    ):
        number = hand.ask("probe", address)["signal"]
        name = "none" if number is None else signal_name(number)
        stage.row(**nothing | {"step": step, "address": address, "signal": name, "expected_signal": must})
    hand.end()
    return {}


EXPERIMENT = Experiment("stack", COLUMNS, _obstacle, _plan, _run, stack_report)

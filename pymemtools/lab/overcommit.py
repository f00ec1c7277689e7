"""Ask for ever larger mappings until the kernel refuses: nothing of them is touched."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from pymemtools.errors import Missing
from pymemtools.lab.child import PROGRAM, Child
from pymemtools.lab.experiment import Experiment
from pymemtools.lab.limits import limits_below
from pymemtools.lab.stage import Stage
from pymemtools.models.overcommit import ALWAYS, HEURISTIC, NEVER, Caller
from pymemtools.procfs.maps import parse_maps
from pymemtools.readings.namespaces import is_in_user_namespace
from pymemtools.reports.lab.overcommit import COLUMNS, Promise, PromiseRequest, is_kept, promise, promises_report
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.reports.what_if.asked import ask
from pymemtools.reports.what_if.commitments import commitment_of
from pymemtools.reports.what_if.overcommit import Mode, OvercommitRequest, overcommit_report
from pymemtools.reports.what_if.promises import mode_of
from pymemtools.sources.base import Source

_TRIES = 5
_NAME, _PATH = "vm.overcommit_memory", "/proc/sys/vm/overcommit_memory"


def _obstacle(source: Source) -> str:
    low = limits_below(math.inf)
    return f"{low[0]} decides how much is granted" if low else ""


def _plan(source: Source, request: PromiseRequest) -> Plan:
    if request.modes and not os.access(_PATH, os.W_OK):
        raise CannotRun(f"lab overcommit: cannot run here: {_PATH} cannot be written (are you root?)")
    happens = [
        "A program asks for a mapping that it never touches, and halves the way between what is granted and what is "
        "refused until they are a page apart.",
        "A mapping is a promise: by vm.overcommit_memory the kernel refuses what is more than RAM and swap (0), "
        "nothing (1), or what it could not keep if all promises were called in (2).",
    ]
    if request.modes:
        happens.append(
            "All modes are set, one after the other, and the old one is put back. While mode 2 is set, for some "
            "milliseconds, others may be refused memory, too: it is left out where that is likely."
        )
    return Plan(happens, PROGRAM, claim=_PATH if request.modes else "")


def _run(request: PromiseRequest, stage: Stage) -> Mapping[str, Any]:
    hand = stage.program("hand")
    set_now = mode_of(ask(stage.source).machine)
    for mode in (HEURISTIC, ALWAYS, NEVER) if request.modes else (set_now,):
        if mode == NEVER != set_now and (why := _danger(stage.source)):
            stage.note(f"mode 2 is left out: {why}")
            continue
        if request.modes:
            stage.set(_NAME, _PATH, str(mode))
        stage.row(**_tried(stage.source, mode, hand))
    hand.end()
    return {}


def _tried(source: Source, mode: int, hand: Child) -> dict[str, Any]:
    """Find the largest mapping between two predictions; again if it is another: others may take and give back much."""
    for _ in range(_TRIES):
        before = _promise(source, mode, hand)
        found = hand.ask("largest")
        row = {
            "mode": mode,
            "predicted": before.size,
            "error_bound": before.error_bound,
            "largest": found["largest"],
            "error": found["refused"],
            "predicted_after": _promise(source, mode, hand).size,
        }
        if is_kept(row):
            break
    return row


def _promise(source: Source, mode: int, hand: Child) -> Promise:
    machine = ask(source).machine
    who = commitment_of(source, hand.pid)
    if who is None:
        raise Missing(f"process {hand.pid} has no memory")
    is_admin = who.is_admin and not is_in_user_namespace(source)
    caller = Caller(who.address_space // machine.page_size, is_admin)
    return promise(machine, mode, caller, _hole(source, hand.pid, machine.page_size))


def _hole(source: Source, pid: int, page_size: int) -> int:
    """Give the largest room between two mappings of a process, in bytes."""
    ends, found = page_size, 0
    for mapping in parse_maps(source.read(f"{pid}/maps")):
        if mapping.name != b"[vsyscall]":
            found, ends = max(found, mapping.start - ends), mapping.end
    return found


def _danger(source: Source) -> str:
    """Say who would suffer from mode 2; nothing where nobody would."""
    modes: list[Mode] = overcommit_report(ask(source), OvercommitRequest()).answer.modes
    never = modes[NEVER]
    if never.processes_that_cannot_fork is None:
        return "what is promised is not known"
    if never.processes_that_cannot_fork:
        return f"{never.processes_that_cannot_fork} processes could not fork"
    return ""


EXPERIMENT = Experiment("overcommit", COLUMNS, _obstacle, _plan, _run, promises_report)

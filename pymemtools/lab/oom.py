"""Let a program grow until the kernel kills it in a group of its own, or refuses it addresses where there is none."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pymemtools.control.cgroups import OwnGroup, controllers_of, why_no_group
from pymemtools.errors import MemtoolsError
from pymemtools.lab.child import PROGRAM, Child
from pymemtools.lab.experiment import Experiment, nothing_in_the_way
from pymemtools.lab.limits import limits_below
from pymemtools.lab.stage import Stage
from pymemtools.procfs.cgroup_memory import parse_amount, parse_stat
from pymemtools.procfs.status import parse_status_sizes
from pymemtools.reports.lab.ending import ending_of
from pymemtools.reports.lab.oom import COLUMNS, OomRequest, oom_report
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.sources.base import Source
from pymemtools.sources.kernel_log import NewMessages

_BLOCKS = {"malloc": 8192, "mmap": 1 << 20}
_SAMPLES = 16
_ADDRESSES = 8 << 30  # bytes of addresses after which a program that touches nothing has shown that it lives
_MOST = 1 << 40
_PATIENCE = 5.0  # seconds for the kernel's report, which is printed after the signal was sent


def _plan(source: Source, request: OomRequest) -> Plan:
    reason = "" if request.within == "addresses" else why_no_group(source)
    if reason and request.within == "group":
        raise CannotRun(f"lab oom: cannot run here: {reason}")
    if (reason or request.within == "addresses") and "ulimit -d" in limits_below(request.limit + PROGRAM):
        raise CannotRun("lab oom: cannot run here: ulimit -d refuses it memory before its addresses end")
    if reason or request.within == "addresses":
        return Plan(_refused(request, reason), request.limit + PROGRAM)
    return Plan(_killed(source, request), request.limit + PROGRAM, claim=controllers_of(source))


def _refused(request: OomRequest, reason: str) -> Sequence[str]:
    why = (f"Its memory cannot be limited here, as {reason}.",) if reason else ()
    return (
        f"A program asks for memory by {request.via}(), block after block, and may have {request.limit >> 20} MiB of "
        "addresses more than it has (RLIMIT_AS).",
        *why,
        "At the limit it is refused more (ENOMEM), whether it touches what it has or not, and lives on: addresses are "
        "limited, not memory, and the OOM killer has no part in it.",
    )


def _killed(source: Source, request: OomRequest) -> Sequence[str]:
    if source.read("sys/vm/overcommit_memory").strip() == b"2" and request.via == "mmap" and request.touch != "write":
        raise CannotRun(
            "lab oom: cannot run here: vm.overcommit_memory is 2: addresses are refused before anything dies"
        )
    dies = request.dies_of
    return (
        f"A program asks for memory by {request.via}(), block after block, and "
        + {"write": "writes to each page", "read": "reads a byte of each page", "none": "touches none"}[request.touch]
        + f", in a memory group of its own with a limit of {request.limit >> 20} MiB.",
        "Nothing of it is touched, so nothing is there: it reaches the end of what is tried."
        if dies is None
        else f"It reaches the limit by its {dies}, and the kernel kills it: there is nothing to take back.",
        "Only a process of that group can be chosen; it is ours, and the only one.",
    )


def _run(request: OomRequest, stage: Stage) -> Mapping[str, Any]:
    group = _group(request, stage)
    if group is None:
        hog = _hog(request, stage, _steps(request, limited=True), request.limit)
        ending, told = _watched(stage, hog, None)
        unknown = dict.fromkeys(("group_kills", "kills_above", "peak", "cgroup"))
        return {"within": "addresses", "ending": ending, "pid": hog.pid, "log": b"", **told, **unknown}
    log = _log(stage)
    hog = _hog(request, stage, _steps(request, limited=False), 0)
    group.add(hog.pid)
    above = _kills(stage.source, group.above)
    ending, _ = _watched(stage, hog, group)
    if ending.startswith("refused"):  # then nobody is killed, and nothing is learnt of the group's limit
        by = " and ".join(limits_below(math.inf)) or "the kernel promises no more (vm.overcommit_memory)"
        raise CannotRun(f"lab oom: cannot run here: {ending}, before the group's limit: {by}")
    return {
        "within": "group",
        "ending": ending,
        "pid": hog.pid,
        "limit": request.limit,
        "group_kills": _kills(stage.source, group.directory),
        "kills_above": _grown(above, _kills(stage.source, group.above)),
        "peak": _peak(stage.source, group),
        "cgroup": group.directory,
        "log": _log_of(log, hog.pid) if log is not None and ending.startswith("SIG") else b"",
    }


def _group(request: OomRequest, stage: Stage) -> OwnGroup | None:
    """Make a group; None where its addresses are to be limited, because no group can be made or by request."""
    if request.within == "addresses":
        return None
    try:
        return stage.group(request.limit)
    except MemtoolsError as error:
        if request.within == "group":
            raise CannotRun(f"lab oom: cannot run here: {error}") from None
        stage.note(f"{error}; so its addresses were limited (RLIMIT_AS): a different lesson")
        return None


def _hog(request: OomRequest, stage: Stage, steps: tuple[int, int], addresses: int) -> Child:
    numbers = (_BLOCKS[request.via], *steps, addresses)
    return stage.program("hog", request.via, request.touch, *map(str, numbers))


def _watched(stage: Stage, hog: Child, group: OwnGroup | None) -> tuple[str, Mapping[str, int | None]]:
    """Take samples until it ends; say how that was, how its addresses were limited, and what it was told."""
    asked = -1
    limits: dict[str, int | None] = {"limit": 0, "errno": None}
    while (told := hog.hear()) is not None:
        if told["asked"] != asked:
            _sample(stage, hog, group, asked := told["asked"])
        if "refused" in told:
            return f"refused: {told['refused']}", {**limits, "errno": told["errno"]}
        if "done" in told:
            return "ends by itself", limits
        limits["limit"] = told["limit"]
        hog.tell("on")
    return ending_of(hog.wait()), limits


def _steps(request: OomRequest, *, limited: bool) -> tuple[int, int]:
    """Give the bytes between two looks, and those after which it ends by itself."""
    if limited:
        return request.limit // _SAMPLES, _MOST
    if request.dies_of is None:
        return _ADDRESSES // _SAMPLES, _ADDRESSES
    if request.dies_of == "page tables":
        return request.limit * 512 // _SAMPLES, _MOST
    return request.limit // _SAMPLES * (1 if request.touch == "write" else 2), _MOST


def _sample(stage: Stage, hog: Child, group: OwnGroup | None, asked: int) -> None:
    sizes = parse_status_sizes(stage.source.read(f"{hog.pid}/status"))
    stage.row(
        seconds=stage.seconds,
        allocated=asked,
        vss=sizes.get("VmSize"),
        rss=sizes.get("VmRSS"),
        rss_anon=sizes.get("RssAnon"),
        page_tables=sizes.get("VmPTE"),
        charged=None if group is None else _charged(stage.source, group),
    )


def _charged(source: Source, group: OwnGroup) -> int | None:
    name = "memory.usage_in_bytes" if group.version == 1 else "memory.current"
    return _amount(source, f"{group.directory}/{name}")


def _amount(source: Source, path: str) -> int | None:
    try:
        return parse_amount(source.read(path), path)
    except MemtoolsError:
        return None


def _peak(source: Source, group: OwnGroup) -> int | None:
    """Read the most that the group was charged: v2 tells since Linux 5.19."""
    name = "memory.max_usage_in_bytes" if group.version == 1 else "memory.peak"
    return _amount(source, f"{group.directory}/{name}")


def _kills(source: Source, directory: str) -> int | None:
    """Count the kills by a group's own limit, not those below it; None where the kernel does not tell."""
    for name in ("memory.oom_control", "memory.events.local", "memory.events"):
        try:
            return parse_stat(source.read(f"{directory}/{name}"), name).get("oom_kill")
        except MemtoolsError:
            continue
    return None


def _grown(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _log(stage: Stage) -> NewMessages | None:
    try:
        return NewMessages()
    except MemtoolsError as error:
        stage.note(f"the kernel's own report of the kill cannot be read: {error}")
        return None


def _log_of(log: NewMessages, pid: int) -> bytes:
    """Read what the kernel says of a kill, as soon as it has said all."""
    deadline, text = time.monotonic() + _PATIENCE, b""
    while b"Killed process %d " % pid not in text and time.monotonic() < deadline:
        select.select([], [], [], 0.01)
        text += log.read()
    return text


EXPERIMENT = Experiment("oom", COLUMNS, nothing_in_the_way, _plan, _run, oom_report)

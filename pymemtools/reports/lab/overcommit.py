"""The largest mapping that the kernel grants, by mode, beside what its rules say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.models.overcommit import ALWAYS, NEVER, Caller, largest_mapping
from pymemtools.models.release import since
from pymemtools.readings.machine import Machine
from pymemtools.report import Column, Report
from pymemtools.reports.estimates import memory_of
from pymemtools.reports.lab.laws import Law, between
from pymemtools.reports.lab.plan import Findings, outcome
from pymemtools.reports.what_if.promises import slack_of

_EDGES = 2 << 20  # what keeps apart from its neighbours: the gap below the stack, vm.mmap_min_addr, huge pages
_WANDERING = 32 << 20  # before Linux 5.2 mode 0 counts what is free, which is never twice the same
COLUMNS = (
    Column("mode", "mode", "vm.overcommit_memory: 0 heuristic, 1 always, 2 never more", "count", 4),
    Column(
        "predicted",
        "predicted",
        "the largest mapping by what-if overcommit, in mode 1 by the address space",
        "bytes",
        14,
    ),
    Column("error_bound", "+-", "how far off that may be", "bytes", 9),
    Column("largest", "largest", "the largest mapping that was granted", "bytes", 14),
    Column("error", "refused by", "what one page more is refused with", "text", 22, right=False),
    Column("predicted_after", "", "the prediction once more, afterwards", "bytes"),
)


class PromiseRequest(NamedTuple):
    """Whether the other modes are tried, too."""

    modes: bool = False


class Promise(NamedTuple):
    """The largest mapping that must be granted, in bytes, and how far off that may be."""

    size: int
    error_bound: int


def promise(machine: Machine, mode: int, caller: Caller, hole: int) -> Promise:
    """Ask the rule of a mode for a caller whose address space has a hole of so many bytes. Raises Missing."""
    pages = largest_mapping(mode, memory_of(machine), caller, machine.version)
    if pages is None or pages * machine.page_size > hole:
        return Promise(hole, _EDGES)
    if mode != NEVER and mode != ALWAYS and not since(machine.version, (5, 2)):
        return Promise(pages * machine.page_size, _WANDERING)
    return Promise(pages * machine.page_size, slack_of(machine, mode) or 0)


def promises_report(found: Findings) -> Report:
    """Hold what was granted against what was predicted."""
    return outcome("overcommit", COLUMNS, found, laws(found))


def laws(found: Findings) -> Sequence[Law]:
    """Demand that each mode grants what its rule says, before or after: others ask for memory meanwhile."""
    return [_law_of(row) for row in found.rows]


def is_kept(row: Mapping[str, Any]) -> bool:
    """Tell whether a mode granted what its rule says."""
    return _law_of(row).holds


def _law_of(row: Mapping[str, Any]) -> Law:
    return _law(**{key: row[key] for key in _law.__annotations__ if key != "return"})


def _law(mode: int, predicted: int, predicted_after: int, error_bound: int, largest: int) -> Law:
    least, most = sorted((predicted, predicted_after))
    name = f"mode {mode} grants what its rule says"
    return between(name, max(least - error_bound, 0), most + error_bound, largest)

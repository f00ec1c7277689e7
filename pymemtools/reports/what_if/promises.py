"""What the mode of overcommitment comes to on a machine: which one is set, and how far off its figures may be."""

from __future__ import annotations

from pymemtools.models import overcommit
from pymemtools.models.overcommit import HEURISTIC, NEVER
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import memory_of


def mode_of(machine: Machine) -> int:
    """Give vm.overcommit_memory; the kernel's own choice where the source does not tell."""
    return machine.setting("vm.overcommit_memory") or HEURISTIC


def slack_of(machine: Machine, mode: int) -> int | None:
    """Give the bytes by which the counter of mode 2 may be off; None where that is not known, 0 in other modes."""
    if mode != NEVER:
        return 0
    if machine.cpus is None:
        return None
    return overcommit.slack(machine.pages("MemTotal"), machine.cpus, NEVER, machine.version) * machine.page_size


def rule_of(machine: Machine, mode: int) -> str:
    """Say by which rule that mode refuses."""
    return overcommit.rule(mode, machine.version)


def lacking(machine: Machine, mode: int) -> list[str]:
    """Name the figures of meminfo that the rule of that mode goes by, and that are not there."""
    return overcommit.lacking(mode, memory_of(machine), machine.version)


def unsure(machine: Machine) -> str:
    """Say what would tell whether something is granted by the mode that is set."""
    names = ", ".join(lacking(machine, mode_of(machine)))
    return f"the source does not tell whether it is granted: {names} would"

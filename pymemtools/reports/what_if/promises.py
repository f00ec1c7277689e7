"""What the mode of overcommitment comes to on a machine: which one is set, what it grants, how far off it may be."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import Missing
from pymemtools.models import overcommit
from pymemtools.models.overcommit import HEURISTIC, NEVER, Caller
from pymemtools.readings.machine import Machine
from pymemtools.readings.process import ALIVE
from pymemtools.readings.reader import read_process
from pymemtools.readings.wants import Wants
from pymemtools.reports.estimates import memory_of
from pymemtools.reports.what_if.asked import Asked
from pymemtools.reports.what_if.commitments import CAP_SYS_ADMIN
from pymemtools.sources.base import Source


class Grant(NamedTuple):
    """How many of the requests root and others are granted, at the least and at the most."""

    root: tuple[int, int]
    user: tuple[int, int]
    rule: str
    error_bound: int | None  # bytes

    @property
    def most(self) -> int:
        """Give how many may be granted."""
        return self.user[1] or self.root[1]

    @property
    def is_sure(self) -> bool:
        """Tell whether all that it depends on is known."""
        return self.root[0] == self.root[1] and self.user[0] == self.user[1]


def grant_of(asked: Asked, pages: int, times: int, pid: int | None) -> Grant:
    """Ask the rule of the mode that is set, for root and for others, or for one process."""
    machine, mode = asked.machine, mode_of(asked.machine)
    callers = [Caller(0, is_admin=True), Caller(0, is_admin=False)]
    if pid is not None:
        callers = [_caller(asked.source, pid, machine.page_size, mode)] * 2
    extremes = list(overcommit.extremes(memory_of(machine)))
    root, user = (
        [
            overcommit.granted(mode, pages, times, extreme, caller, machine.version, own=pid is not None)
            for extreme in extremes
        ]
        for caller in callers
    )
    return Grant((root[0], root[1]), (user[0], user[1]), rule_of(machine, mode), slack_of(machine, mode))


def _caller(source: Source, pid: int, page_size: int, mode: int) -> Caller:
    """Say what counts of a process that asks: its rights, and its address space, by which mode 2 goes alone."""
    process = read_process(source, pid, Wants(status=True))
    if process.life != ALIVE:
        raise Missing(f"what-if alloc: {pid} has no memory of its own")
    size = (process.status or {}).get("VmSize") if process.address_space is None else process.address_space
    if size is None and mode == NEVER:
        raise Missing(f"{pid}: no VmSize field in status, by which mode 2 goes")
    return Caller((size or 0) // page_size, process.has_capability(CAP_SYS_ADMIN))


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

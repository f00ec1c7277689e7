"""How much memory has the kernel promised each process, and how often could it fork if promises were kept?"""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import DeniedProcess, MemtoolsError, Missing
from pymemtools.models.overcommit import Caller, Memory, forks
from pymemtools.models.release import Version
from pymemtools.procfs.smaps.accounted import Accounted
from pymemtools.readings.process import ALIVE, Process
from pymemtools.readings.processes import Sample
from pymemtools.readings.reader import read_process
from pymemtools.readings.wants import Wants
from pymemtools.sources.base import Source
from pymemtools.units import plus

CAP_SYS_ADMIN = 21  # include/uapi/linux/capability.h


class Commitment(NamedTuple):
    """One process; sizes in bytes."""

    pid: int
    user: str
    name: str
    committed: int  # counted in Committed_AS, shared memory left out, which counts once for all
    charged_by_fork: int
    largest_charge: int  # of one mapping: in the modes other than 2, each is tested alone
    address_space: int
    is_admin: bool
    is_estimate: bool  # without VmFlags: VmData and VmStk, which also hold what MAP_NORESERVE spared


WANTS = Wants(accounted=True, status=True)
OF_A_FORK = Wants(("Anonymous",), rollup=True, status=True)


def commitments(sample: Sample) -> tuple[list[Commitment], int]:
    """Take a row of each process that has memory, and count those of which nothing tells it."""
    alive = [process for process in sample.everybody if process.life == ALIVE]
    rows = [row for row in map(commitment, alive) if row is not None]
    return rows, len(alive) - len(rows)


def commitment(process: Process) -> Commitment | None:
    """Say what is committed to a process that was read with WANTS; None where nothing tells."""
    found, sizes = process.accounted, process.status or {}
    if found is None:
        private = plus(sizes.get("VmData"), sizes.get("VmStk"))
        if private is None:
            return None
        found = Accounted(private, private, private)
    address_space = process.address_space
    return Commitment(
        pid=process.pid,
        user=process.owner,
        name=process.name,
        committed=found.whole,
        charged_by_fork=found.copied,
        largest_charge=found.largest,
        address_space=sizes.get("VmSize", 0) if address_space is None else address_space,
        is_admin=process.has_capability(CAP_SYS_ADMIN),
        is_estimate=process.accounted is None,
    )


def commitment_of(source: Source, pid: int) -> Commitment | None:
    """Read one process; None for one without memory: a kernel thread, a zombie. Raises Missing or Denied."""
    process = read_process(source, pid, WANTS)
    if process.life != ALIVE:
        return None
    row = commitment(process)
    if row is None:
        raise untold(process)
    return row


def untold(process: Process) -> MemtoolsError:
    """Say why nothing tells what is committed to a process."""
    if process.refused is not None:
        return DeniedProcess(process.pid, process.refused)
    lacking = [field for field in ("VmData", "VmStk") if field not in (process.status or {})]
    return Missing(f"{process.pid}: no {' and no '.join(lacking)} field in status, and no VmFlags in smaps")


def forks_of(row: Commitment, memory: Memory, page_size: int, version: Version | None) -> int | None:
    """Say how often a process could fork in mode 2; None: without limit."""
    caller = Caller(row.address_space // page_size, row.is_admin)
    return forks(row.charged_by_fork // page_size, memory, caller, version)


def private_memory(process: Process) -> tuple[int | None, int | None]:
    """Give the bytes of a process, read with OF_A_FORK, that a fork shares until one writes; and its page tables.

    None where the source does not tell. RssAnon, Linux 4.5, counts the anonymous pages that are resident; what is
    swapped out is copied when it comes back, and counted, too.
    """
    sizes = process.status or {}
    anonymous = sizes.get("RssAnon", process.sums.get("Anonymous"))
    return plus(anonymous, sizes.get("VmSwap", 0)), sizes.get("VmPTE")

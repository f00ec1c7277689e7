"""How much memory has the kernel promised each process, and how often could it fork if promises were kept?"""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import Denied, Missing, ParseError
from pymemtools.models.overcommit import Caller, Memory, forks
from pymemtools.models.release import Version
from pymemtools.procfs.smaps_accounted import Accounted, accounted
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.status import parse_status_capabilities, parse_status_sizes
from pymemtools.reports.steady import read_steadily
from pymemtools.sources.base import ProcessFiles, Source

CAP_SYS_ADMIN = 21  # include/uapi/linux/capability.h


class Commitment(NamedTuple):
    """One process; sizes in bytes."""

    pid: int
    user: str
    name: str
    committed: int  # counted in Committed_AS, shared memory left out, which counts once for all
    charged_by_fork: int
    address_space: int
    is_admin: bool
    is_estimate: bool  # without VmFlags: VmData and VmStk, which also hold what MAP_NORESERVE spared


def commitments(source: Source) -> tuple[list[Commitment], int]:
    """Read every process that has memory, and count those that could not be read."""
    rows: list[Commitment] = []
    unreadable = 0
    for pid in source.pids():
        try:
            row = commitment(source, pid)
        except Missing:
            continue
        except (Denied, ParseError):
            unreadable += 1
            continue
        if row is not None:
            rows.append(row)
    return rows, unreadable


def commitment(source: Source, pid: int) -> Commitment | None:
    """Read one process; None for one without memory: a kernel thread, a zombie. Raises Missing, Denied, ParseError."""
    return read_steadily(source, pid, lambda files, stat: _read(source, files, stat))


def _read(source: Source, files: ProcessFiles, stat: Stat | None) -> Commitment | None:
    if stat is not None and (stat.is_kernel_thread or stat.is_dead):
        return None
    try:
        status = files.read("status")
    except Missing:
        status = b""
    sizes = parse_status_sizes(status)
    found = _from_smaps(files)
    is_estimate = found is None
    if found is None:
        private = sizes.get("VmData", 0) + sizes.get("VmStk", 0)
        found = Accounted(private, private)
    uid = files.uid()
    is_admin = bool(parse_status_capabilities(status) >> CAP_SYS_ADMIN & 1) if status else uid == 0
    return Commitment(
        files.pid,
        "?" if uid is None else source.user_name(uid) or str(uid),
        "?" if stat is None else stat.comm.decode("utf-8", "surrogateescape"),
        found.whole,
        found.copied,
        sizes.get("VmSize", 0) if stat is None else stat.vsize,
        is_admin,
        is_estimate,
    )


def _from_smaps(files: ProcessFiles) -> Accounted | None:
    try:
        return accounted(files.chunks("smaps"), f"{files.pid}/smaps")
    except (Missing, Denied):
        return None


def forks_of(row: Commitment, memory: Memory, page_size: int, version: Version | None) -> int | None:
    """Say how often a process could fork in mode 2; None: without limit."""
    caller = Caller(row.address_space // page_size, row.is_admin)
    return forks(row.charged_by_fork // page_size, memory, caller, version)

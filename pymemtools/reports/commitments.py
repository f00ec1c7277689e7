"""How much memory has the kernel promised each process, and how often could it fork if promises were kept?"""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import Denied, Missing, ParseError
from pymemtools.models.overcommit import Caller, Memory, forks
from pymemtools.models.release import Version
from pymemtools.procfs.smaps_accounted import Accounted, accounted
from pymemtools.procfs.smaps_tally import Tally
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.status import parse_status_capabilities, parse_status_sizes
from pymemtools.reports.steady import read_steadily
from pymemtools.sources.base import ProcessFiles, Source
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
        found = Accounted(private, private, private)
    uid = files.uid()
    is_admin = bool(parse_status_capabilities(status) >> CAP_SYS_ADMIN & 1) if status else uid == 0
    return Commitment(
        files.pid,
        "?" if uid is None else source.user_name(uid) or str(uid),
        "?" if stat is None else stat.comm.decode("utf-8", "surrogateescape"),
        found.whole,
        found.copied,
        found.largest,
        sizes.get("VmSize", 0) if stat is None or stat.vsize is None else stat.vsize,
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


def private_memory(source: Source, pid: int) -> tuple[int | None, int | None]:
    """Give the bytes of a process that a fork shares until one writes: anonymous pages; and its page tables.

    None where the source does not tell. RssAnon, Linux 4.5, counts what is resident; what is swapped out is copied
    when it comes back, and counted, too.
    """

    def read(files: ProcessFiles, stat: Stat | None) -> tuple[int | None, int | None]:
        try:
            sizes = parse_status_sizes(files.read("status"))
        except Missing:
            sizes = {}
        anonymous = sizes.get("RssAnon")
        if anonymous is None:
            tally = Tally(("Anonymous",))
            try:
                for chunk in files.chunks("smaps"):
                    tally.feed(chunk)
                anonymous = tally.finish().sums["Anonymous"]
            except (Missing, Denied):
                return None, sizes.get("VmPTE")
        return plus(anonymous, sizes.get("VmSwap", 0)), sizes.get("VmPTE")

    return read_steadily(source, pid, read)

"""What /proc/PID/status says of a process's memory, and how near it is to the limit of mappings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.status import parse_status_name, parse_status_number, parse_status_sizes
from pymemtools.readings.mappings import read_smaps
from pymemtools.readings.processes import Wants, expect_processes, read_processes
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.base import ProcessFiles, Source

NEAR_PERCENT = 80  # of vm.max_map_count: time to warn
# The highest there have been, of each process at its own time: their sum means nothing.
PEAKS = frozenset(("VmPeak", "VmHWM"))
_IN_SMAPS = {"VmSize": "Size", "VmRSS": "Rss", "VmSwap": "Swap"}


class StatusRow(NamedTuple):
    """One process; sizes in bytes, None where its status or its maps do not tell."""

    pid: int
    name: str
    sizes: dict[str, int]  # by the kernel's names, in its order; empty for a kernel thread
    threads: int | None
    maps: int | None
    max_map_count: int | None
    is_from_smaps: bool  # the capture has no status: the sizes are sums over smaps

    @property
    def maps_percent(self) -> float | None:
        """Tell how much of vm.max_map_count is used up; at 100 mmap fails."""
        if self.maps is None or not self.max_map_count:
            return None
        return 100.0 * self.maps / self.max_map_count

    @property
    def is_near_limit(self) -> bool:
        """Tell whether it is time to worry."""
        return (self.maps_percent or 0) >= NEAR_PERCENT


def read_status(source: Source, pid: int) -> StatusRow:
    """Read one process. Raises Missing when there is none, or neither status nor smaps was captured; Denied."""
    limit = max_map_count(source)

    def read(files: ProcessFiles, stat: Stat | None) -> StatusRow:
        try:
            text = files.read("status")
        except Missing:
            if source.is_live:
                raise
            return _from_smaps(files, stat, limit)
        name = parse_status_name(text) or b"?"
        threads = parse_status_number(text, "Threads")
        tgid = parse_status_number(text, "Tgid") or pid
        return StatusRow(tgid, _text(name), parse_status_sizes(text), threads, _count_maps(files), limit, False)

    return read_steadily(source, pid, read)


def max_map_count(source: Source) -> int | None:
    """Read vm.max_map_count; a capture may lack it, or hold something else."""
    try:
        text = source.read("sys/vm/max_map_count").strip()
    except MemtoolsError:
        return None
    return int(text) if re.fullmatch(rb"[0-9]{1,10}", text) else None


def _from_smaps(files: ProcessFiles, stat: Stat | None, limit: int | None) -> StatusRow:
    """Sum what smemcap leaves: smaps, of which status's figures are the totals. Raises Missing."""
    table = read_smaps(files, frozenset(_IN_SMAPS.values()).__contains__)
    columns = {key: table.columns[field] for key, field in _IN_SMAPS.items() if field in table.columns}
    sizes = {key: _total(column) or 0 for key, column in columns.items()}
    name = "?" if stat is None else _text(stat.comm)
    return StatusRow(files.pid, name, sizes, None, len(table.mappings), limit, True)


def _count_maps(files: ProcessFiles) -> int | None:
    try:
        return sum(chunk.count(b"\n") for chunk in files.chunks("maps"))
    except (Missing, Denied):
        pass
    try:
        return len(read_smaps(files, lambda key: False).mappings)
    except (Missing, Denied):
        return None


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def total_of(rows: Sequence[StatusRow], key: str) -> int | None:
    """Add up one size; shared pages count once for each process. Peaks have no sum."""
    known = [row.sizes[key] for row in rows if key in row.sizes]
    return sum(known) if known and key not in PEAKS else None


class Ratio(NamedTuple):
    """How much of what is mapped is in memory, over many processes; bytes."""

    processes: int
    vsz: int
    rss: int
    pss: int | None  # of the processes whose smaps could be read
    pss_vsz: int | None  # their address space
    unreadable: int
    seen: int  # processes with memory
    reason: str  # why the unreadable ones are

    @property
    def rss_to_vsz(self) -> float | None:
        """Give what the one-liner of ps and awk gives: shared pages count once for each of their users."""
        return self.rss / self.vsz if self.vsz else None

    @property
    def pss_to_vsz(self) -> float | None:
        """Give it with each page counted once."""
        return None if self.pss is None or not self.pss_vsz else self.pss / self.pss_vsz


def read_ratio(source: Source) -> Ratio:
    """Read of every process its status, which anyone may, and its smaps_rollup or smaps, which few may."""
    expect_processes(source)
    sample = read_processes(source, Wants(("Rss", "Pss", "Size"), rollup=True, status=True))
    sizes = [process.status for process in sample.everybody if process.status]
    sums = [process.sums for process in sample.processes]
    if not sizes:
        # smemcap takes no status; the sums of smaps are the same figures.
        sizes = [{"VmSize": each.get("Size") or 0, "VmRSS": each.get("Rss") or 0} for each in sums]
    pss = _total(each.get("Pss") for each in sums)
    return Ratio(
        len(sizes),
        sum(each.get("VmSize", 0) for each in sizes),
        sum(each.get("VmRSS", 0) for each in sizes),
        pss if sample.has_pss else None,
        _total(each.get("Size") for each in sums) if sample.has_pss else None,
        sample.unreadable,
        sample.seen,
        sample.reason,
    )


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None

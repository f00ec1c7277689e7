"""One process's /proc/PID/status, or what smaps tell in its place, and how many mappings it has of those it may."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.status import parse_status_number, parse_status_sizes
from pymemtools.readings.mappings import read_smaps
from pymemtools.readings.process import identify
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.units import whole_number

NEAR_PERCENT = 80  # of vm.max_map_count: time to warn
_IN_SMAPS = {"VmSize": "Size", "VmRSS": "Rss", "VmSwap": "Swap"}


class StatusRow(NamedTuple):
    """One process; sizes in bytes, None where its status or its maps do not tell."""

    pid: int
    name: str
    sizes: dict[str, int]  # by the kernel's names, in its order; empty for a kernel thread
    threads: int | None
    mappings: int | None
    max_map_count: int | None
    is_from_smaps: bool  # the capture has no status: the sizes are sums over smaps

    @property
    def mappings_percent(self) -> float | None:
        """Tell how much of vm.max_map_count is used up; at 100 mmap fails."""
        if self.mappings is None or not self.max_map_count:
            return None
        return 100.0 * self.mappings / self.max_map_count

    @property
    def is_near_limit(self) -> bool:
        """Tell whether it is time to worry."""
        return (self.mappings_percent or 0) >= NEAR_PERCENT


def read_status(source: Source, pid: int) -> StatusRow:
    """Read one process. Raises Missing when there is none, or neither status nor smaps was captured; Denied."""
    limit = max_map_count(source)

    def read(files: ProcessFiles, stat: Stat | None) -> StatusRow:
        try:
            text = files.read("status")
        except Missing:
            if source.is_live:
                raise
            return _from_smaps(files, identify(files, stat).name, limit)
        name = identify(files, stat).name
        threads = parse_status_number(text, "Threads")
        tgid = parse_status_number(text, "Tgid") or pid
        return StatusRow(tgid, name, parse_status_sizes(text), threads, _count_maps(files), limit, False)

    return read_steadily(source, pid, read)


def max_map_count(source: Source) -> int | None:
    """Read vm.max_map_count; a capture may lack it, or hold something else."""
    try:
        text = source.read("sys/vm/max_map_count").strip()
    except MemtoolsError:
        return None
    return whole_number(text)


def _from_smaps(files: ProcessFiles, name: str, limit: int | None) -> StatusRow:
    """Sum what smemcap leaves: smaps, of which status's figures are the totals. Raises Missing."""
    table = read_smaps(files, frozenset(_IN_SMAPS.values()).__contains__)
    columns = {key: table.columns[field] for key, field in _IN_SMAPS.items() if field in table.columns}
    sizes = {key: sum(size or 0 for size in column) for key, column in columns.items()}
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

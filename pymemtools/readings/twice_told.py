"""Read of each process, and of its memory group, the figures that several of the kernel's files tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pymemtools.errors import Denied, MemtoolsError, Missing, ParseError
from pymemtools.procfs.cgroup_memory import parse_amount, parse_stat
from pymemtools.procfs.smaps.accounted import Accounting
from pymemtools.procfs.smaps.rollup import parse_smaps_rollup
from pymemtools.procfs.smaps.table import SmapsReader, SmapsTable
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.statm import Statm, parse_statm
from pymemtools.procfs.status import parse_status_capabilities, parse_status_sizes
from pymemtools.readings.cgroup_path import find_hierarchy, group_of
from pymemtools.readings.process import ALIVE, Process, identify, small_number
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.attended import while_reading
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.units import KIB

_T = TypeVar("_T")
# Mappings at fixed addresses that the kernel shows with every process and counts with none: get_gate_vma().
_GATES = (b"[vsyscall]", b"[vectors]")
_MOST_GROUPS = 100


class Summed(NamedTuple):
    """What the mappings of a process add up to, in bytes."""

    mappings: int
    sums: Mapping[str, int]  # by the kernel's names; Size without gates
    page_size: int | None  # the smallest KernelPageSize: hugetlbfs has larger ones
    accounted: int | None  # what Committed_AS counts; None before Linux 3.8


class Told(NamedTuple):
    """One process as each of its files tells it; None where there is no such file, or it is damaged."""

    process: Process  # with status, scores and capabilities
    stat: Stat | None
    statm: Statm | None
    rollup: Mapping[str, int] | None  # bytes
    smaps: Summed | None


class Charged(NamedTuple):
    """A memory group's usage, in bytes, and its memory.stat."""

    path: str
    version: int
    usage: int
    stat: Mapping[str, int]


def read_told(source: Source, pids: Sequence[int]) -> tuple[list[Told], int]:
    """Read processes, and count those with memory that may not be read. What vanishes is left out."""
    found, unreadable = [], 0
    with while_reading(source, len(pids)):
        for pid in pids:
            try:
                told = read_steadily(source, pid, _read)
            except Missing:
                continue
            except MemtoolsError:
                unreadable += 1
                continue
            unreadable += told.process.refused is not None
            found.append(told)
    return found, unreadable


def _read(files: ProcessFiles, stat: Stat | None) -> Told:
    process = identify(files, stat)
    status = _optional(files, "status", bytes)
    statm = _optional(files, "statm", parse_statm)
    process = process._replace(
        status=None if status is None else parse_status_sizes(status),
        capabilities=parse_status_capabilities(status) if status and b"\nCapEff:" in status else None,
        oom_score=_optional(files, "oom_score", small_number),
        oom_score_adj=_optional(files, "oom_score_adj", small_number),
    )
    if process.life != ALIVE:
        return Told(process, stat, statm, None, None)
    rollup = _optional(files, "smaps_rollup", parse_smaps_rollup)
    try:
        return Told(process, stat, statm, rollup, _summed(files))
    except Denied as error:
        return Told(process._replace(refused=str(error)), stat, statm, rollup, None)


def _summed(files: ProcessFiles) -> Summed | None:
    """Add up smaps; None where there is none, or a damaged one. Raises Denied."""
    reader = SmapsReader()
    try:
        for chunk in files.chunks("smaps"):
            reader.feed(chunk)
        table = reader.finish()
    except (Missing, ParseError):
        return None
    if not table.mappings or table.cut_short:
        return None
    sums = {
        key: sum(size for size in column if size is not None)
        for key, column in table.columns.items()
        if key not in table.counts
    }
    sizes = table.columns.get("Size", ())
    gates = [size or 0 for name, size in zip(table.mappings.names, sizes) if name in _GATES]
    sums["Size"] = sums.get("Size", 0) - sum(gates)
    pages = [size for size in table.columns.get("KernelPageSize", ()) if size]
    return Summed(len(table.mappings), sums, min(pages, default=None), _charged(table))


def _charged(table: SmapsTable) -> int | None:
    accounting = Accounting()
    if any(table.mappings.vmflags):
        accounting.add(table.mappings.vmflags, [(size or 0) // KIB for size in table.columns.get("Size", ())])
    accounted = accounting.finish()
    return None if accounted is None else accounted.whole


def read_charged(source: Source, pids: Iterable[int]) -> list[Charged]:
    """Read the memory groups of processes, but for the root, which has no usage of its own. Raises Missing."""
    hierarchy = find_hierarchy(source)
    paths: dict[str, None] = {}
    for pid in pids:
        try:
            path = group_of(source, hierarchy, pid)
        except MemtoolsError:
            continue
        if path not in (None, "/") and len(paths) < _MOST_GROUPS:
            paths[str(path)] = None
    usage = "memory.usage_in_bytes" if hierarchy.version == 1 else "memory.current"
    found = []
    for path in paths:
        directory = f"{hierarchy.point}{path}"
        try:
            stat = parse_stat(source.read(f"{directory}/memory.stat"))
            found.append(
                Charged(path, hierarchy.version, parse_amount(source.read(f"{directory}/{usage}"), usage), stat)
            )
        except MemtoolsError:
            continue
    return found


def _optional(files: ProcessFiles, name: str, parse: Callable[[bytes], _T | None]) -> _T | None:
    try:
        return parse(files.read(name))
    except MemtoolsError:
        return None

"""Rows of processes, mappings and users, by the keys of their columns; amounts in bytes, unknown is None."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pymemtools.procfs.cgroup import unit_of
from pymemtools.readings.process import Process
from pymemtools.reports.smem.columns import AVERAGES, Figure
from pymemtools.units import KIB

Value = int | str | None
Row = dict[str, Value]
Sums = Mapping[str, "int | None"]
Figures = Sequence[Figure]


def figures_of(sums: Sums, figures: Figures) -> Row:
    """Add the kernel's fields up to figures; what is not known of one is not counted, or makes it unknown."""
    get = sums.get
    row: Row = {}
    for (key, *_), fields, needs_all in figures:
        total = get(fields[0])
        if total is not None:
            for field in fields[1:]:
                value = get(field)
                if value is not None:
                    total += value
                elif needs_all:
                    total = None
                    break
        row[key] = total
    return row


def owner_of(process: Process, *, numeric: bool) -> str | int:
    """Name the owner, or give the number."""
    return process.uid if numeric and process.uid is not None else process.owner


def process_rows(processes: Iterable[Process], figures: Figures, *, numeric: bool = False) -> Iterator[Row]:
    """Make one row of each process, when it is asked for: there may be very many."""
    for process in processes:
        yield {
            "pid": process.pid,
            "starttime_ticks": process.starttime_ticks,
            "user": owner_of(process, numeric=numeric),
            "name": process.name,
            "command": process.command,
            "mappings": process.maps,
            **figures_of(process.sums, figures),
            "cgroup": process.cgroup,
            "unit": unit_of(process.cgroup),
            "oom_score": process.oom_score,
        }


def user_rows(processes: Sequence[Process], figures: Figures, *, numeric: bool = False) -> list[Row]:
    """Sum processes by owner."""
    owners: dict[str | int, list[Process]] = {}
    for process in processes:
        owners.setdefault(owner_of(process, numeric=numeric), []).append(process)
    return [{"user": user, "processes": len(members), **sum_of(members, figures)} for user, members in owners.items()]


def sum_of(processes: Iterable[Process], figures: Figures) -> Row:
    """Add up what processes hold; a figure that none of them has stays unknown."""
    return figures_of(add_up(process.sums for process in processes), figures)


def add_up(several: Iterable[Sums]) -> dict[str, int | None]:
    """Add sums of the kernel's fields key by key; one that none of them knows stays unknown."""
    sums: dict[str, int | None] = {}
    for one in several:
        for key, value in one.items():
            if value is not None:
                sums[key] = (sums.get(key) or 0) + value
    return sums


def mapping_rows(processes: Sequence[Process], fields: Sequence[str], figures: Figures) -> list[Row]:
    """Sum mappings by name over all processes; ``fields`` are those the processes were read with."""
    known = [any(process.sums.get(field) is not None for process in processes) for field in fields]
    groups: dict[bytes, list[int]] = {}
    for process in processes:
        for name, amounts in process.by_name.items():
            group = groups.get(name)
            if group is None:
                groups[name] = [1, *amounts]
                continue
            group[0] += 1
            for i, value in enumerate(amounts, 1):
                if value:
                    group[i] += value
    return [
        _mapping_row(name, pids, maps, dict(zip(fields, _known(amounts, known))), figures)
        for name, (pids, maps, *amounts) in groups.items()
    ]


def _known(values: Sequence[int], known: Sequence[bool]) -> list[int | None]:
    return [value if is_known else None for value, is_known in zip(values, known)]


def _mapping_row(name: bytes, processes: int, mappings: int, sums: Sums, figures: Figures) -> Row:
    """Make a row; averages are rounded down to KiB, as in smem."""
    row = figures_of(sums, figures)
    averages: Row = {}
    for key, of in AVERAGES.items():
        total = row.get(of)
        averages[key] = total // KIB // processes * KIB if isinstance(total, int) else None
    path = name.decode("utf-8", "surrogateescape")
    return {"path": path, "mappings": mappings, "processes": processes, **row, **averages}

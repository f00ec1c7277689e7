"""The questions of smem: what does each process, mapping, user or group of processes hold?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pymemtools.procfs.cgroup import unit_of
from pymemtools.reports.processes import Process

USS = ("Private_Clean", "Private_Dirty")


class ProcessRow(NamedTuple):
    """One process; sizes in bytes, unknown is None."""

    pid: int
    user: str | int
    name: str
    command: str
    maps: int | None
    swap: int | None
    uss: int | None
    rss: int | None
    pss: int | None
    vss: int | None
    swappss: int | None
    tpss: int | None
    pss_anon: int | None
    pss_file: int | None
    pss_shmem: int | None
    pss_dirty: int | None
    anon: int | None
    shmem: int | None
    hugetlb: int | None
    thp: int | None
    ksm: int | None
    locked: int | None
    cgroup: str | None
    unit: str | None
    oom_score: int | None


class MappingRow(NamedTuple):
    """One backing object, summed over the processes that map it; sizes in bytes."""

    map: str
    count: int  # type: ignore[assignment]  # the column is smem's; nobody counts in a row
    pids: int
    swap: int | None
    uss: int | None
    rss: int | None
    pss: int | None
    vss: int | None
    avgpss: int | None
    avguss: int | None
    avgrss: int | None
    swappss: int | None
    tpss: int | None
    pss_dirty: int | None
    anon: int | None
    hugetlb: int | None
    thp: int | None
    ksm: int | None
    locked: int | None


class UserRow(NamedTuple):
    """One user, summed over processes; sizes in bytes."""

    user: str | int
    count: int  # type: ignore[assignment]  # as in MappingRow
    swap: int | None
    uss: int | None
    rss: int | None
    pss: int | None
    vss: int | None
    swappss: int | None
    tpss: int | None
    pss_anon: int | None
    pss_file: int | None
    pss_shmem: int | None
    pss_dirty: int | None
    anon: int | None
    shmem: int | None
    hugetlb: int | None
    thp: int | None
    ksm: int | None
    locked: int | None


class GroupRow(NamedTuple):
    """Processes that belong together, summed; sizes in bytes."""

    group: str
    count: int  # type: ignore[assignment]  # as in MappingRow
    swap: int | None
    uss: int | None
    rss: int | None
    pss: int | None
    vss: int | None
    swappss: int | None
    tpss: int | None
    pss_anon: int | None
    pss_file: int | None
    pss_shmem: int | None
    pss_dirty: int | None
    anon: int | None
    shmem: int | None
    hugetlb: int | None
    thp: int | None
    ksm: int | None
    locked: int | None


# What each figure of a row is the sum of, in the kernel's names: smaps, but for the Pss_* split (smaps_rollup only)
# and RssShmem (status).
FIGURES: Mapping[str, tuple[str, ...]] = {
    "swap": ("Swap",),
    "uss": USS,
    "rss": ("Rss",),
    "pss": ("Pss",),
    "vss": ("Size",),
    "swappss": ("SwapPss",),
    "tpss": ("Pss", "SwapPss"),
    "pss_anon": ("Pss_Anon",),
    "pss_file": ("Pss_File",),
    "pss_shmem": ("Pss_Shmem",),
    "pss_dirty": ("Pss_Dirty",),
    "anon": ("Anonymous",),
    "shmem": ("RssShmem",),
    "hugetlb": ("Shared_Hugetlb", "Private_Hugetlb"),
    "thp": ("AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"),
    "ksm": ("KSM",),
    "locked": ("Locked",),
    "avgpss": ("Pss",),
    "avguss": USS,
    "avgrss": ("Rss",),
}
SPLIT = frozenset(("Pss_Anon", "Pss_File", "Pss_Shmem"))
FROM_STATUS = frozenset(("RssShmem",))


def smaps_keys(fields: Sequence[str]) -> tuple[str, ...]:
    """Name the fields of smaps that these columns need."""
    keys = dict.fromkeys(key for field in fields for key in FIGURES.get(field, ()))
    return tuple(key for key in keys if key not in SPLIT and key not in FROM_STATUS)


def figure(field: str, sums: Mapping[str, int | None]) -> int | None:
    """Sum the kernel's fields behind one column; None unless the first of them is known."""
    first, *others = FIGURES[field]
    total = sums.get(first)
    if total is None:
        return None
    if field == "tpss" and sums.get("SwapPss") is None:
        return None
    return total + sum(sums.get(key) or 0 for key in others)


def display_user(process: Process, *, numeric: bool) -> str | int:
    """Name the owner: the studied machine's name for it, else the number; ``?`` when nobody knows."""
    if process.uid is None:
        return "?"
    if numeric:
        return process.uid
    return process.user or str(process.uid)


def process_rows(processes: Sequence[Process], *, numeric: bool = False) -> list[ProcessRow]:
    """Make one row of each process."""
    return [
        ProcessRow._make(
            (
                process.pid,
                display_user(process, numeric=numeric),
                process.name,
                process.command,
                process.maps,
                *(figure(field, process.sums) for field in ProcessRow._fields[5:22]),
                process.cgroup,
                unit_of(process.cgroup),
                process.oom_score,
            )
        )
        for process in processes
    ]


def user_rows(processes: Sequence[Process], *, numeric: bool = False) -> list[UserRow]:
    """Sum processes by owner."""
    groups: dict[str | int, list[Process]] = {}
    for process in processes:
        groups.setdefault(display_user(process, numeric=numeric), []).append(process)
    return [_user_row(user, members) for user, members in groups.items()]


def _user_row(user: str | int, members: Sequence[Process]) -> UserRow:
    sums = _sums(members)
    return UserRow._make((user, len(members), *(figure(field, sums) for field in UserRow._fields[2:])))


def _sums(processes: Sequence[Process]) -> dict[str, int | None]:
    """Add up the kernel's fields over processes; a field that none has stays unknown."""
    sums: dict[str, int | None] = {}
    for process in processes:
        for key, value in process.sums.items():
            if value is not None:
                sums[key] = (sums.get(key) or 0) + value
    return sums


def mapping_rows(processes: Sequence[Process], keys: Sequence[str]) -> list[MappingRow]:
    """Sum mappings by name over all processes; ``keys`` are those the processes were read with."""
    known = [any(process.sums.get(key) is not None for process in processes) for key in keys]
    groups: dict[bytes, list[int]] = {}
    for process in processes:
        for name, figures in process.by_name.items():
            group = groups.get(name)
            if group is None:
                groups[name] = [1, *figures]
                continue
            group[0] += 1
            for i, value in enumerate(figures, 1):
                if value:
                    group[i] += value
    return [_mapping_row(name, group, keys, known) for name, group in groups.items()]


def _mapping_row(name: bytes, group: list[int], keys: Sequence[str], known: Sequence[bool]) -> MappingRow:
    pids, count, *values = group
    sums = {key: value if is_known else None for key, value, is_known in zip(keys, values, known)}
    cells: dict[str, int | None] = {field: figure(field, sums) for field in MappingRow._fields[3:]}
    for field in ("avgpss", "avguss", "avgrss"):
        value = cells[field]
        cells[field] = None if value is None else value // pids
    return MappingRow(name.decode("utf-8", "surrogateescape"), count, pids, **cells)

"""The questions of smem: what does each process, mapping or user hold?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from pymemtools.procfs.cgroup import unit_of
from pymemtools.readings.process import Process
from pymemtools.units import KIB

USS = ("Private_Clean", "Private_Dirty")
Value = int | str | None
Row = dict[str, Value]


class Figures(NamedTuple):
    """What processes or mappings hold, in bytes; unknown is None."""

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


class ProcessRow(NamedTuple):
    """One process."""

    pid: int
    starttime_ticks: int | None
    user: str | int
    name: str
    command: str
    maps: int | None
    figures: Figures
    cgroup: str | None
    unit: str | None
    oom_score: int | None


class MappingRow(NamedTuple):
    """One backing object, summed over the processes that map it; averages are rounded down to KiB, as in smem."""

    map: str
    count: int  # type: ignore[assignment]  # the column is smem's; nobody counts in a row
    pids: int
    figures: Figures
    avgpss: int | None
    avguss: int | None
    avgrss: int | None


class UserRow(NamedTuple):
    """One user, summed over processes."""

    user: str | int
    count: int  # type: ignore[assignment]  # as in MappingRow
    figures: Figures


class Rowlike(Protocol):
    """A row of any report."""

    def _asdict(self) -> dict[str, Any]: ...


def flat(row: Rowlike) -> Row:
    """Give a row's cells by field name, the figures among them."""
    cells = row._asdict()
    figures = cells.pop("figures", None)
    return cells if figures is None else cells | figures._asdict()


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
}
_FIRSTS = tuple(FIGURES[field][0] for field in Figures._fields)
_OTHERS = tuple((i, FIGURES[field][1:]) for i, field in enumerate(Figures._fields) if FIGURES[field][1:])
_PLACE_OF_USS = Figures._fields.index("uss")
_AVERAGES = {"avgpss": "pss", "avguss": "uss", "avgrss": "rss"}
SPLIT = ("Pss_Anon", "Pss_File", "Pss_Shmem")
FROM_STATUS = ("RssShmem",)


def kernel_fields(columns: Sequence[str]) -> tuple[str, ...]:
    """Name the kernel's fields that these columns need."""
    figures = (_AVERAGES.get(column, column) for column in columns)
    return tuple(dict.fromkeys(key for figure in figures for key in FIGURES.get(figure, ())))


def smaps_keys(columns: Sequence[str]) -> tuple[str, ...]:
    """Name those of the kernel's fields that smaps has."""
    return tuple(key for key in kernel_fields(columns) if key not in SPLIT and key not in FROM_STATUS)


def figures_of(sums: Mapping[str, int | None]) -> Figures:
    """Turn sums of the kernel's fields into figures; one is None unless its first field is known, of USS both."""
    get = sums.get
    figures = list(map(get, _FIRSTS))
    for i, others in _OTHERS:
        total = figures[i]
        if total is not None:
            figures[i] = total + sum(get(key) or 0 for key in others)
    if get(USS[1]) is None:
        figures[_PLACE_OF_USS] = None
    made = Figures._make(figures)
    return made if made.swappss is not None or made.tpss is None else made._replace(tpss=None)


def display_user(process: Process, *, numeric: bool) -> str | int:
    """Name the owner: the studied machine's name for it, else the number; ``?`` when nobody knows."""
    if process.uid is None:
        return "?"
    if numeric:
        return process.uid
    return process.user or str(process.uid)


def process_rows(processes: Iterable[Process], *, numeric: bool = False) -> Iterator[ProcessRow]:
    """Make one row of each process, when it is asked for: there may be very many."""
    for process in processes:
        yield ProcessRow(
            process.pid,
            process.starttime_ticks,
            display_user(process, numeric=numeric),
            process.name,
            process.command,
            process.maps,
            figures_of(process.sums),
            process.cgroup,
            unit_of(process.cgroup),
            process.oom_score,
        )


def user_rows(processes: Sequence[Process], *, numeric: bool = False) -> list[UserRow]:
    """Sum processes by owner."""
    groups: dict[str | int, list[Process]] = {}
    for process in processes:
        groups.setdefault(display_user(process, numeric=numeric), []).append(process)
    return [UserRow(user, len(members), sum_of(members)) for user, members in groups.items()]


def sum_of(processes: Iterable[Process]) -> Figures:
    """Add up what processes hold; a figure that none of them has stays unknown."""
    return figures_of(add_up(process.sums for process in processes))


def add_up(several: Iterable[Mapping[str, int | None]]) -> dict[str, int | None]:
    """Add sums of the kernel's fields key by key; one that none of them knows stays unknown."""
    sums: dict[str, int | None] = {}
    for one in several:
        for key, value in one.items():
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
    figures = figures_of({key: value if is_known else None for key, value, is_known in zip(keys, values, known)})
    averages = (
        None if total is None else total // KIB // pids * KIB for total in (figures.pss, figures.uss, figures.rss)
    )
    return MappingRow(name.decode("utf-8", "surrogateescape"), count, pids, figures, *averages)

"""The reports of smem and their columns: each is one line here, from key and header to the kernel's fields it sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pymemtools.procfs.smaps.fields import key_of
from pymemtools.readings.lost_pss import PRIVATE
from pymemtools.report import Column, column_named, plain_name


class Figure(NamedTuple):
    """A column that adds up fields of smaps, smaps_rollup or status.

    It is unknown unless the first of them is known; or all, where a kernel that lacks one would make it too small.
    """

    column: Column
    fields: tuple[str, ...]
    needs_all: bool = False

    @property
    def key(self) -> str:
        """Give the column's key."""
        return self.column.key


def _figure(key: str, title: str, help: str, *fields: str) -> Figure:
    return Figure(Column(key, title, help, "bytes", 8, "sum"), fields)


def _count(key: str, title: str, help: str) -> Column:
    return Column(key, title, help, "count", 5, "sum")


_CLASSIC = (
    _figure("swap", "Swap", "memory swapped out", "Swap"),
    _figure("uss", "USS", "unique set size: pages that only this one has", *PRIVATE)._replace(needs_all=True),
    _figure("rss", "RSS", "resident set size: all pages in RAM, shared ones included", "Rss"),
    _figure("pss", "PSS", "proportional set size: shared pages divided by their users", "Pss"),
    _figure("vss", "VSS", "virtual set size: all that is mapped", "Size"),
)
_MORE = (
    _figure("swap_pss", "SwapPSS", "proportional share of swap", "SwapPss"),
    _figure("tpss", "TPSS", "PSS and SwapPSS together", "Pss", "SwapPss")._replace(needs_all=True),
    _figure("pss_dirty", "PSSDirty", "dirty part of PSS (Linux 6.0 and later)", "Pss_Dirty"),
    _figure("anonymous", "Anon", "anonymous memory in RAM", "Anonymous"),
    _figure("hugetlb", "Hugetlb", "hugetlbfs pages, which RSS and USS leave out", "Shared_Hugetlb", "Private_Hugetlb"),
    _figure("thp", "THP", "memory in transparent huge pages", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"),
    _figure("ksm", "KSM", "memory merged by KSM", "KSM"),
    _figure("locked", "Locked", "memory locked by mlock", "Locked"),
)
_OF_WHOLE_PROCESSES = (
    _figure("pss_anon", "PSSAnon", "PSS of anonymous memory (from smaps_rollup)", "Pss_Anon"),
    _figure("pss_file", "PSSFile", "PSS of file pages (from smaps_rollup)", "Pss_File"),
    _figure("pss_shmem", "PSSShmem", "PSS of shared memory and tmpfs (from smaps_rollup)", "Pss_Shmem"),
    _figure("shmem", "Shmem", "resident shared memory and tmpfs (from status)", "RssShmem"),
)
FIGURES = (*_CLASSIC, *_MORE, *_OF_WHOLE_PROCESSES)
SPLIT = frozenset(("Pss_Anon", "Pss_File", "Pss_Shmem"))  # fields that smaps_rollup has alone
FROM_STATUS = frozenset(("RssShmem",))
AVERAGES = {"avg_pss": "pss", "avg_uss": "uss", "avg_rss": "rss"}
_ALL = tuple(figure.column for figure in FIGURES)
_PID = Column("pid", "PID", "process number", "count", 5, "rows")
_USER = Column("user", "User", "owner", "text", 8, "distinct", right=False)
_PROCESSES = _count("processes", "Count", "number of processes")
PROCESS_COLUMNS = (
    _PID,
    _USER,
    Column("name", "Name", "the kernel's name of the process", "text", 24, right=False, cut=True),
    Column("command", "Command", "command line", "text", 27, right=False, cut=True),
    _count("mappings", "Maps", "number of mappings"),
    *_ALL,
    Column("cgroup", "Cgroup", "control group", "text", 24, right=False),
    Column("unit", "Unit", "systemd unit", "text", 20, right=False),
    Column("oom_score", "OOM", "oom_score: the larger, the sooner killed", "score", 5),
)
MAPPING_COLUMNS = (
    Column("path", "Map", "file or kind of memory", "text", 40, "rows", right=False, cut=True),
    _count("mappings", "Count", "number of mappings"),
    _count("processes", "PIDs", "number of processes that map it"),
    *(figure.column for figure in _CLASSIC),
    *(Column(key, f"AVG{of.upper()}", f"{of.upper()} per process", "bytes", 8, "sum") for key, of in AVERAGES.items()),
    *(figure.column for figure in _MORE),
)
USER_COLUMNS = (_USER._replace(total=""), _PROCESSES, *_ALL)
GROUP_COLUMNS = (
    Column("group", "Group", "program, control group or unit", "text", 32, "rows", right=False, cut=True),
    _PROCESSES,
    *_ALL,
)
TREE_COLUMNS = (
    _PID,
    Column("depth", "Depth", "generations below the root of the tree", "count", 5),
    _USER,
    Column("command", "Command", "command line, indented by depth", "text", 27, right=False, cut=True),
    _PROCESSES._replace(help="number of processes: this one and its descendants"),
    *_ALL,
)
SYSTEM_COLUMNS = (
    Column("order", "Order", "place in the list", "count", 1),
    Column("area", "Area", "part of memory", "text", 24, right=False),
    Column("used", "Used", "memory in use", "bytes", 10, "sum"),
    Column("cache", "Cache", "the part of it that is cache", "bytes", 10, "sum"),
    Column("noncache", "Noncache", "the part of it that is not", "bytes", 10, "sum"),
)


class View(NamedTuple):
    """One of the reports."""

    columns: tuple[Column, ...]
    shown: tuple[str, ...]  # the columns without -c
    sort: str
    weight: str  # the amount that --top, --min and --diff go by when -s names none
    identity: tuple[str, ...]  # the keys that tell rows apart between two samples
    others: Mapping[str, str]  # other names of columns, those of smem 1.5 among them

    def column(self, name: str) -> Column | None:
        """Find a column by its name."""
        return column_named(self.columns, name, self.others)


_OTHERS = {"anon": "anonymous"}
_OF_PROCESSES = {**_OTHERS, "count": "processes"}
_SIZES = ("swap", "uss", "pss", "rss")
VIEWS = {
    "process": View(
        PROCESS_COLUMNS,
        ("pid", "user", "command", *_SIZES),
        *("pss", "pss", ("pid", "starttime_ticks")),
        {**_OTHERS, "maps": "mappings"},
    ),
    "mappings": View(
        MAPPING_COLUMNS,
        ("path", "processes", "avg_pss", "pss"),
        *("pss", "pss", ("path",)),
        {**_OTHERS, "map": "path", "count": "mappings", "pids": "processes"},
    ),
    "users": View(USER_COLUMNS, ("user", "processes", *_SIZES), "pss", "pss", ("user",), _OF_PROCESSES),
    "groups": View(GROUP_COLUMNS, ("group", "processes", *_SIZES), "pss", "pss", ("group",), _OF_PROCESSES),
    "tree": View(TREE_COLUMNS, ("pid", "user", "command", "processes", *_SIZES), "pss", "pss", ("pid",), _OF_PROCESSES),
    "system": View(SYSTEM_COLUMNS, ("area", "used", "cache", "noncache"), "order", "used", ("area",), {}),
}


def figures_for(keys: Iterable[str], unknown: Sequence[Figure] = ()) -> tuple[Figure, ...]:
    """Choose the figures that these columns show, or are the averages of; ``unknown`` are a newer kernel's."""
    wanted = {AVERAGES.get(key, key) for key in keys}
    return tuple(figure for figure in (*FIGURES, *unknown) if figure.key in wanted)


def field_named(fields: Iterable[str], name: str) -> Figure | None:
    """Make a column of a field of smaps that has none of its own, as newer kernels will; None where there is none."""
    for field in fields:
        if plain_name(name) in (plain_name(field), plain_name(key_of(field))):
            return _figure(key_of(field), field, f"{field} of smaps", field)
    return None

"""The reports of smem and their columns: header, JSON key, help and layout, each said once."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.report import Column


def _amount(field: str, title: str, help: str, columns: int = 8) -> Column:
    return Column(field, title, help, "bytes", columns, "sum")


def _count(field: str, title: str, help: str) -> Column:
    return Column(field, title, help, "count", 5, "sum")


CLASSIC_FIGURES = (
    _amount("swap", "Swap", "memory swapped out"),
    _amount("uss", "USS", "unique set size: pages that only this one has"),
    _amount("rss", "RSS", "resident set size: all pages in RAM, shared ones included"),
    _amount("pss", "PSS", "proportional set size: shared pages divided by their users"),
    _amount("vss", "VSS", "virtual set size: all that is mapped"),
)
SPLIT_FIGURES = (
    _amount("pss_anon", "PSSAnon", "PSS of anonymous memory (from smaps_rollup)"),
    _amount("pss_file", "PSSFile", "PSS of file pages (from smaps_rollup)"),
    _amount("pss_shmem", "PSSShmem", "PSS of shared memory and tmpfs (from smaps_rollup)"),
    _amount("shmem", "Shmem", "resident shared memory and tmpfs (from status)"),
)
MORE_FIGURES = (
    _amount("swappss", "SwapPSS", "proportional share of swap"),
    _amount("tpss", "TPSS", "PSS and SwapPSS together"),
    _amount("pss_dirty", "PSSDirty", "dirty part of PSS (Linux 6.0 and later)"),
    _amount("anon", "Anon", "anonymous memory in RAM"),
    _amount("hugetlb", "Hugetlb", "hugetlbfs pages, which RSS and USS leave out"),
    _amount("thp", "THP", "memory in transparent huge pages"),
    _amount("ksm", "KSM", "memory merged by KSM"),
    _amount("locked", "Locked", "memory locked by mlock"),
)
_FIGURES = (*CLASSIC_FIGURES, *MORE_FIGURES, *SPLIT_FIGURES)
PROCESS_COLUMNS = (
    Column("pid", "PID", "process number", "count", 5, "rows"),
    Column("user", "User", "owner", "text", 8, "distinct", right=False),
    Column("name", "Name", "the kernel's name of the process", "text", 24, right=False, cut=True),
    Column("command", "Command", "command line", "text", 27, right=False, cut=True),
    _count("maps", "Maps", "number of mappings"),
    *_FIGURES,
    Column("cgroup", "Cgroup", "control group", "text", 24, right=False),
    Column("unit", "Unit", "systemd unit", "text", 20, right=False),
    Column("oom_score", "OOM", "oom_score: the larger, the sooner killed", "count", 5),
)
MAPPING_COLUMNS = (
    Column("map", "Map", "file or kind of memory", "text", 40, "rows", right=False, cut=True),
    _count("count", "Count", "number of mappings"),
    _count("pids", "PIDs", "number of processes that map it"),
    *CLASSIC_FIGURES,
    _amount("avgpss", "AVGPSS", "PSS per process"),
    _amount("avguss", "AVGUSS", "USS per process"),
    _amount("avgrss", "AVGRSS", "RSS per process"),
    *MORE_FIGURES,
)
USER_COLUMNS = (
    Column("user", "User", "owner", "text", 8, right=False),
    _count("count", "Count", "number of processes"),
    *_FIGURES,
)
GROUP_COLUMNS = (
    Column("group", "Group", "program, control group or unit", "text", 32, "rows", right=False, cut=True),
    _count("count", "Count", "number of processes"),
    *_FIGURES,
)
TREE_COLUMNS = (
    Column("pid", "PID", "process number", "count", 5, "rows"),
    Column("depth", "Depth", "generations below the root of the tree", "count", 5),
    Column("user", "User", "owner", "text", 8, "distinct", right=False),
    Column("command", "Command", "command line, indented by depth", "text", 27, right=False, cut=True),
    _count("count", "Count", "number of processes: this one and its descendants"),
    *_FIGURES,
)
SYSTEM_COLUMNS = (
    Column("order", "Order", "place in the list", "count", 1),
    Column("area", "Area", "part of memory", "text", 24, right=False),
    _amount("used", "Used", "memory in use", 10),
    _amount("cache", "Cache", "the part of it that is cache", 10),
    _amount("noncache", "Noncache", "the part of it that is not", 10),
)


class View(NamedTuple):
    """One of the reports."""

    columns: tuple[Column, ...]
    shown: tuple[str, ...]  # the columns without -c
    sort: str
    weight: str  # the amount that --top, --min and --diff go by when -s names none
    key: tuple[str, ...]  # what tells rows apart between two samples

    def column(self, field: str) -> Column | None:
        """Find a column by its name."""
        return next((column for column in self.columns if column.key == field), None)


_SIZES = ("swap", "uss", "pss", "rss")
VIEWS = {
    "process": View(PROCESS_COLUMNS, ("pid", "user", "command", *_SIZES), "pss", "pss", ("pid", "starttime_ticks")),
    "mappings": View(MAPPING_COLUMNS, ("map", "pids", "avgpss", "pss"), "pss", "pss", ("map",)),
    "users": View(USER_COLUMNS, ("user", "count", *_SIZES), "pss", "pss", ("user",)),
    "groups": View(GROUP_COLUMNS, ("group", "count", *_SIZES), "pss", "pss", ("group",)),
    "tree": View(TREE_COLUMNS, ("pid", "user", "command", "count", *_SIZES), "pss", "pss", ("pid",)),
    "system": View(SYSTEM_COLUMNS, ("area", "used", "cache", "noncache"), "order", "used", ("area",)),
}

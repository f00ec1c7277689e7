"""A control group and those above it: the limits on the way up, and what each group holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pymemtools.errors import Missing
from pymemtools.procfs.cgroup_memory import parse_limit
from pymemtools.readings.cgroup_path import Hierarchy
from pymemtools.readings.group_files import GroupFiles
from pymemtools.sources.base import Source
from pymemtools.units import minus, plus

_CHARGED = ("anon", "file", "kernel", "sock", "hugetlb")


class Held(NamedTuple):
    """What memory.stat tells of a group, its children included, in bytes; None where the kernel does not tell."""

    file: int | None  # page cache, tmpfs and shared memory included
    shmem: int | None
    mapped: int | None  # file pages that programs have mapped, shared memory among them
    dirty: int | None  # and under writeback
    active_file: int | None
    inactive_file: int | None
    slab_reclaimable: int | None  # v1 does not tell
    swap: int | None

    @property
    def lru_file(self) -> int | None:
        """Add up the page cache that can be dropped, if need be after writeback."""
        return plus(self.active_file, self.inactive_file)


class Level(NamedTuple):
    """One group on the way up: its limits and what it holds, children included; bytes, None for no limit or unknown."""

    path: str
    version: int  # 1 or 2
    max: int | None  # memory.max, v1: memory.limit_in_bytes
    high: int | None
    usage: int | None
    held: Held
    swap_max: int | None  # v1: what memory.memsw.limit_in_bytes is above the limit
    swap_usage: int | None
    memsw_max: int | None = None  # v1: of memory and swap together
    memsw_usage: int | None = None
    swappiness: int | None = None  # v1; in v2 it is the machine's
    kills_all: bool = False  # memory.oom.group
    never_kills: bool = False  # v1: memory.oom_control says oom_kill_disable
    least_limit: int | None = None  # v1: the lowest of this limit and all above, those that a container hides, too
    stat: Mapping[str, int] = {}  # memory.stat
    doubts: tuple[str, ...] = ()  # what its files say that cannot be, each as a sentence

    @property
    def charged(self) -> int | None:
        """Add up what memory.stat says is charged; usage has that, and what processors have charged ahead."""
        before, keys = ("total_", ("cache", "rss")) if self.version == 1 else ("", _CHARGED)
        if any(f"{before}{key}" not in self.stat for key in keys[:2]):
            return None
        return sum(self.stat.get(f"{before}{key}", 0) for key in keys)

    @property
    def limit(self) -> int | None:
        """Give the lower of memory.max and memory.high."""
        return self.high if self.is_high_lower else self.max

    @property
    def limit_file(self) -> str:
        """Name the file of that limit."""
        return "memory.high" if self.is_high_lower else self.max_file

    @property
    def max_file(self) -> str:
        """Name the file of the limit that nothing gets past."""
        return "memory.limit_in_bytes" if self.version == 1 else "memory.max"

    @property
    def is_high_lower(self) -> bool:
        """Tell whether processes are slowed down before they reach the limit."""
        return self.high is not None and (self.max is None or self.high < self.max)

    @property
    def free(self) -> int | None:
        """Give what is left below the limit."""
        return minus(self.limit, self.usage)

    @property
    def swap_free(self) -> int | None:
        """Give what is left below the swap limit."""
        return minus(self.swap_max, self.swap_usage)

    @property
    def reclaimable(self) -> int | None:
        """Estimate what the kernel could take back without swap; v1 does not tell slab, which then counts as used."""
        return plus(self.held.lru_file, self.held.slab_reclaimable or 0)


def read_levels(source: Source, hierarchy: Hierarchy, path: str, known: dict[str, Level] | None = None) -> list[Level]:
    """Read a group and those above it whose limits hold for it, innermost first. Raises Missing without the group.

    ``known`` keeps what was read, for who asks of many groups: those above them are mostly the same.
    """
    if not source.names(f"{hierarchy.point}{path}".rstrip("/")):
        raise Missing(f"{path}: no such control group")
    levels: list[Level] = []
    known = {} if known is None else known
    for group in _upwards(path):
        files = GroupFiles(source, f"{hierarchy.point}{group}".rstrip("/"))
        if levels and hierarchy.version == 1 and files.text("memory.use_hierarchy") == b"0\n":
            break  # before Linux 5.11, v1 groups could be told not to count their children
        if group not in known:
            known[group] = level_of(files, hierarchy.version, group)
        levels.append(known[group])
    return levels


def _upwards(path: str) -> Iterator[str]:
    """Give a group's path and those of the groups above it, up to ``/``."""
    yield path
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        yield path


def level_of(files: GroupFiles, version: int, path: str) -> Level:
    """Read one group, whose files ``files`` reads."""
    level = _level_v1(files, path) if version == 1 else _level_v2(files, path)
    lacking = [name for name in files.absent if _is_expected(name, level)]
    return level._replace(doubts=(*files.doubts, *(f"{path}: no {name}: taken as no limit" for name in lacking)))


def _is_expected(name: str, level: Level) -> bool:
    """Tell whether a limit that is not there should be: beside the counter of what is used, which the root lacks."""
    used = {"memory.max": level.usage, "memory.high": level.usage, "memory.swap.max": level.swap_usage}
    return level.version == 2 and used.get(name) is not None


def doubts_of(levels: Iterable[Level]) -> Iterator[str]:
    """Say what cannot be, and below which limits nothing tells how much is used."""
    for level in levels:
        yield from level.doubts
        limits = ((level.limit_file, level.limit, level.usage), ("memory.swap.max", level.swap_max, level.swap_usage))
        for file, limit, used in limits:
            if limit is not None and used is None:
                yield f"nothing tells how much {level.path} uses of its {file}: what it leaves is known the less"


def _level_v2(files: GroupFiles, path: str) -> Level:
    stat = files.figures("memory.stat")
    held = Held(
        file=stat.get("file"),
        shmem=stat.get("shmem"),
        mapped=stat.get("file_mapped"),
        dirty=plus(stat.get("file_dirty"), stat.get("file_writeback", 0)),
        active_file=stat.get("active_file"),
        inactive_file=stat.get("inactive_file"),
        slab_reclaimable=stat.get("slab_reclaimable"),
        swap=None,
    )
    return Level(
        path,
        version=2,
        max=files.limit("memory.max"),
        high=files.limit("memory.high"),
        usage=files.amount("memory.current"),
        held=held,
        swap_max=files.limit("memory.swap.max"),
        swap_usage=files.amount("memory.swap.current"),
        kills_all=files.is_set("memory.oom.group"),
        stat=stat,
    )


def _level_v1(files: GroupFiles, path: str) -> Level:
    """Read v1's files; its swap limit is of memory and swap together, so what it adds to the limit is for swap."""
    limit = files.limit("memory.limit_in_bytes")
    memsw = files.limit("memory.memsw.limit_in_bytes")
    stat = files.figures("memory.stat")
    held = Held(
        file=stat.get("total_cache"),
        shmem=stat.get("total_shmem"),
        mapped=stat.get("total_mapped_file"),
        dirty=plus(stat.get("total_dirty"), stat.get("total_writeback", 0)),
        active_file=stat.get("total_active_file"),
        inactive_file=stat.get("total_inactive_file"),
        slab_reclaimable=None,
        swap=stat.get("total_swap"),
    )
    return Level(
        path,
        version=1,
        max=limit,
        high=None,
        usage=files.amount("memory.usage_in_bytes"),
        held=held,
        swap_max=minus(memsw, limit),
        swap_usage=held.swap,
        memsw_max=memsw,
        memsw_usage=files.amount("memory.memsw.usage_in_bytes"),
        swappiness=files.amount("memory.swappiness"),
        never_kills=files.figures("memory.oom_control").get("oom_kill_disable") == 1,
        least_limit=_known(stat.get("hierarchical_memory_limit")),
        stat=stat,
    )


def _known(limit: int | None) -> int | None:
    return None if limit is None else parse_limit(b"%d" % limit, "memory.stat")

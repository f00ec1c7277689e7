"""What a capture holds: the program takes these files, and so does the script that is made from the same tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from pymemtools.procfs.cgroup import parse_cgroups
from pymemtools.sources.base import Source

# Below /proc, or of the machine with a leading slash; where there is a *, all that there are.
SYSTEM_FILES = (
    *("meminfo", "version", "vmstat", "zoneinfo", "buddyinfo", "pagetypeinfo", "slabinfo", "swaps", "cmdline"),
    *("uptime", "iomem", "cpuinfo", "stat", "loadavg", "pressure/memory"),
    *("sys/kernel/randomize_va_space", "sys/kernel/pid_max", "sys/vm/*"),
    *("/sys/kernel/mm/ksm/*", "/sys/kernel/mm/transparent_hugepage/*"),
    *("/sys/kernel/mm/transparent_hugepage/khugepaged/*", "/sys/kernel/mm/lru_gen/*", "/sys/kernel/mm/swap/*"),
    # Memory that meminfo does not tell of: what swap takes of RAM, and the cache of ZFS.
    *("/sys/block/zram*/mm_stat", "/sys/block/zram*/bd_stat", "/sys/block/zram*/disksize"),
    *("/sys/block/zram*/comp_algorithm", "/sys/module/zswap/parameters/*", "/sys/kernel/debug/zswap/*"),
    "spl/kstat/zfs/arcstats",
)
# Reading stat_refresh makes the kernel fold its per-processor counters; the others can only be written.
NEVER_READ = ("sys/vm/stat_refresh", "sys/vm/drop_caches", "sys/vm/compact_memory")
# The large ones last: what follows them is read latest after the first look at stat.
PROCESS_FILES = (
    *("stat", "status", "cmdline", "comm", "cgroup", "oom_score", "oom_score_adj", "statm"),
    *("maps", "smaps_rollup", "smaps"),
)
CGROUP_FILES = (
    *("memory.max", "memory.high", "memory.min", "memory.low", "memory.current", "memory.stat", "memory.events"),
    *("memory.swap.max", "memory.swap.current", "memory.oom.group"),
    *("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes"),
    *("memory.soft_limit_in_bytes", "memory.use_hierarchy", "memory.swappiness", "memory.oom_control"),
)
_CGROUPS = "/sys/fs/cgroup"


def system_paths(source: Source) -> Iterator[str]:
    """Give the paths, in the source's terms, of the files that are no process's."""
    for pattern in SYSTEM_FILES:
        yield from (path for path in _matching(source, pattern) if path not in NEVER_READ)


def _matching(source: Source, pattern: str) -> list[str]:
    first, *parts = pattern.split("/")
    paths = [first]
    for part in parts:
        if "*" in part:
            paths = [f"{path}/{name}" for path in paths for name in source.names(path) if fnmatchcase(name, part)]
        else:
            paths = [f"{path}/{part}" for path in paths]
    return paths


def cgroup_paths(texts: Iterable[bytes]) -> Iterator[str]:
    """Give the paths of the memory controller's files for the groups that processes' cgroup files name, and above."""
    groups: set[str] = set()
    for text in set(texts):
        paths = parse_cgroups(text)
        for controller, mount in (("memory", f"{_CGROUPS}/memory"), ("", _CGROUPS)):
            parts = paths.get(controller, "").strip("/").split("/")
            if controller in paths and ".." not in parts:
                groups |= {"/".join([mount, *parts[:depth]]).rstrip("/") for depth in range(len(parts) + 1)}
    for group in sorted(groups):
        yield from (f"{group}/{name}" for name in CGROUP_FILES)


def member_name(path: str) -> str:
    """Name the member of the archive that holds a file.

    >>> member_name("1/smaps"), member_name("/sys/kernel/mm/ksm/run")
    ('proc/1/smaps', 'sys/kernel/mm/ksm/run')
    """
    return path[1:] if path.startswith("/") else f"proc/{path}"

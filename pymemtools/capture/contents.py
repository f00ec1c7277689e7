"""What a capture holds. The script in pymemtools/data/capture.sh takes the same; a test compares the two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pymemtools.procfs.cgroup import parse_cgroups
from pymemtools.sources.base import Source

SYSTEM_FILES = (
    *("meminfo", "version", "vmstat", "zoneinfo", "buddyinfo", "pagetypeinfo", "slabinfo", "swaps", "cmdline"),
    *("uptime", "iomem", "cpuinfo", "stat", "loadavg", "pressure/memory"),
    *("sys/kernel/randomize_va_space", "sys/kernel/pid_max"),
)
# The large ones last: what follows them is read latest after the first look at stat.
PROCESS_FILES = (
    *("stat", "status", "cmdline", "comm", "cgroup", "oom_score", "oom_score_adj", "statm"),
    *("maps", "smaps_rollup", "smaps"),
)
# Reading stat_refresh makes the kernel fold its per-processor counters; the others can only be written.
NEVER_READ = frozenset(("stat_refresh", "drop_caches", "compact_memory"))
KERNEL_MM = ("ksm", "transparent_hugepage", "transparent_hugepage/khugepaged", "lru_gen", "swap")
CGROUP_FILES = (
    *("memory.max", "memory.high", "memory.min", "memory.low", "memory.current", "memory.stat", "memory.events"),
    *("memory.swap.max", "memory.swap.current"),
    *("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes"),
    *("memory.soft_limit_in_bytes", "memory.use_hierarchy"),
)
_CGROUPS = "/sys/fs/cgroup"


def system_paths(source: Source) -> Iterator[str]:
    """Give the paths, in the source's terms, of the files that are no process's."""
    yield from SYSTEM_FILES
    yield from (f"sys/vm/{name}" for name in source.names("sys/vm") if name not in NEVER_READ)
    for folder in KERNEL_MM:
        yield from (f"/sys/kernel/mm/{folder}/{name}" for name in source.names(f"/sys/kernel/mm/{folder}"))


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

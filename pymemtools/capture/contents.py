"""Which files a capture takes: of the catalog those that are to be taken and are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from pymemtools.catalog import FILES, LEFT_OUT, NEVER_READ
from pymemtools.procfs.cgroup import parse_cgroups
from pymemtools.readings.cgroup_path import UNIFIED
from pymemtools.sources.base import Source


def _taken(prefix: str = "", *, each: bool = False) -> tuple[str, ...]:
    """Give the paths of the catalog with that prefix, less it; without one those of the machine.

    ``each`` is for those alone that a recording takes with each sample.
    """
    paths = [kept.path for kept in FILES if kept.is_taken and (kept.each or not each)]
    if not prefix:
        return tuple(path for path in paths if not path.startswith(("PID/", "GROUP/")))
    return tuple(path.removeprefix(prefix) for path in paths if path.startswith(prefix))


SYSTEM_FILES, PROCESS_FILES, CGROUP_FILES = _taken(), _taken("PID/"), _taken("GROUP/")
EACH_SYSTEM_FILES, EACH_PROCESS_FILES, EACH_CGROUP_FILES = (_taken(of, each=True) for of in ("", "PID/", "GROUP/"))
NUMA_MAPS = "numa_maps"  # of a process, on request: the kernel walks all its pages, as for smaps
LEFT_OUT_BY_VEIL = frozenset(kept.path for kept in FILES if kept.veil == LEFT_OUT)
_CGROUPS = "/sys/fs/cgroup"


def system_paths(source: Source, patterns: Iterable[str] = SYSTEM_FILES) -> Iterator[str]:
    """Give the paths, in the source's terms, of the files that are no process's."""
    for pattern in patterns:
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


def cgroup_paths(source: Source, texts: Iterable[bytes]) -> Iterator[str]:
    """Give the paths of the memory controller's files for the groups that processes' cgroup files name, and above."""
    for group in cgroup_folders(source, texts):
        yield from (f"{group}/{name}" for name in CGROUP_FILES)


def cgroup_folders(source: Source, texts: Iterable[bytes]) -> list[str]:
    """Give the folders of the memory controller for the groups that processes' cgroup files name, and above."""
    unified = UNIFIED if source.names(UNIFIED) else _CGROUPS
    groups: set[str] = set()
    for text in set(texts):
        paths = parse_cgroups(text)
        for controller, mount in (("memory", f"{_CGROUPS}/memory"), ("", unified)):
            parts = paths.get(controller, "").strip("/").split("/")
            if controller in paths and ".." not in parts:
                groups |= {"/".join([mount, *parts[:depth]]).rstrip("/") for depth in range(len(parts) + 1)}
    return sorted(groups)


def member_name(path: str) -> str:
    """Name the member of the archive that holds a file.

    >>> member_name("1/smaps"), member_name("/sys/kernel/mm/ksm/run")
    ('proc/1/smaps', 'sys/kernel/mm/ksm/run')
    """
    return path[1:] if path.startswith("/") else f"proc/{path}"

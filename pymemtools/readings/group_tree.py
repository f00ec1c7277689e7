"""All memory groups from one downwards, each read once; those that end meanwhile are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.procfs.pressure import Pressure, parse_pressure
from pymemtools.readings.cgroup_path import OF_CONTROLLERS, UNITS, Hierarchy
from pymemtools.readings.group_files import ForgivingFiles
from pymemtools.readings.groups import Level, level_of
from pymemtools.sources.base import Source
from pymemtools.units import plus

_LONGEST_PATH = 4000  # bytes; PATH_MAX is 4096, and a file's name comes behind it
_TRIES = 3
_FILES_OF_V1 = ("tasks", "notify_on_release", "release_agent")
# What the counter of all kernel memory is made of, before Linux 5.18 has one: mm/memcontrol.c, memory_stats[].
_OF_KERNEL = ("kernel_stack", "pagetables", "percpu")


class GroupReading(NamedTuple):
    """One group of the tree; amounts in bytes, None where its kernel does not tell."""

    level: Level
    depth: int  # below the first
    parent: int | None  # its place in the tree
    limits_children: bool  # its limits are those of the groups in it, too
    peak: int | None
    slab: int | None  # v1 does not tell
    kernel: int | None  # v1: memory.kmem.usage_in_bytes
    sock: int | None
    events: Mapping[str, int]  # how often: memory.events; of v1 what is the same there
    pressure: Pressure


class GroupTree(NamedTuple):
    """Groups, each behind the one that it is in."""

    groups: Sequence[GroupReading]
    refused: int  # of which something could not be read
    reason: str  # why not, of the first
    too_deep: int  # whose paths are longer than the kernel opens
    doubts: Sequence[str]  # what their files say that cannot be, each as a sentence


def read_tree(source: Source, hierarchy: Hierarchy, top: str) -> GroupTree:
    """Read the groups from ``top`` downwards. Raises Missing without it."""
    walk = _Walk(source, hierarchy)
    walk.down_from(top)
    if not walk.groups:
        raise Missing(f"{top}: no such control group")
    reason = str(walk.refused[0]) if walk.refused else ""
    return GroupTree(walk.groups, len(walk.refused), reason, walk.too_deep, walk.doubts)


class _Walk:
    """Goes down a tree, and learns on the way which names are no group's."""

    def __init__(self, source: Source, hierarchy: Hierarchy) -> None:
        self._source = source
        self._hierarchy = hierarchy
        self._files = set(_FILES_OF_V1)
        self.groups: list[GroupReading] = []
        self.refused: list[MemtoolsError] = []
        self.doubts: list[str] = []
        self.too_deep = 0

    def down_from(self, top: str) -> None:
        waiting: list[tuple[str, int, int | None]] = [(top, 0, None)]
        while waiting:
            path, depth, parent = waiting.pop()
            if parent is not None and path.rpartition("/")[2] in self._files:
                continue
            names = self._names(path)
            if not self._has_read(path, depth, parent, names):
                continue
            here, stem = len(self.groups) - 1, path.rstrip("/")
            waiting += [(f"{stem}/{child}", depth + 1, here) for child in reversed(names) if child not in self._files]

    def _directory(self, path: str) -> str:
        return f"{self._hierarchy.point}{path}".rstrip("/")

    def _names(self, path: str) -> list[str]:
        """List what is in a group; nothing for what is none."""
        name = path.rpartition("/")[2]
        may_be_file = name.startswith(OF_CONTROLLERS) and not name.endswith(UNITS)
        if len(path.encode("utf-8", "surrogateescape")) > _LONGEST_PATH:
            self.too_deep += not may_be_file
            return []
        names = self._source.names(self._directory(path))
        if names:
            return names
        try:
            self._source.read(f"{self._directory(path)}/memory.stat")
        except Denied as error:  # a group that may not be listed
            self.refused.append(error)
        except MemtoolsError:
            if may_be_file:
                self._files.add(name)
        return []

    def _has_read(self, path: str, depth: int, parent: int | None, names: Sequence[str]) -> bool:
        """Read a group; tell whether it is one, and still there.

        One that is removed meanwhile may be made anew under its name, and is then read again.
        """
        for _ in range(_TRIES):
            if not names:
                return False
            files = ForgivingFiles(self._source, self._directory(path), names)
            found = _group(files, self._hierarchy.version, path)
            if not files.is_short:
                break
            names = self._source.names(self._directory(path))
        if not names:
            return False
        if files.refused is not None:
            self.refused.append(files.refused)
        self.doubts += files.doubts
        self.groups.append(found._replace(depth=depth, parent=parent))
        return True


def _group(files: ForgivingFiles, version: int, path: str) -> GroupReading:
    level = level_of(files, version, path)
    stat, is_old = level.stat, version == 1
    return GroupReading(
        level,
        depth=0,
        parent=None,
        limits_children=files.text("memory.use_hierarchy") != b"0\n",
        peak=files.amount("memory.max_usage_in_bytes" if is_old else "memory.peak"),
        slab=plus(stat.get("slab_reclaimable"), stat.get("slab_unreclaimable")),
        kernel=files.amount("memory.kmem.usage_in_bytes") if is_old else _kernel(stat),
        sock=files.amount("memory.kmem.tcp.usage_in_bytes") if is_old else stat.get("sock"),
        events=_events_v1(files) if is_old else files.figures("memory.events"),
        pressure=files.parsed("memory.pressure", parse_pressure) or Pressure(),
    )


def _kernel(stat: Mapping[str, int]) -> int | None:
    """Give what the kernel has taken for a group, sockets' buffers apart, as the kernel sums it up or as we can."""
    slab = plus(stat.get("slab_reclaimable"), stat.get("slab_unreclaimable"))
    return stat.get("kernel", plus(slab, sum(stat.get(key, 0) for key in _OF_KERNEL)))


def _events_v1(files: ForgivingFiles) -> Mapping[str, int]:
    """Give v1's counts the names of v2's: failcnt is how often the limit was met, the groups in it not counted."""
    told = {"max": files.amount("memory.failcnt"), "oom_kill": files.figures("memory.oom_control").get("oom_kill")}
    return {key: count for key, count in told.items() if count is not None}

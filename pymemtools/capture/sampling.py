"""What a sample of a recording holds, and which of it is read anew.

The kernel walks all page tables of a process for its smaps_rollup, and holds its mmap_lock meanwhile. So that is read
of a process that moved since the sample before: by its faults, its sizes, or its time on a processor. What another
process does to it (a page that was shared is not any more) shows with every Nth sample, a full one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from pymemtools.capture.contents import (
    CGROUP_FILES,
    EACH_CGROUP_FILES,
    EACH_PROCESS_FILES,
    EACH_SYSTEM_FILES,
    PROCESS_FILES,
    SYSTEM_FILES,
    cgroup_folders,
    system_paths,
)
from pymemtools.errors import MemtoolsError, Missing
from pymemtools.procfs.stat import Stat
from pymemtools.readings.process import KERNEL, life_of
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.sources.recording.bundle import REFUSED

# Of the words behind the name: minflt, majflt, utime, stime, starttime, vsize, rss, startcode.
_MOVING = (7, 9, 11, 12, 19, 20, 21, 23)
_MAPS = ("maps", "smaps")
_WHEN_MOVED = tuple(name for name in PROCESS_FILES if name not in (*EACH_PROCESS_FILES, *_MAPS))
_MOST = 32 << 20  # bytes of one file; more than that of smaps is not recorded

Files = dict[str, bytes]
Mark = tuple[bytes, ...]


class Identity(NamedTuple):
    """What tells a process from all others of one boot."""

    pid: int
    starttime_ticks: int


class Sampled(NamedTuple):
    """One sample: files by path, the files of groups by folder, those of processes.

    What did not change since the sample before, is the same object as in that.
    """

    machine: Files
    groups: dict[str, Files]
    processes: dict[Identity, Files]
    uids: dict[Identity, int | None]
    is_full: bool  # what is not in it, is not there


class _Known(NamedTuple):
    mark: Mark
    files: Files
    uid: int | None
    life: str


class Sampler:
    """Reads one sample after the other of a machine; remembers of each process what it looked like."""

    def __init__(self, maps_of: Collection[int] = ()) -> None:
        self._maps_of = frozenset(maps_of)
        self._known: dict[int, tuple[Identity, _Known]] = {}
        self._groups: dict[str, Files] = {}

    def take(self, source: Source, *, is_full: bool) -> Sampled:
        """Read a sample: a full one, or one without what seldom changes."""
        machine = dict(_machine_files(source, SYSTEM_FILES if is_full else EACH_SYSTEM_FILES))
        processes = {pid: self._process(source, pid, is_full=is_full) for pid in source.pids()}
        self._known = {pid: found for pid, found in processes.items() if found is not None}
        texts = {each.files.get("cgroup", b"") for _, each in self._known.values()}
        groups = {folder: self._group(source, folder, is_full=is_full) for folder in cgroup_folders(source, texts)}
        self._groups = {folder: files for folder, files in groups.items() if files}
        return Sampled(
            machine,
            self._groups,
            {identity: each.files for identity, each in self._known.values()},
            {identity: each.uid for identity, each in self._known.values()},
            is_full,
        )

    def _group(self, source: Source, folder: str, *, is_full: bool) -> Files:
        before = {} if is_full else self._groups.get(folder, {})
        found = {}
        for name in EACH_CGROUP_FILES if before else CGROUP_FILES:
            try:
                found[name] = source.read(f"{folder}/{name}")
            except MemtoolsError:
                continue
        seldom = {name: text for name, text in before.items() if name not in EACH_CGROUP_FILES}
        found = found and {**found, **seldom}
        return before if found == before else found

    def _process(self, source: Source, pid: int, *, is_full: bool) -> tuple[Identity, _Known] | None:
        """Read a process; None when it is gone."""
        before = self._known.get(pid)

        def read(files: ProcessFiles, stat: Stat | None) -> tuple[Identity, _Known]:
            text = files.read("stat")
            identity = Identity(pid, (stat and stat.starttime_ticks) or 0)
            life, mark = life_of(stat), _mark(text)
            known = before[1] if before is not None and before[0] == identity and not is_full else None
            if known is not None and known.life == life == KERNEL:
                return identity, known
            found = dict(_read(files, (name for name in EACH_PROCESS_FILES if name != "stat")))
            found = {"stat": text, **found}
            if known is not None and known.mark == mark:
                carried = (
                    (name, data) for name, data in known.files.items() if name.removesuffix(REFUSED) not in found
                )
                return identity, known._replace(files={**found, **dict(carried)})
            if life != KERNEL:
                found.update(_read(files, (*_WHEN_MOVED, *(_MAPS if pid in self._maps_of else ()))))
            return identity, _Known(mark, found, files.uid(), life)

        try:
            return read_steadily(source, pid, read)
        except MemtoolsError:
            return None


def _machine_files(source: Source, patterns: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    # What changes in each sample comes first, so that it is found without a look at the others.
    ordered = sorted(patterns, key=lambda pattern: pattern not in EACH_SYSTEM_FILES)
    for path in system_paths(source, ordered):
        try:
            yield path, source.read(path)
        except MemtoolsError:
            continue


def _read(files: ProcessFiles, names: Iterator[str] | tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        try:
            text = _bounded(files, name)
        except Missing:
            continue
        except MemtoolsError as error:
            yield f"{name}{REFUSED}", str(error).rpartition(": ")[2].encode("utf-8", "replace")
            continue
        yield name, text


def _bounded(files: ProcessFiles, name: str) -> bytes:
    if name not in _MAPS:
        return files.read(name)
    parts, size = [], 0
    for part in files.chunks(name):
        parts.append(part)
        size += len(part)
        if size > _MOST:
            raise MemtoolsError(f"{name}: more than is recorded")
    return b"".join(parts)


def _mark(stat: bytes) -> Mark:
    """Take out of stat what changes when a process does anything with memory."""
    words = stat[stat.rfind(b")") + 2 :].split()
    return tuple(words[place] for place in _MOVING) if len(words) > _MOVING[-1] else (stat,)

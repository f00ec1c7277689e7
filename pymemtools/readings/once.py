"""A source of which each file is read once, however many questions are asked of it: a page asks a dozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, TypeVar

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.readings.process import ALIVE, Process
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.wants import Wants
from pymemtools.sources.base import Facts, ProcessFiles, Source
from pymemtools.sources.manifest import Manifest

_T = TypeVar("_T")


class Once:
    """A source that remembers what was read of the machine, and all processes as they were at one moment.

    ``wants`` is what all questions together want of the processes. Who asks for more, or with a filter, or opens a
    single process, is answered by the source itself.
    """

    def __init__(self, source: Source, wants: Wants) -> None:
        self._source = source
        self._wants = wants
        self._read: dict[str, bytes | tuple[type[MemtoolsError], str]] = {}
        self._names: dict[str, list[str]] = {}
        self._recalled: dict[Callable[[Source], Any], Any] = {}

    @property
    def facts(self) -> Facts:
        """Tell what is known of the machine studied."""
        return self._source.facts

    @property
    def is_live(self) -> bool:
        """Tell whether processes may vanish, exec and change while they are read."""
        return self._source.is_live

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing of it is known to be lost: in the rest of a damaged archive were other processes."""
        return getattr(self._source, "damage", None) is None

    @property
    def manifest(self) -> Manifest | None:
        """Give what a capture says of itself."""
        return self._source.manifest

    @property
    def commands_from(self) -> str | None:
        """Name the listing of ps that has told commands."""
        return self._source.commands_from

    def read(self, path: str) -> bytes:
        """Read a file, or remember it, or why it could not be read. Raises Missing or Denied."""
        if path not in self._read:
            try:
                self._read[path] = self._source.read(path)
            except (Missing, Denied) as error:
                self._read[path] = type(error), str(error)  # the error itself would keep the frames it went through
        found = self._read[path]
        if isinstance(found, bytes):
            return found
        kind, reason = found
        raise kind.__new__(kind, reason)  # as it was, whatever its constructor takes

    def read_anew(self, path: str) -> bytes:
        """Read a file as it is now, and go on remembering how it was. Raises Missing or Denied."""
        return self._source.read(path)

    def names(self, path: str) -> list[str]:
        """List a directory, or remember what was in it."""
        if path not in self._names:
            self._names[path] = list(self._source.names(path))
        return list(self._names[path])

    def recall(self, read: Callable[[Source], _T]) -> _T:
        """Work something out, or remember what came of it."""
        if read not in self._recalled:
            self._recalled[read] = read(self)
        found: _T = self._recalled[read]
        return found

    def beside(self) -> Sequence[str]:
        """Name the files that the taker of a copy left beside its /proc."""
        return self._source.beside()

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        """Read one of them. Raises Missing or Denied."""
        return self._source.chunks_beside(path)

    @cached_property
    def _pids(self) -> Sequence[int]:
        return tuple(self._source.pids())

    def pids(self) -> Sequence[int]:
        """List the processes that there were at the first look."""
        return self._pids

    def process(self, pid: int) -> AbstractContextManager[ProcessFiles]:
        """Open one process. Raises Missing or Denied."""
        return self._source.process(pid)

    def user_name(self, uid: int) -> str | None:
        """Name a user of the machine studied."""
        return self._source.user_name(uid)

    @cached_property
    def _sample(self) -> Sample:
        return read_processes(self._source, self._wants)

    @cached_property
    def _sample_of_rollups(self) -> Sample:
        return Sample([_summed_up(process) for process in self._sample.everybody])

    def sample(self, wants: Wants) -> Sample | None:
        """Give what is wanted of the processes that were read; None where it is more than that."""
        if not _is_within(wants, self._wants):
            return None
        everybody = self._sample.everybody
        if not wants.reads_smaps:
            return Sample([_without_smaps(process) for process in everybody])
        return Sample(list((self._sample_of_rollups if wants.rollup else self._sample).everybody))


def _is_within(wants: Wants, all_wants: Wants) -> bool:
    """Tell whether one reading has all that another wants."""
    if wants.process or wants.mapping or wants.user or not set(wants.keys) <= set(all_wants.keys):
        return False
    flags = wants._replace(keys=(), rollup=False)
    if wants.rollup and not all_wants.split:  # then smaps_rollup was not read beside smaps
        return False
    return (flags | all_wants)._replace(keys=all_wants.keys, rollup=all_wants.rollup) == all_wants


def _without_smaps(process: Process) -> Process:
    """Forgive a process that its smaps could not be read, to who asks for none."""
    tells = process.status or process.oom_score is not None
    return process._replace(refused=None) if process.refused and tells else process


def _summed_up(process: Process) -> Process:
    """Take the sums of smaps_rollup, which are rounded once and not for each mapping."""
    rollup = process.rollup
    if process.life != ALIVE or rollup is None:
        return process
    sums: dict[str, int | None] = {**rollup}
    if process.address_space is not None:
        sums["Size"] = process.address_space
    sums.update(process.status or {})
    return process._replace(sums=sums, maps=None, refused=None, has_pss="Pss" in sums)

"""Read every process of a source once, and count what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.readings.process import ALIVE, KERNEL, Process, life_of, packed, unpacked
from pymemtools.readings.reader import ProcessReader
from pymemtools.readings.steady import read_steadily
from pymemtools.readings.wants import Wants
from pymemtools.sources.attended import while_reading
from pymemtools.sources.base import Source
from pymemtools.sources.share import share_out


class Sample(NamedTuple):
    """All processes of a source, or all that passed the filters."""

    everybody: list[Process]

    @property
    def processes(self) -> list[Process]:
        """Give those that have memory and let it be read."""
        return [process for process in self.everybody if process.life == ALIVE and process.refused is None]

    @property
    def refused(self) -> list[Process]:
        """Give those that have memory that we may not see, or that a copy lacks."""
        return [process for process in self.everybody if process.refused is not None]

    @property
    def seen(self) -> int:
        """Count the processes with memory."""
        return sum(process.life == ALIVE for process in self.everybody)

    @property
    def kernel_threads(self) -> int:
        """Count the kernel's own."""
        return sum(process.life == KERNEL for process in self.everybody)

    @property
    def unreadable(self) -> int:
        """Count those whose memory could not be read."""
        return len(self.refused)

    @property
    def reason(self) -> str:
        """Say why most of them were not."""
        reasons = Counter(process.refused or "" for process in self.refused)
        return next((reason for reason, _ in reasons.most_common(1)), "")

    @property
    def has_pss(self) -> bool:
        """Tell whether the kernel measures PSS; where nothing was read, it is taken to do so."""
        read = self.processes
        return not read or any(process.has_pss for process in read)


_FEW = 64  # processes that one process reads faster than it can fork


def read_processes(source: Source, wants: Wants) -> Sample:
    """Read the processes of a source.

    On a live machine two processes share the work, a process that ends is left out whole, one caught in the middle of
    an exec is read again, and processes started meanwhile are looked for once.
    """
    known_sample: Callable[[Wants], Sample | None] | None = getattr(source, "sample", None)  # of readings.once
    known = None if known_sample is None else known_sample(wants)
    if known is not None:
        return known
    reader = ProcessReader(source, wants)
    pids = list(source.pids())
    if not source.is_live:
        with while_reading(source, len(pids)):
            return _sample(map(reader.read, pids))
    outcomes = dict(zip(pids, _read_all(source, pids, reader)))
    # A process may escape one listing by forking ahead of it (CVE-2018-1121); a second look narrows that.
    newcomers = {pid: reader.read(pid) for pid in source.pids() if pid not in outcomes}
    outcomes.update([(pid, _after_exec(pid, reader)) for pid, process in outcomes.items() if _is_in_exec(process)])
    outcomes.update((pid, process) for pid, process in newcomers.items() if not _is_in_exec(process))
    return _sample(outcomes.values())


class Count(NamedTuple):
    """How many processes there are, by the one decision on their life."""

    alive: int  # with memory, those included whose memory could not be read
    kernel_threads: int
    unreadable: int


def count_processes(source: Source) -> Count:
    """Count the processes of a source, and keep none of them: there may be very many."""
    reader = ProcessReader(source, Wants(("Rss",), rollup=True))
    pids = source.pids()
    alive = kernel_threads = unreadable = 0
    with while_reading(source, len(pids)):
        for process in filter(None, map(reader.read, pids)):
            alive += process.life == ALIVE
            kernel_threads += process.life == KERNEL
            unreadable += process.refused is not None
    return Count(alive, kernel_threads, unreadable)


def pids_in_user_space(source: Source) -> list[int]:
    """Number the processes in order, without kernel threads: what somebody may ask about."""

    def is_kernel_thread(pid: int) -> bool:
        try:
            return read_steadily(source, pid, lambda files, stat: life_of(stat)) == KERNEL
        except MemtoolsError:
            return False  # of what is not known it is not said

    return [pid for pid in sorted(source.pids()) if not is_kernel_thread(pid)]


def expect_processes(source: Source) -> None:
    """Refuse a copy in which there are none, where they are all that is asked about. Raises Missing."""
    if not source.is_live and not source.pids():
        raise Missing(f"{source.facts.path}: no process in it")


def _sample(outcomes: Iterable[Process | None]) -> Sample:
    return Sample([process for process in outcomes if process is not None])


def _is_in_exec(process: Process | None) -> bool:
    return process is not None and process.is_in_exec


def _after_exec(pid: int, reader: ProcessReader) -> Process | None:
    """Read a process again until its new program is all mapped.

    That takes about a millisecond; where it takes for ever (its file system hangs) there is but the little it has.
    """
    process = None
    for _ in range(20):
        process = reader.read(pid)
        if not _is_in_exec(process):
            break
    return process


def _read_all(source: Source, pids: Sequence[int], reader: ProcessReader) -> Iterator[Process | None]:
    """Read with two processes where that pays; what they read goes from one to the other as plain tuples."""
    if len(pids) < _FEW:
        return map(reader.read, pids)
    return map(unpacked, share_out(pids, lambda pid: packed(reader.read(pid)), while_reading(source, len(pids))))

"""Write a file, and watch its pages become dirty, and clean again."""

from __future__ import annotations

import os
import select
from collections.abc import Mapping
from typing import Any

from pymemtools.lab.child import PROGRAM, Child
from pymemtools.lab.experiment import Experiment
from pymemtools.lab.own_file import evict, made, path_of, place
from pymemtools.lab.stage import Stage
from pymemtools.probes.page_cache import PAGE, CacheCounter
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.reports.lab.plan import Plan
from pymemtools.reports.lab.writeback import COLUMNS, WritebackRequest, predict, slack, writeback_report
from pymemtools.reports.what_if.asked import ask
from pymemtools.reports.what_if.dirty import NEEDS
from pymemtools.sources.base import Source

_DISK = 600.0  # seconds: a disk may be slow
_INTERVAL = 0.05
_SAMPLES = 50  # about so many, however long it takes


def _obstacle(source: Source) -> str:
    missing = [name for name in ("nr_dirtied", "nr_written") if name not in parse_vmstat(source.read("vmstat"))]
    return f"this kernel does not count {missing[0]}" if missing else ""


def _plan(source: Source, request: WritebackRequest) -> Plan:
    happens = (
        "A program writes a file, and then has it written to the disk (fsync).",
        "write() only makes pages dirty: it returns before anything is on the disk. The kernel writes them when there "
        "are too many (the background threshold), when they are too old, or when it is told to; who dirties faster "
        "than the disk takes it, is made to wait below the other threshold.",
    )
    return Plan(happens, request.size + PROGRAM, request.size, _DISK, place())


def _run(request: WritebackRequest, stage: Stage) -> Mapping[str, Any]:
    fd = made(stage, PAGE, "writeback")
    evict(fd, "writeback")
    machine = ask(stage.source, needs=NEEDS)
    hand = stage.program("hand")
    watched = _Watched(stage, fd)
    watched.show("before")
    wrote = watched.while_asked(hand, "write", "write_file", path_of(fd), request.size)
    watched.show("write")  # else a fast disk has nothing to show
    synced = watched.while_asked(hand, "fsync", "sync_file", path_of(fd))
    watched.show("after")
    hand.end()
    pages = -(-request.size // PAGE)
    rate, disk = request.size / max(wrote, 1e-6), request.size / max(wrote + synced, 1e-6)
    return {
        "size": request.size,
        "whole_pages": pages * PAGE,
        "write_seconds": wrote,
        "sync_seconds": synced,
        "slack": slack(os.cpu_count() or 1, len({zone.node for zone in machine.machine.zones}) or 1, PAGE),
        **predict(machine, rate, disk, request.size),
    }


class _Watched:
    """The machine's dirty memory since the beginning."""

    def __init__(self, stage: Stage, fd: int) -> None:
        self._stage = stage
        self._fd = fd
        self._start = stage.seconds
        self._counter = CacheCounter()
        self._before = self._counts()

    def _counts(self) -> Mapping[str, int]:
        return parse_vmstat(self._stage.source.read("vmstat"))

    def show(self, doing: str) -> None:
        """Take a sample. What is swapped out is written without having been dirty: it counts as dirtied."""
        now, before = self._counts(), self._before
        grown = {key: now.get(key, 0) - before.get(key, 0) for key in ("nr_dirtied", "nr_written", "pswpout")}
        found = self._counter.resident(self._fd, os.fstat(self._fd))
        of_file = None if found.dirty is None or found.writeback is None else (found.dirty + found.writeback) * PAGE
        self._stage.row(
            seconds=round(self._stage.seconds - self._start, 3),
            doing=doing,
            dirty=now["nr_dirty"] * PAGE,
            writeback=now["nr_writeback"] * PAGE,
            dirtied=(grown["nr_dirtied"] + grown["pswpout"]) * PAGE,
            written=grown["nr_written"] * PAGE,
            file_dirty=of_file,
        )

    def while_asked(self, hand: Child, doing: str, *words: Any) -> float:
        """Have the program do something, and take samples meanwhile; give the seconds that it took."""
        begin = self._stage.seconds
        hand.tell(*words)
        while not select.select([hand], [], [], max(_INTERVAL, (self._stage.seconds - self._start) / _SAMPLES))[0]:
            self.show(doing)
        hand.heard()
        return round(self._stage.seconds - begin, 3)


EXPERIMENT = Experiment("writeback", COLUMNS, _obstacle, _plan, _run, writeback_report)

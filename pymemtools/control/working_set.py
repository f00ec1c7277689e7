"""Begin to measure what a process touches: clear bits of its pages, and refuse where that misleads somebody else."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

from pymemtools.control.page_idle import mark_idle
from pymemtools.control.references import ClearRefs
from pymemtools.errors import MemtoolsError, Missing
from pymemtools.probes.soft_dirty import has_soft_dirty
from pymemtools.readings.touched import (
    Look,
    Told,
    doubt_of,
    idle_of,
    look,
    read_frames,
    told_by_idle,
    told_by_referenced,
    told_by_soft_dirty,
)
from pymemtools.reports.wss.report import IDLE, REFERENCED, SOFT_DIRTY, Measuring
from pymemtools.sources.base import Source


class Begun(NamedTuple):
    """A measuring that has begun: what it did, since when all windows run, and what was touched by a later look."""

    before: Look
    measuring: Measuring
    start: float  # of the monotonic clock
    touched: Callable[[Look], Told]


class Leave(NamedTuple):
    """What may be done where others track the process, too."""

    force: bool  # all of it
    is_again: bool = False  # whoever began to track it was ourselves

    @property
    def tracks(self) -> bool:
        """Tell whether bits that somebody cleared before may be cleared."""
        return self.force or self.is_again


def begin(source: Source, pid: int, method: str, leave: Leave) -> Begun:
    """Clear the bits that the method goes by. Raises NoSuchProcess, Missing for a kernel without them, or Denied.

    What others track, soft-dirty bits and idle pages, is refused where somebody does, without ``leave``.
    """
    start_by = {REFERENCED: _by_referenced, SOFT_DIRTY: _by_soft_dirty, IDLE: _by_idle}[method]
    before = look(source, pid)
    with closing(ClearRefs(pid)) as bits:
        measuring, touched = start_by(source, before, pid, bits, leave)
    return Begun(before, measuring, time.monotonic(), touched)


_Started = tuple[Measuring, Callable[[Look], Told]]


def _by_referenced(source: Source, before: Look, pid: int, bits: ClearRefs, leave: Leave) -> _Started:
    start = time.perf_counter()
    bits.clear_referenced()
    is_flushed, harms = _flush(bits, leave.force)
    measuring = Measuring(REFERENCED, before.referenced, harms, is_flushed, None, time.perf_counter() - start)
    doubt = doubt_of(source, pid, is_flushed=is_flushed)
    return measuring, lambda after: told_by_referenced(before, after, doubt)


def _flush(bits: ClearRefs, force: bool) -> tuple[bool, bool]:
    """Flush the TLB, which hides touches; tell whether that was done, and whether it cleared soft-dirty bits.

    The kernel does it where it is told to clear soft-dirty bits, also when it keeps none; then it harms nobody.
    """
    harms = has_soft_dirty()
    if harms and not force:
        return False, False
    is_flushed = bits.clear_soft_dirty()
    return is_flushed, harms and is_flushed


def _by_soft_dirty(source: Source, before: Look, pid: int, bits: ClearRefs, leave: Leave) -> _Started:
    if not has_soft_dirty():
        raise Missing("wss: this kernel keeps no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY): --method referenced does")
    if before.is_tracked and not leave.tracks:
        raise MemtoolsError(
            f"wss: {pid}: its soft-dirty bits were cleared before: whoever tracks them, as CRIU does, would be misled; "
            "--force clears them"
        )
    start = time.perf_counter()
    bits.clear_soft_dirty()
    measuring = Measuring(SOFT_DIRTY, 0, True, True, None, time.perf_counter() - start)
    return measuring, lambda after: told_by_soft_dirty(before, after, pid)


def _by_idle(source: Source, before: Look, pid: int, bits: ClearRefs, leave: Leave) -> _Started:
    idle_of(())  # says first what this kernel lacks, or what we may not
    frames = read_frames(before, pid)
    if idle_of(frames.frames.values()) and not leave.tracks:
        raise MemtoolsError(
            f"wss: {pid}: some of its pages are marked as idle: whoever tracks them would be misled; --force marks them"
        )
    start = time.perf_counter()
    mark_idle(frames.frames.values())
    is_flushed, harms = _flush(bits, leave.force)
    seconds = time.perf_counter() - start
    marked = idle_of(frames.frames.values())
    measuring = Measuring(IDLE, 0, harms, is_flushed, len(marked), seconds)
    doubt = doubt_of(source, pid, is_flushed=is_flushed)

    def touched(after: Look) -> Told:
        now = read_frames(after, pid)
        return told_by_idle(frames, marked, after, now, idle_of(now.frames.values()), doubt)

    return measuring, touched


def wait_until(pid: int, moment: float) -> None:
    """Wait for a moment of the monotonic clock, or for the process to end."""
    try:
        fd = os.pidfd_open(pid)
    except (AttributeError, OSError):  # before Linux 5.3, or it is gone: whoever reads it next finds out
        time.sleep(max(moment - time.monotonic(), 0) if os.path.exists(f"/proc/{pid}") else 0)
        return
    try:
        select.select([fd], [], [], max(moment - time.monotonic(), 0))
    finally:
        os.close(fd)

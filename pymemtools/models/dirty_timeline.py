"""When a writer has to wait for a disk, and when its data is safe: a fluid model of writeback.

Sizes are in bytes, rates in bytes per second, times in seconds since the first write. Source: mm/page-writeback.c,
balance_dirty_pages(), wb_over_bg_thresh(); fs/fs-writeback.c, wb_check_old_data_flush(); Linux 3.2 to 6.18.

The kernel steers, and measures as it goes, so every answer is a window. Its edges come from the kernel's own bounds
where it has some, else from what was measured on 4.4 and 6.8 with a disk throttled to 10 MiB/s:

* a disk moves 0.95 to 1.02 of its nominal rate;
* dirty memory with a throttled writer lies between 0.85 of the threshold, where the control polynomial alone rests with
  one writer, and 1.06 of it, since the kernel's idea of the disk's rate drifts up and pauses are counted afterwards;
* on a disk that was idle so long that its share of completions decayed to nothing, a first piece is written early.
"""

from __future__ import annotations

from typing import NamedTuple

LEAST_OF_THRESHOLD, MOST_OF_THRESHOLD = 0.85, 1.06
SLOWEST_DISK, FASTEST_DISK = 0.95, 1.02
SHARE_DECAYS = 24.0  # seconds: eight of VM_COMPLETIONS_PERIOD_LEN, 3 s, each of which halves a disk's share
FLUSHER_DELAY = 0.5  # seconds until the flusher runs and the disk has something to do
OVERHEAD = 1.05  # of a writer that nothing holds up: the time that its write() calls take themselves


class Window(NamedTuple):
    """The least and the most that a figure will be."""

    least: float
    most: float


class Writer(NamedTuple):
    """Who writes what to what; ``rate`` may be infinite, ``file`` None for one that never ends."""

    rate: float
    disk: float
    file: float | None


class Limits(NamedTuple):
    """Thresholds in bytes, times in seconds (0 for ``wakeup``: the periodic writeback is off)."""

    dirty: float
    background: float
    expire: float = 30.0
    wakeup: float = 5.0

    @property
    def free_run(self) -> float:
        """Give the dirty bytes up to which nobody waits. Source: dirty_freerun_ceiling()."""
        return (self.dirty + self.background) / 2


class Timeline(NamedTuple):
    """What happens when; None for what never does."""

    background_starts: Window | None  # the flusher begins because there is too much
    first_writeback: Window | None  # or because it is too old: the first bytes that reach the disk
    throttled_from: Window | None  # the writer first has to wait
    write_rate: Window  # in the long run
    disk_rate: Window  # while the writer writes
    peak: Window  # dirty and under writeback, bytes
    write_ends: Window | None
    left_dirty: Window | None  # bytes that stay when background writeback stops
    data_safe: Window | None  # None: never, unless somebody calls sync


def timeline(writer: Writer, limits: Limits) -> Timeline:
    """Say what a writer that starts with nothing dirty will see.

    >>> found = timeline(Writer(20 << 20, 10 << 20, 200 << 20), Limits(21450 * 4096, 10740 * 4096))
    >>> [round(time, 1) for time in (*found.background_starts, *found.throttled_from, *found.write_ends)]
    [2.1, 2.6, 4.2, 6.3, 13.0, 15.7]
    """
    rate, disk, file = writer
    starts = _background_starts(writer, limits)
    is_throttled = starts is not None and rate > disk and _gathers(writer, limits) > limits.free_run
    throttled = _throttled(writer, limits) if is_throttled else None
    ends = _ends(writer, limits, is_throttled=is_throttled)
    first = _first(writer, limits, starts)
    writes_while = first is not None and (starts is not None or ends is None or ends.least > first.most)
    slow, fast = disk * SLOWEST_DISK, disk * FASTEST_DISK
    steady = Window(slow, fast) if is_throttled else Window(rate / OVERHEAD, rate)
    return Timeline(
        background_starts=starts,
        first_writeback=first,
        throttled_from=throttled,
        write_rate=steady,
        disk_rate=Window(min(slow, rate), min(fast, max(rate, fast if is_throttled else rate)))
        if writes_while
        else Window(0, 0),
        peak=_peak(writer, limits, is_throttled=is_throttled, is_flushed=starts is not None),
        write_ends=ends,
        left_dirty=None if file is None or starts is None else Window(0, min(limits.background, file)),
        data_safe=_safe(writer, limits, first, ends, is_flushed=starts is not None),
    )


def _oldest(limits: Limits) -> float:
    """Give the age at which dirty data is written at the latest; infinite without periodic writeback."""
    return limits.expire + limits.wakeup if limits.wakeup else float("inf")


def _works_from(writer: Writer, limits: Limits) -> float:
    """Give the second from which the disk writes: when there is too much, or when the first of it is too old."""
    return min(limits.background / writer.rate, _oldest(limits))


def _reaches(writer: Writer, level: float, works_from: float) -> float:
    """Give the second at which so much is dirty, while the writer is faster than the disk."""
    return (level - writer.disk * works_from) / (writer.rate - writer.disk)


def _background_starts(writer: Writer, limits: Limits) -> Window | None:
    """Say when there is too much; beside the periodic writeback, only a writer faster than the disk gets there."""
    rate, disk, file = writer
    direct, oldest = limits.background / rate, _oldest(limits)
    earliest = latest = direct
    if direct > oldest:
        if rate <= disk:
            return None
        earliest, latest = (_reaches(writer, limits.background, age) for age in (oldest, limits.expire))
    if file is not None and (file <= limits.background or file < rate * earliest):
        return None
    return Window(earliest, latest + FLUSHER_DELAY)


def _gathers(writer: Writer, limits: Limits) -> float:
    """Give the most that would be dirty if nobody had to wait."""
    rate, disk, file = writer
    if file is None or rate == float("inf"):
        return float("inf") if file is None else file
    return file * (1 - disk / rate) + min(disk * _works_from(writer, limits), file * disk / rate)


def _throttled(writer: Writer, limits: Limits) -> Window:
    """From the end of the free run on a writer may wait; at the threshold it must."""
    start = _works_from(writer, limits)
    if writer.rate == float("inf"):
        return Window(0.0, 0.0)
    return Window(*(_reaches(writer, level, start) for level in (limits.free_run, limits.dirty)))


def _plateau(limits: Limits) -> Window:
    return Window(limits.dirty * LEAST_OF_THRESHOLD, limits.dirty * MOST_OF_THRESHOLD)


def _ends(writer: Writer, limits: Limits, *, is_throttled: bool) -> Window | None:
    if writer.file is None:
        return None
    alone = writer.file / writer.rate
    if not is_throttled:
        return Window(alone, alone * OVERHEAD)
    start = _works_from(writer, limits)
    low, high = _plateau(limits)
    least = start + (writer.file - high) / (writer.disk * FASTEST_DISK)
    most = start + (writer.file - low) / (writer.disk * SLOWEST_DISK)
    return Window(max(alone, least), max(alone * OVERHEAD, most))


def _first(writer: Writer, limits: Limits, starts: Window | None) -> Window | None:
    """The first bytes reach the disk when there are too many, or when they are too old."""
    if starts is not None and limits.background / writer.rate <= _oldest(limits):
        return Window(0.0, starts.most + FLUSHER_DELAY)  # at once on a disk that was idle long enough
    if not limits.wakeup:
        return None
    return Window(min(limits.expire, SHARE_DECAYS), limits.expire + limits.wakeup)


def _peak(writer: Writer, limits: Limits, *, is_throttled: bool, is_flushed: bool) -> Window:
    gathers = _gathers(writer, limits)
    if is_throttled:
        low, high = _plateau(limits)
        return Window(min(low, gathers), min(high, gathers * FASTEST_DISK))
    if is_flushed:
        most = limits.background if writer.rate <= writer.disk else gathers
        return Window(min(limits.background, most) * SLOWEST_DISK, most * MOST_OF_THRESHOLD)
    until_old = writer.rate * _oldest(limits)
    most = max(gathers, until_old) if writer.rate > writer.disk else until_old
    most = most if writer.file is None else min(most, writer.file)
    return Window(most * SLOWEST_DISK, most * FASTEST_DISK)


def _safe(
    writer: Writer, limits: Limits, first: Window | None, ends: Window | None, *, is_flushed: bool
) -> Window | None:
    """What background writeback leaves waits until it is old, and goes with the next periodic writeback."""
    if writer.file is None or ends is None or first is None or not limits.wakeup:
        return None
    rest = min(writer.file, limits.dirty * MOST_OF_THRESHOLD) / (writer.disk * SLOWEST_DISK)
    if not is_flushed and ends.most <= first.most:
        return Window(max(first.least, ends.least), first.most + rest)
    return Window(ends.least, ends.most + limits.expire + limits.wakeup + rest)


def curve(writer: Writer, limits: Limits, found: Timeline) -> list[tuple[float, float]]:
    """Give dirty memory over time as corners of a line, (seconds, bytes), in the middle of the windows.

    A writer without end is shown for as long as it takes to come to rest, and half as long again.
    """
    rate, disk, file = writer
    level = _middle(found.peak)
    points = [(0.0, 0.0)]
    if found.background_starts is not None:
        start = _works_from(writer, limits)
        points.append((start, limits.background if start == 0 else rate * start))
        if rate > disk and level > points[-1][1]:
            points.append((start + (level - points[-1][1]) / (rate - disk), level))
    if found.write_ends is None or file is None:
        if found.background_starts is None:  # what gets old is written, as fast as new data comes
            points.append((_oldest(limits), rate * _oldest(limits)))
        return [*points, (max(points[-1][0] * 1.5, 1.0), points[-1][1])]
    ends = max(_middle(found.write_ends), points[-1][0])
    points.append((ends, points[-1][1] if len(points) > 1 else file))
    if found.background_starts is not None and points[-1][1] > limits.background:
        points.append((ends + (points[-1][1] - limits.background) / disk, limits.background))
    if found.data_safe is None:
        return [*points, (points[-1][0] * 1.2, points[-1][1])]
    safe = max(_middle(found.data_safe), points[-1][0])
    return [*points, (max(safe - points[-1][1] / disk, points[-1][0]), points[-1][1]), (safe, 0.0)]


def _middle(window: Window) -> float:
    return (window.least + window.most) / 2

"""How a figure of processes went over a recording: medians over time, broken where nothing was recorded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

from pymemtools.errors import ArchiveError, Missing
from pymemtools.models.blocks import MEDIANS, Stretch
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.sources.base import CLOCKS_ARE_SET
from pymemtools.sources.recording.moment import Moment
from pymemtools.sources.recording.recording import Followed, Recording
from pymemtools.sources.recording.schema import BLOCK, PROCESS

_CHANGES = 12  # of 256 samples, at the least
_LOOKED_AT = 400  # changes of a figure, where there are more: three or four for each median
_LOOKS = 60  # at meminfo
_LATE = 10.0  # times as long as between the samples before, or after: nobody recorded meanwhile


class SampleTimes:
    """When samples were taken, and over which of them the recorder ran without a stop."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self.moments = moments
        self.first, self.last = moments[0].number, moments[-1].number
        if self.last - self.first != len(moments) - 1:
            raise ArchiveError("damaged recording: samples are missing in the midst of others")
        self._parts: dict[tuple[int, int], list[_Part]] = {}

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Give places among the moments, from the first to behind the last: one boot each, and no gap in it."""
        moments = self.moments
        waits = [b.boottime_s - a.boottime_s if a.boot_id == b.boot_id else 0.0 for a, b in pairwise(moments)]
        if min(waits) > 0 and max(waits) <= _LATE * min(waits):
            return [(0, len(moments))]
        starts = [0]
        for i, wait in enumerate(waits):
            beside = [each for each in waits[max(i - 1, 0) : i + 2 : 2] if each > 0]
            if wait <= 0 or wait > _LATE * min(beside, default=wait):
                starts.append(i + 1)
        return list(pairwise([*starts, len(moments)]))

    @cached_property
    def when(self) -> list[float]:
        """Give when each was taken, in seconds since 1970, as the clock was at the end of each start of the machine.

        Boards without a battery begin in 1970 and are set then; what is drawn over time is to follow the clock that
        nobody sets. Of a start in which the clock was never set it is known that it ended before the next one began.
        """
        found = [self.moments[-1].taken_at]
        for after, before in pairwise(reversed(self.moments)):
            wait = after.boottime_s - before.boottime_s
            if before.boot_id != after.boot_id or wait <= 0:
                told = found[-1] - before.taken_at
                wait = told if before.taken_at >= CLOCKS_ARE_SET and told > 0 else after.boottime_s
            found.append(found[-1] - wait)
        return found[::-1]

    @property
    def span(self) -> tuple[float, float]:
        """Give when it began and ended."""
        return self.when[0], self.when[-1]

    def when_of(self, moment: Moment) -> float:
        """Give when one of the samples was taken."""
        return self.when[moment.number - self.first]

    @property
    def set_s(self) -> float:
        """Give by how many seconds the clock was set forward within the runs; below 0 it was set back."""
        runs = [(self.moments[a], self.moments[b - 1]) for a, b in self.runs]
        return sum(end.taken_at - begin.taken_at - (end.boottime_s - begin.boottime_s) for begin, end in runs)

    def parts(self, first: int, last: int) -> list[_Part]:
        """Divide the samples from one number to another, without those beside a gap, into about 120 parts in all."""
        if (first, last) not in self._parts:
            self._parts[first, last] = list(self._divided(first, last))
        return self._parts[first, last]

    def _divided(self, first: int, last: int) -> Iterator[_Part]:
        for a, b in self.runs:
            a, b = max(a, first - self.first), min(b, last + 1 - self.first)
            if b - a < 2:
                continue
            begin, end = self.moments[a], self.moments[b - 1]
            every_s = (end.boottime_s - begin.boottime_s) / (b - 1 - a)
            count = max(2, min(round(MEDIANS * (b - a) / (last + 1 - first)), b - a))
            edges = [begin.number + (b - a) * i // count for i in range(count + 1)]
            yield _Part(self.when[a] - every_s / 2, every_s * (b - a) / count, edges)


class _Part(NamedTuple):
    """A stretch to be: where in time it begins, how long each median's part is, and which samples are in each."""

    start_s: float
    step_s: float
    edges: list[int]


class Subject(NamedTuple):
    """What is followed: a process, or those that belong together."""

    key: str
    processes: tuple[Followed, ...]
    stretches: list[Stretch]
    size: int | None  # of the last sample; None: it was gone by then


class Subjects(NamedTuple):
    """All that are followed."""

    found: list[Subject]
    unknown: int  # processes of which the figure is not known at all, kernel threads not among them


class _Held(NamedTuple):
    """The figure of one process: samples, by number, and the values from there on, to the last sample of it."""

    process: Followed
    numbers: Sequence[int]
    values: Sequence[int]
    last: int

    def stretches(self, times: SampleTimes) -> list[Stretch]:
        """Take the median of the values that it had in each part of the time."""
        found = []
        numbers, values = self.numbers, self.values
        for part in times.parts(max(numbers[0], times.first), self.last):
            places = [bisect_left(numbers, edge) for edge in part.edges]
            starts = [
                place if place < len(numbers) and numbers[place] == edge else max(place - 1, 0)
                for place, edge in zip(places, part.edges)
            ]  # of values that hold from before an edge
            runs = (sorted(values[a : max(b, a + 1)]) for a, b in zip(starts, places[1:]))
            found.append(Stretch(part.start_s, part.step_s, [run[len(run) // 2] for run in runs]))
        return found

    def still(self, times: SampleTimes) -> list[Stretch]:
        """Give the same of what never changes."""
        parts = times.parts(max(self.numbers[0], times.first), self.last)
        return [Stretch(part.start_s, part.step_s, [self.values[0]] * (len(part.edges) - 1)) for part in parts]


def follow_each(recording: Recording, times: SampleTimes, figure: str) -> Subjects:
    """Follow each process for itself."""
    held, unknown = _held(recording, times, figure)
    found = []
    for each in held:
        is_still = each.values.count(each.values[0]) == len(each.values)  # as of most processes
        stretches = each.still(times) if is_still else each.stretches(times)
        size = each.values[-1] if each.last == times.last else None
        found.append(Subject(str(each.process.pid), (each.process,), stretches, size))
    return Subjects(found, unknown)


def follow_together(
    recording: Recording, times: SampleTimes, figure: str, key_of: Callable[[Followed], str]
) -> Subjects:
    """Follow the sum of those processes that have a key in common and are there at the moment."""
    held, unknown = _held(recording, times, figure)
    groups: dict[str, list[_Held]] = {}
    for each in held:
        groups.setdefault(key_of(each.process), []).append(each)
    return Subjects([_together(times, key, members) for key, members in groups.items()], unknown)


def _held(recording: Recording, times: SampleTimes, figure: str) -> tuple[list[_Held], int]:
    processes = recording.followed(PROCESS, times.first, times.last)
    found, unknown = [], 0
    most = max(_CHANGES, BLOCK // max(len(times.moments) // _LOOKED_AT, 1))
    for place, series in recording.series(PROCESS, [figure], times.first, times.last, most).items():
        last = processes[place].last
        held = _known(processes[place], series.numbers, series.values[figure])
        if held is None:
            unknown += processes[place].command is not None  # kernel threads have no command, and no memory
        else:
            end = times.last if last is None else min(last, times.last)
            found.append(held._replace(last=max(end, held.numbers[-1])))  # who has a figure is there, damage or not
    return found, unknown


def _known(process: Followed, numbers: Sequence[int], values: Sequence[int | None]) -> _Held | None:
    """Leave out what is not known: for that while it is taken to be as before. None: nothing is known."""
    if None not in values:
        return _Held(process, numbers, values, 0)  # type: ignore[arg-type]
    known = [(number, value) for number, value in zip(numbers, values) if value is not None]
    return _Held(process, *map(list, zip(*known)), 0) if known else None  # type: ignore[call-arg, arg-type]


def _together(times: SampleTimes, key: str, members: Sequence[_Held]) -> Subject:
    """Add figures up, sample by sample, from the first process of these to the last."""
    first = max(min(each.numbers[0] for each in members), times.first)
    last = max(each.last for each in members)
    changes = [0] * (last - first + 2)
    for each in members:
        before = 0
        for number, value in zip(each.numbers, each.values):
            changes[max(number - first, 0)] += value - before  # of what was before the first, the last of them holds
            before = value
        changes[each.last + 1 - first] -= before
    sums = list(accumulate(changes[:-1]))
    whole = _Held(members[-1].process, range(first, last + 1), sums, last)
    processes = tuple(each.process for each in members)
    return Subject(key, processes, whole.stretches(times), sums[-1] if last == times.last else None)


def follow_available(recording: Recording, times: SampleTimes) -> list[Stretch]:
    """Follow MemAvailable, in up to about a hundred samples. Nothing where the kernel does not tell it (Linux 3.14)."""
    stride = -(-len(times.moments) // _LOOKS)
    chosen = [times.moments[first:end:stride] for first, end in times.runs if end - first > stride]
    try:
        texts = dict(recording.texts_at("meminfo", [moment.number for moments in chosen for moment in moments]))
    except Missing:
        return []
    found = []
    for moments in chosen:
        values: list[float] = []
        for moment in moments:
            text = texts.get(moment.number)
            size = None if text is None else parse_meminfo(text).get("MemAvailable")
            values += [float(size)] if size is not None else values[-1:]
        if len(values) == len(moments):
            step_s = (moments[-1].boottime_s - moments[0].boottime_s) / (len(values) - 1)
            found.append(Stretch(times.when_of(moments[0]) - step_s / 2, step_s, values))
    return found

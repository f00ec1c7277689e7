"""How a figure of processes went over a recording: medians over time, broken where nothing was recorded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

from pymemtools.models.blocks import MEDIANS, Stretch, thinned
from pymemtools.sources.recording.moment import Moment
from pymemtools.sources.recording.recording import Followed, Recording
from pymemtools.sources.recording.schema import PROCESS
from pymemtools.sources.recording.series import Series

_LATE = 4.0  # times as long as between the samples before, or after: nobody recorded meanwhile

Span = tuple[int | None, int | None]  # the first and the last sample; None: all


class SampleTimes:
    """When samples were taken, and over which of them the recorder ran without a stop."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self.moments = moments
        self.numbers = [moment.number for moment in moments]

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Give places among the moments, from the first to behind the last: one boot each, and no gap in it."""
        moments = self.moments
        waits = [b.boottime_s - a.boottime_s if a.boot_id == b.boot_id else 0.0 for a, b in pairwise(moments)]
        starts = [0]
        for i, wait in enumerate(waits):
            beside = [each for each in waits[max(i - 1, 0) : i + 2 : 2] if each > 0]
            if wait <= 0 or wait > _LATE * min(beside, default=wait):
                starts.append(i + 1)
        return list(pairwise([*starts, len(moments)]))

    def place(self, number: int | None) -> int:
        """Give the place of the first sample that is not before this one; behind all for None."""
        return len(self.numbers) if number is None else bisect_left(self.numbers, number)

    def stretch(self, samples: Sequence[float], first: int, most: int) -> Stretch:
        """Thin figures of samples without a gap, from the first place on, to medians; times are seconds since 1970."""
        last = first + len(samples) - 1
        every_s = (self.moments[last].boottime_s - self.moments[first].boottime_s) / (last - first)
        return thinned(samples, self.moments[first].taken_at - every_s / 2, every_s, most)

    def stretches(self, samples: Sequence[float], first: int) -> list[Stretch]:
        """Thin figures from the first place on, of all runs that they are part of, to about 200 medians in all."""
        end, found = first + len(samples), []
        for a, b in self.runs:
            a, b = max(a, first), min(b, end)
            if b - a >= 2:
                most = max(2, round(MEDIANS * (b - a) / len(samples)))
                found.append(self.stretch(samples[a - first : b - first], a, most))
        return found


class Subject(NamedTuple):
    """What is followed: a process, or those that belong together."""

    key: str
    processes: tuple[Followed, ...]
    stretches: list[Stretch]
    size: int | None  # of the last sample; None: it was gone by then


class Subjects(NamedTuple):
    """All that are followed."""

    found: list[Subject]
    unknown: int  # processes of which the figure is not known at all


class _Held(NamedTuple):
    """The figure of one process: places among the moments and the values from there on, to behind its last sample."""

    process: Followed
    places: list[int]
    values: list[int]
    end: int


def follow_each(recording: Recording, times: SampleTimes, figure: str, span: Span) -> Subjects:
    """Follow each process for itself."""
    held, unknown = _held(recording, times, figure, span)
    found = []
    for each in held:
        samples = _spread(each)
        size = samples[-1] if each.end == len(times.numbers) else None
        key = str(each.process.pid)
        is_still = samples.count(samples[0]) == len(samples)  # most are, and need not be sorted
        stretches = _still(times, each) if is_still else times.stretches(samples, each.places[0])
        found.append(Subject(key, (each.process,), stretches, size))
    return Subjects(found, unknown)


def follow_together(
    recording: Recording, times: SampleTimes, figure: str, span: Span, key_of: Callable[[Followed], str]
) -> Subjects:
    """Follow the sum of those processes that have a key in common and are there at the moment."""
    held, unknown = _held(recording, times, figure, span)
    groups: dict[str, list[_Held]] = {}
    for each in held:
        groups.setdefault(key_of(each.process), []).append(each)
    return Subjects([_together(times, key, members) for key, members in groups.items()], unknown)


def _held(recording: Recording, times: SampleTimes, figure: str, span: Span) -> tuple[list[_Held], int]:
    places = recording.followed(PROCESS, *span)
    found, unknown = [], 0
    for number, series in recording.series(PROCESS, [figure], *span).items():
        held = _clipped(times, places[number], series, series.values[figure])
        if held is None:
            unknown += 1
        else:
            found.append(held)
    return found, unknown


def _clipped(times: SampleTimes, process: Followed, series: Series, values: Sequence[int | None]) -> _Held | None:
    """Keep what is known of the samples asked for; what was not known for a while is taken to be as before."""
    end = times.place(None if process.last is None else process.last + 1)
    places: list[int] = []
    known: list[int] = []
    for number, value in zip(series.numbers, values):
        if value is None:
            continue
        place = times.place(number)
        if places and places[-1] == place:  # several before the first sample that is asked for: the last of them holds
            known[-1] = value
        elif place < end:
            places.append(place)
            known.append(value)
    return _Held(process, places, known, end) if places else None


def _spread(held: _Held) -> list[int]:
    """Give the figure of each sample."""
    samples: list[int] = []
    for value, a, b in zip(held.values, held.places, [*held.places[1:], held.end]):
        samples += [value] * (b - a)
    return samples


def _still(times: SampleTimes, held: _Held) -> list[Stretch]:
    """Give what never changes, as long as it was there."""
    first, value = held.places[0], float(held.values[0])
    begin, end = (times.moments[place].taken_at for place in (first, held.end - 1))
    count = min(held.end - first, MEDIANS)
    return [Stretch(begin, (end - begin) / count, [value] * count)] if count > 1 else []


def _together(times: SampleTimes, key: str, members: Sequence[_Held]) -> Subject:
    """Add figures up, sample by sample, from the first process of these to the last."""
    first, end = min(each.places[0] for each in members), max(each.end for each in members)
    changes = [0] * (end - first + 1)
    for each in members:
        before = 0
        for place, value in zip(each.places, each.values):
            changes[place - first] += value - before
            before = value
        changes[each.end - first] -= before
    samples = list(accumulate(changes[:-1]))
    size = samples[-1] if end == len(times.numbers) else None
    return Subject(key, tuple(each.process for each in members), times.stretches(samples, first), size)

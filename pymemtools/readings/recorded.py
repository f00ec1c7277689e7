"""What happened to a machine over a recording, or a part of it: its counters at some hundred moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.pressure import Pressure, parse_pressure
from pymemtools.procfs.vmstat import parse_vmstat

if TYPE_CHECKING:
    from pymemtools.readings.series import SampleTimes
    from pymemtools.sources.recording.moment import Moment
    from pymemtools.sources.recording.replay import Replay

MOST = 1000  # texts of a file that are read: of a day one in a minute and a half
_Told = TypeVar("_Told")


class Event(NamedTuple):
    """Something that happened between two samples: when the second was taken."""

    at_s: float  # since 1970, as SampleTimes.when has it
    what: str


class CountedKills(NamedTuple):
    """Kills for want of memory between two samples."""

    since: int  # the sample whose counter was looked at before
    moment: Moment  # by then they were done
    times: int


class Recorded:
    """The moments from one to another, of which the last is the one that a source is at."""

    def __init__(self, replay: Replay, first: str | None = None) -> None:
        self.replay = replay
        self.first = first  # as a user wrote it
        begin = replay.recording.choose_begin(first)
        numbers = begin.number, replay.moment.number
        self.moments = [each for each in replay.recording.moments if numbers[0] <= each.number <= numbers[1]]
        if not self.moments:
            path, end = replay.recording.path, replay.moment
            raise Missing(f"{path}: no sample from {begin.local_time} to {end.local_time}")

    @cached_property
    def times(self) -> SampleTimes:
        """Give when samples were taken, and over which the recorder ran without a stop."""
        from pymemtools.readings.series import SampleTimes  # who asks about a capture needs no recordings

        return SampleTimes(self.moments)

    @cached_property
    def meminfo(self) -> list[tuple[Moment, Mapping[str, int]]]:
        """Give meminfo at some moments, in bytes."""
        return list(self._told("meminfo", parse_meminfo))

    @cached_property
    def pressure(self) -> list[tuple[Moment, Pressure]]:
        """Give the machine's memory pressure at some moments."""
        return list(self._told("pressure/memory", parse_pressure))

    @cached_property
    def kills(self) -> list[CountedKills]:
        """Tell between which moments the kernel killed for want of memory, and how often; the last time exactly."""
        found = self._kills(self.moments[0].number, self.moments[-1].number)
        if found:  # of a long recording not every text was looked at
            last = found.pop()
            found += self._kills(last.since, last.moment.number)
        return found

    def _kills(self, first: int, last: int) -> list[CountedKills]:
        counts = [(moment, told.get("oom_kill")) for moment, told in self._told("vmstat", parse_vmstat, (first, last))]
        found = []
        for (before, was), (moment, now) in pairwise(counts):
            if was is not None and now is not None:
                more = now - was if before.boot_id == moment.boot_id else now
                found += [CountedKills(before.number, moment, more)] if more > 0 else []
        return found

    def before(self, moment: Moment) -> Moment:
        """Give the sample before one, or the first itself."""
        return self.moments[max(self.moments.index(moment) - 1, 0)]

    @cached_property
    def events(self) -> list[Event]:
        """List kills, restarts of the machine and gaps in the recording, in their order."""
        if len(self.moments) < 2:
            return []
        times = self.times
        found = [Event(times.when_of(kills.moment), "kill") for kills in self.kills]
        for place, _ in times.runs[1:]:
            before, moment = self.moments[place - 1], self.moments[place]
            is_same = before.boot_id == moment.boot_id and before.boottime_s < moment.boottime_s
            found.append(Event(times.when[place], "gap" if is_same else "restart"))
        return sorted(found)

    @property
    def restarts(self) -> list[Event]:
        """List the restarts of the machine."""
        return [event for event in self.events if event.what == "restart"]

    def _told(
        self, path: str, parse: Callable[[bytes], _Told], numbers: tuple[int, int] | None = None
    ) -> Iterator[tuple[Moment, _Told]]:
        by_number = {moment.number: moment for moment in self.moments}
        numbers = numbers or (self.moments[0].number, self.moments[-1].number)
        try:
            for number, text in self.replay.recording.texts_of(path, *numbers, most=MOST):
                if number in by_number:
                    yield by_number[number], parse(text)
        except MemtoolsError:
            return  # what is damaged, or is not there, tells no more

"""What a recording tells of paging: at each of its moments, and of processes at two of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pymemtools.errors import Denied, Missing
from pymemtools.procfs.pressure import Pressure, parse_pressure
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.readings.page_size import page_size_of
from pymemtools.readings.paging import PagingMoment
from pymemtools.readings.process_faults import FaultsMoment, read_faults
from pymemtools.readings.series import SampleTimes
from pymemtools.sources.base import Source, utc
from pymemtools.sources.recording.moment import Moment
from pymemtools.sources.recording.recording import Recording


class RecordedSpan(NamedTuple):
    """From one moment of a recording to another."""

    recording: Recording
    moments: list[Moment]  # two at least
    source: Source  # the last one
    page_size: int

    @property
    def utc_offset_s(self) -> int:
        """Give what the machine's clock is ahead of UTC."""
        return self.moments[-1].utc_offset_s

    @property
    def starts(self) -> list[str]:
        """Tell when the machine was started, after the first moment."""
        times = SampleTimes(self.moments)
        pairs = zip(self.moments, self.moments[1:])
        anew = (after for before, after in pairs if before.boot_id != after.boot_id)
        starts = (utc(int(times.when_of(moment) - moment.boottime_s)) for moment in anew)
        return [start for start in starts if start is not None]


def recorded_span(source: Source, *, is_named: bool, first: str | None = None) -> RecordedSpan:
    """Give the moments of a recording that are asked about, from ``first`` or from its begin on, up to the source.

    Of a moment that ``is_named`` it is the interval before. Raises Missing where there is no interval.
    """
    replay: Any = source  # a Replay, or what stands for one
    recording: Recording = replay.recording
    begin, end = recording.choose_begin(first), replay.moment
    moments = [moment for moment in recording.moments if begin.number <= moment.number <= end.number]
    if is_named:
        moments = moments[-2:]
    if len(moments) < 2:
        one = "one sample tells no rates: there is none before it"
        span = f"less than two samples from {begin.local_time} to {end.local_time}"
        raise Missing(f"{recording.path}: {one if first is None else span}")
    return RecordedSpan(recording, moments, source, page_size_of(source).size)


def recorded_paging(span: RecordedSpan) -> Iterator[PagingMoment]:
    """Read the counters at each moment. Raises Missing where there are none."""
    vmstat, stalled = (_over_time(span, path) for path in ("vmstat", "pressure/memory"))
    for moment, text, stalls in zip(span.moments, vmstat, stalled):
        if text is None:
            raise Missing(f"vmstat: not in {span.recording.path}")
        yield PagingMoment(
            _iso(moment),
            parse_vmstat(text),
            round(moment.boottime_s * 100),
            moment.boottime_s,
            moment.boot_id.encode("utf-8", "surrogateescape") or None,
            Pressure() if stalls is None else parse_pressure(stalls),
            span.page_size,
        )


def _over_time(span: RecordedSpan, path: str) -> Iterator[bytes | None]:
    """Give the text that a file had at each moment: what it had at the first one, until another is told."""
    first = span.moments[0]
    try:
        text: bytes | None = span.recording.at(first).read(path)
        later = span.recording.texts_of(path, first.number, span.moments[-1].number)
    except (Missing, Denied):
        text, later = None, iter(())
    upcoming = next(later, None)
    for moment in span.moments:
        while upcoming is not None and upcoming[0] <= moment.number:
            text, upcoming = upcoming[1], next(later, None)
        yield text


def recorded_faults(span: RecordedSpan, pids: tuple[int, ...]) -> tuple[FaultsMoment | None, FaultsMoment]:
    """Read processes at the ends of a span; of another boot than the last one no process is the same."""
    before, after = span.moments[0], span.moments[-1]
    later = read_faults(span.source, _iso(after), after.boottime_s, pids)
    if before.boot_id != after.boot_id:
        return None, later
    return read_faults(span.recording.at(before), _iso(before), before.boottime_s), later


def _iso(moment: Moment) -> str:
    whole = utc(int(moment.taken_at)) or ""
    return whole.replace("Z", f".{int(moment.taken_at * 1000) % 1000:03}Z")

"""The text of trend: a line for each that was followed, what is left of the time below it, and of RAM as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.models.blocks import Stretch, value_at
from pymemtools.models.trend import FALL, GROWTH, LEAST, SHORT, STEADY
from pymemtools.render.classic_table import abbreviated
from pymemtools.render.escape import cut, escape, pad
from pymemtools.render.sparkline import sparkline
from pymemtools.report import Column, Report
from pymemtools.reports.trend.report import Followee, Trends
from pymemtools.reports.trend.rooms import Until
from pymemtools.units import human_size

_MOST_ROWS = 20
_FIXED, _MOST_SPARK = 70, 60  # columns before the course, and of it
_SIZE = Column("", "", "", "bytes")


def trend_lines(report: Report, columns: int, *, is_ascii: bool, is_limited: bool) -> Iterator[str]:
    """Lay it all out for so many columns; ``is_limited`` for the rows that fit a screen."""
    found: Trends = report.answer
    moments = found.times.moments
    yield f"{found.figure} from {moments[0].local_time} to {moments[-1].local_time}, {len(moments)} samples"
    yield from (f"({note})" for note in report.notes)
    yield ""
    spark = min(max(columns - _FIXED, 10), _MOST_SPARK)
    who = f"{'PID':>7} {'Name':<15}" if found.by == "process" else f"{'Procs':>5} {found.by.capitalize():<17}"
    yield f"{who} {'Last':>8} {'an hour':>8} {'95 % interval':>17} {'Verdict':<9} Course"
    rows = found.rows[:_MOST_ROWS] if is_limited else found.rows
    for row in rows:
        yield _line(row, found, spark, is_ascii=is_ascii)
        yield from _time_left(row)
    yield from _rest(found, len(rows))
    yield ""
    yield _ram(found)


def _line(row: Followee, found: Trends, spark: int, *, is_ascii: bool) -> str:
    subject, trend = row.subject, row.trend
    if found.by == "process":
        process = subject.processes[-1]
        who = f"{process.pid:>7} {pad(cut(escape(process.name or '?'), 15), 15)}"
    else:
        who = f"{len(subject.processes):>5} {pad(cut(_key(subject.key), 17), 17)}"
    rate = interval = "-"
    if trend.slope is not None and trend.low is not None and trend.high is not None:
        rate, low, high = (amount(each * 3600) for each in (trend.slope, trend.low, trend.high))
        interval = "" if trend.verdict == STEADY else f"{low}..{high}"
    last = "gone" if subject.size is None else amount(subject.size)
    course = sparkline(_cells(subject.stretches, found, spark), is_ascii=is_ascii)
    return f"{who} {last:>8} {rate:>8} {interval:>17} {trend.verdict:<9} {course}".rstrip()


def _key(key: str) -> str:
    """Cut a long path at its beginning: groups differ at the end."""
    text = escape(key)
    return text if len(text) <= 17 else f"...{text[-14:]}"


def amount(size: float) -> str:
    """Write bytes in few characters.

    >>> amount(12.4 * 1024 * 1024), amount(-2048), amount(0)
    ('12.4M', '-2.0K', '0')
    """
    return abbreviated(_SIZE, round(size))


def _cells(stretches: Sequence[Stretch], found: Trends, count: int) -> list[float | None]:
    """Give a value for each part of the time that the recording is asked about."""
    begin, end = found.times.span
    return [value_at(stretches, begin + (end - begin) * (i + 0.5) / count) for i in range(count)]


def _time_left(row: Followee) -> Iterator[str]:
    """Say what is used up when, what is first in front, and what jumps beside."""
    found = [(row.ram, "RAM is used up"), (row.commit, "no memory is promised any more")]
    found += [(row.group, f"{escape(row.full_group)} is full")] if row.full_group else []
    parts = sorted((time, what) for time, what in found if time is not None)
    if parts:
        yield f"        if it goes on, {', '.join(f'{what} in {spoken(time)}' for time, what in parts)}"
    if row.trend.verdict == GROWTH and row.trend.jump is not None:
        yield f"        besides a jump by {human_size(round(row.trend.jump.size))}, which is not counted"


def spoken(time: Until) -> str:
    """Say an interval of time.

    >>> spoken(Until(100, 7000)), spoken(Until(30000, 50000)), spoken(Until(90_000, 700_000)), spoken(Until(1e9, 2e9))
    ('2 min to 1.9 h', '8.3 to 14 h', '1.0 to 8.1 days', 'more than a year')
    """
    if time.low > 366 * 86400:
        return "more than a year"
    (low, unit), (high, other) = _parted(time.low), _parted(time.high)
    if time.high > 366 * 86400:
        return f"{low} {unit} or far later"
    if (low, unit) == (high, other):
        return f"about {low} {unit}"
    return f"{low} to {high} {unit}" if unit == other else f"{low} {unit} to {high} {other}"


def _parted(seconds: float) -> tuple[str, str]:
    if seconds < 3600:
        return f"{seconds / 60:.0f}", "min"
    unit, size = ("h", 3600) if seconds < 86400 else ("days", 86400)
    number = seconds / size
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}", unit


def _rest(found: Trends, shown: int) -> Iterator[str]:
    """Count the rows that are not shown."""
    others = dict(found.others)
    for row in found.rows[shown:]:
        others[row.trend.verdict] = others.get(row.trend.verdict, 0) + 1
    if others:
        parts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(others.items(), key=lambda each: -each[1]))
        yield f"and {sum(others.values())} more: {parts}"
    if not any(row.trend.verdict == GROWTH for row in found.rows):
        are_all_short = all(row.trend.verdict == SHORT for row in found.rows)
        yield (
            f"too few samples to say anything: {LEAST} are the least" if are_all_short else "nothing that surely grows"
        )


def _ram(found: Trends) -> str:
    """Say how RAM as a whole goes."""
    size, trend = found.rooms.ram, found.available
    if size is None:
        return "RAM available: not known"
    text = f"RAM available: {human_size(size)}"
    if trend.verdict != FALL or trend.low is None or trend.high is None:
        return f"{text}, which does not surely fall"
    least, most = amount(-trend.high * 3600), amount(-trend.low * 3600)
    text += f", which falls by {least if least == most else f'{least} to {most}'} an hour"
    return text if found.ram is None else f"{text}: none is left in {spoken(found.ram)}, if it goes on"

"""One sample of a recording, and which one is meant by ``03:12``, ``-2h``, ``last``, or a number."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from pymemtools.errors import Missing, UsageProblem
from pymemtools.units import parse_seconds

_DAY = 86400
_NEVER = 1e11  # seconds since 1970
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?"
    r"(?: ?(Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
FORMS = "03:12, 2026-11-28T03:12, -2h, first, last or the number of a sample"


class BeforeFirst(Missing):
    """Say that a moment is meant that is before the first sample."""


class Moment(NamedTuple):
    """When a sample was taken, by which clocks."""

    number: int  # from 1 on; those that went for want of room are missing
    taken_at: float  # seconds since 1970
    boottime_s: float  # since the start of the machine, suspended or not (CLOCK_BOOTTIME)
    boot_id: str  # which start; empty where that was not told
    utc_offset_s: int  # what the machine's local time was ahead of UTC
    cpu_s: float  # processor time that taking it took this program

    @property
    def local_time(self) -> str:
        """Write the time as the recorded machine's clock showed it, with its offset.

        >>> Moment(1, 1795435662.0, 10.0, "", 3600, 0.01).local_time
        '2026-11-23 13:07:42 +0100'
        """
        return local_time(self.taken_at, self.utc_offset_s)


def local_time(seconds: float, offset: int) -> str:
    """Write a time with the offset of its zone."""
    import time

    sign, minutes = "-" if offset < 0 else "+", abs(offset) // 60
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + offset))
    return f"{clock} {sign}{minutes // 60:02}{minutes % 60:02}"


class Finder(NamedTuple):
    """Who finds the last sample by a clock: of those taken by then, or so many seconds before the last one."""

    before: Callable[[float], Moment | None]
    ago: Callable[[float], Moment | None]


def chosen(text: str, last: Moment, first: Moment, find: Finder) -> Moment | int:
    """Choose the moment, or the number of the sample, that is meant.

    A time means the last sample that was there by then. One without a date is the latest such, without a zone it is
    the recorded machine's, as its clock showed it then; ``-2h`` is before the last sample.
    Raises UsageProblem for no moment at all, BeforeFirst for one before the first.
    """
    text = text.strip()
    if text == "last":
        return last
    if text == "first":
        return first
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return int(text)
    if text.startswith("-"):
        ago = _ago(text)
        found, seconds = find.ago(ago), last.taken_at - ago
    else:
        seconds = _seconds(text, newest := find.before(_NEVER) or last)  # by a clock that may have been set back
        found = find.before(seconds)
        if found is not None and found.utc_offset_s != newest.utc_offset_s and not _has_zone(text):
            seconds += newest.utc_offset_s - found.utc_offset_s  # summer time has begun or ended since
            found = find.before(seconds)
    if found is None:
        meant = local_time(seconds, last.utc_offset_s)
        raise BeforeFirst(f"{text} ({meant}) is before the first sample, which was taken {first.local_time}")
    return found


def _ago(text: str) -> float:
    try:
        return parse_seconds(text[1:])
    except ValueError:
        raise _unknown(text) from None


def _seconds(text: str, last: Moment) -> float:
    """Give the time that is meant, in seconds since 1970. Raises UsageProblem."""
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        hour, minute, second = (int(word or 0) for word in clock.groups())
        if hour > 23 or minute > 59 or second > 59:
            raise _unknown(text)
        midnight = (last.taken_at + last.utc_offset_s) // _DAY * _DAY - last.utc_offset_s
        seconds = midnight + hour * 3600 + minute * 60 + second
        return seconds if seconds <= last.taken_at else seconds - _DAY
    return _of_date(text, last)


def _of_date(text: str, last: Moment) -> float:
    from datetime import datetime, timezone

    date = _DATE.fullmatch(text)
    try:
        numbers = [int(word or 0) for word in date.groups()[:6]] if date else []
        seconds = datetime(*numbers, tzinfo=timezone.utc).timestamp()  # type: ignore[arg-type, misc]
    except (ValueError, TypeError):
        raise _unknown(text) from None
    zone = date[7] if date else None
    if zone is None:
        return seconds - last.utc_offset_s
    if zone == "Z":
        return seconds
    ahead = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return seconds + ahead if zone[0] == "-" else seconds - ahead


def _has_zone(text: str) -> bool:
    date = _DATE.fullmatch(text)
    return date is not None and date[7] is not None


def _unknown(text: str) -> UsageProblem:
    return UsageProblem(f"'{text}' is no moment; write {FORMS}")

"""The time that ``date`` or ``timedatectl`` printed, where it says of which zone it is."""

from __future__ import annotations

import re

_OFFSET = r"[+-][0-9]{2}(?::?[0-9]{2})?"
_DAY_AND_TIME = r"\b([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,][0-9]+)?"
_ISO = re.compile(rf"{_DAY_AND_TIME} ?([A-Z]{{1,5}}|{_OFFSET})")
_UNIVERSAL = re.compile(r"^ *Universal time:(.*)$", re.MULTILINE)
_TIME = re.compile(r"\b([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?: ?([AP]M))?\b")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTH_AND_DAY = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]* +([0-9]{{1,2}})\b|\b([0-9]{{1,2}}) ({'|'.join(_MONTHS)})")
_YEAR = re.compile(r"(?<![:+-])\b([0-9]{4})\b")
_ZONE = re.compile(rf"(?<= )([A-Z]{{3,4}}|{_OFFSET})(?= |$)")
# Hours ahead of UTC. Those that mean several (CST, IST, BST ...) tell nothing.
_HOURS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip


def seconds_of(text: str) -> int | None:
    """Read the time in the first line, or in that of the universal time, as seconds since 1970.

    >>> seconds_of("Tue Dec  3 10:48:09 CET 2024"), seconds_of("Tue 03 Dec 2024 10:48:09 AM CST")
    (1733219289, None)
    """
    universal = _UNIVERSAL.search(text)
    line = universal[1] if universal else text.strip().partition("\n")[0][:200]
    match = _ISO.search(line)
    if match is not None:
        year, month, day, hour, minute, second = map(int, match.groups()[:6])
        return _seconds((year, month, day, hour, minute, second), match[7])
    time, date = _TIME.search(line), _MONTH_AND_DAY.search(line)
    rest = "" if time is None else line[: time.start()] + line[time.end() :]
    years, zones = _YEAR.findall(rest), _ZONE.findall(rest)
    if time is None or date is None or not years or not zones:
        return None
    month = _MONTHS.index(date[1] or date[4]) + 1
    hour = int(time[1]) if time[4] is None else int(time[1]) % 12 + 12 * (time[4] == "PM")
    return _seconds((int(years[0]), month, int(date[2] or date[3]), hour, int(time[2]), int(time[3])), zones[-1])


def _seconds(clock: tuple[int, int, int, int, int, int], zone: str) -> int | None:
    """Count the seconds; None for a zone that is not known, and a date that is none."""
    ahead = _ahead(zone)
    if ahead is None:
        return None
    from datetime import datetime, timezone

    try:
        return int(datetime(*clock, tzinfo=timezone.utc).timestamp()) - ahead
    except ValueError:
        return None


def _ahead(zone: str) -> int | None:
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        ahead = int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60
        return -ahead if zone[0] == "-" else ahead
    hours = _HOURS.get(zone)
    return None if hours is None else hours * 3600

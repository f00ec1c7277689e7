"""What ``sadf -j`` says of a day: rates that sar once worked out, as text of JSON, which may be anybody's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pymemtools.errors import ParseError
from pymemtools.models.release import parse_release, since
from pymemtools.sources.json_text import text_or_none

MOST_BYTES = 32 << 20  # a day of all that sar knows, minute by minute; read, it takes 20 times as much at the worst
_MOST = 1e18  # what is larger is a difference that went below 0
_DATE, _TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}")
_PAGES_OF_4K = re.compile(r"x86_64|i[3-6]86|s390x?|armv.*|riscv64")


class SadfInterval(NamedTuple):
    """The rates of one interval, as sar has them; None for what was not asked of sadf."""

    ends_at: str  # ISO 8601, with a Z where it is UTC
    seconds: float | None
    paging: Mapping[str, float | None]  # pgpgin and pgpgout in KiB, fault, majflt, pgscank, pgscand, pgsteal
    swap: Mapping[str, float | None]  # pswpin, pswpout, in pages
    stalled: Mapping[str, float | None]  # some_avg, full_avg, in percent of the interval


class SadfDay(NamedTuple):
    """All of it, in order of time; None for what it does not tell."""

    host: str | None
    kernel: str | None
    page_size: int | None  # bytes, where the machine has but one
    intervals: list[SadfInterval]
    starts: list[str]  # when the machine was started
    steals_twice: bool  # pgsteal has each page twice


def looks_like_sadf(head: bytes) -> bool:
    """Tell JSON by how it begins; no archive begins so."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def parse_sadf(text: bytes, file: str) -> SadfDay:
    """Read the document. Raises ParseError for what is none of sadf's, and for one of several machines."""
    import json

    try:
        document = json.loads(text)
        hosts = document["sysstat"]["hosts"]
        named = {text_or_none(host["nodename"]) for host in hosts}
    except RecursionError:
        raise ParseError(file, None, "JSON nested too deeply") from None
    except ValueError as error:
        raise ParseError(file, getattr(error, "lineno", None), "not JSON, or cut short") from None
    except (TypeError, KeyError, AttributeError):
        raise ParseError(file, None, "not what sadf -j prints: no sysstat.hosts") from None
    if len(named) != 1:
        raise ParseError(file, None, f"of {len(named)} machines, and not of one")
    intervals = sorted((each for host in hosts for each in _intervals(host)), key=lambda each: each.ends_at)
    if not intervals:
        raise ParseError(file, None, "no paging in it: sadf -j FILE -- -B -W")
    starts = sorted(start for host in hosts for start in _starts(host))
    kernel, machine = (text_or_none(hosts[0].get(key)) for key in ("release", "machine"))
    is_counted_twice = since(parse_release(kernel), (5, 9))
    return SadfDay(
        named.pop(),
        kernel,
        4096 if _PAGES_OF_4K.fullmatch(machine or "") else None,
        intervals,
        list(dict.fromkeys(starts)),
        is_counted_twice and any("vmeff-percent" in each.paging for each in intervals),
    )


def _intervals(host: Any) -> Iterator[SadfInterval]:
    """Give the records that have paging or swap."""
    for record in _list(host.get("statistics")):
        moment = _dict(_dict(record).get("timestamp"))
        ends_at = _moment(moment)
        paging, swap = (_numbers(record.get(key)) for key in ("paging", "swap-pages")) if ends_at else ({}, {})
        if ends_at is not None and (paging or swap):
            stalled = _numbers(_dict(record.get("psi")).get("psi-mem") or record.get("psi-mem"))
            yield SadfInterval(ends_at, _number(moment.get("interval")), paging, swap, stalled)


def _starts(host: Any) -> Iterator[str]:
    for each in _list(host.get("restarts")):
        moment = _moment(_dict(_dict(each).get("boot")))
        if moment is not None:
            yield moment


def _moment(said: Mapping[str, Any]) -> str | None:
    """Put date and time together; ``utc`` tells whether they are UTC or somebody's local time."""
    date, time = said.get("date"), said.get("time")
    if not (isinstance(date, str) and isinstance(time, str) and _DATE.fullmatch(date) and _TIME.fullmatch(time)):
        return None
    return f"{date}T{time}{'Z' if said.get('utc') == 1 else ''}"


def _numbers(value: Any) -> dict[str, float | None]:
    return {key: _number(number) for key, number in _dict(value).items()}


def _number(value: Any) -> float | None:
    """Take a number that a rate can be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _MOST:
        return None
    return float(value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

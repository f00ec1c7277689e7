"""Laws as data: what an experiment must show, what was expected, and what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Number = int | float


class Law(NamedTuple):
    """One law; what was not seen (None) does not hold."""

    name: str
    holds: bool
    expected: Any
    seen: Any


def equal(name: str, expected: Any, seen: Any) -> Law:
    """Demand one value.

    >>> equal("blocks read the second time", 0, 0)
    Law(name='blocks read the second time', holds=True, expected=0, seen=0)
    """
    return Law(name, seen is not None and seen == expected, expected, seen)


def between(name: str, least: Number, most: Number, seen: Number | None) -> Law:
    """Demand a value from ``least`` to ``most``.

    >>> between("faults", 1000, 1016, None).holds
    False
    """
    expected = least if least == most else f"{least} to {most}"
    return Law(name, seen is not None and least <= seen <= most, expected, seen)


def at_most(name: str, most: Number, seen: Number | None) -> Law:
    """Demand a value that is no larger."""
    return Law(name, seen is not None and seen <= most, f"at most {most}", seen)


def at_least(name: str, least: Number, seen: Number | None) -> Law:
    """Demand a value that is no smaller."""
    return Law(name, seen is not None and seen >= least, f"at least {least}", seen)


def all_of(name: str, laws: Iterable[Law]) -> Law:
    """Make one law of the same demand made several times; of those that fail the first is shown.

    >>> all_of("no faults", [equal("write again", 0, 0), equal("read again", 0, 7)])
    Law(name='no faults', holds=False, expected=0, seen='read again: 7')
    """
    laws = list(laws)
    failed = broken(laws)
    if failed or not laws:
        first = failed[0] if failed else Law("", False, "a case", "none")
        return Law(name, False, first.expected, f"{first.name}: {first.seen}")
    return Law(name, True, f"each of {len(laws)}", f"each of {len(laws)}")


def broken(laws: Sequence[Law]) -> list[Law]:
    """Give the laws that did not hold."""
    return [law for law in laws if not law.holds]

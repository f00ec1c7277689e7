"""Two figures that should be alike, and the checks that are made of such pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pymemtools.reports.selftest.evidence import Evidence


class Compared(NamedTuple):
    """What is expected of one subject and what is seen, in the check's unit, and how far they may be apart."""

    subject: str  # "zone Normal of node 0, low", "PID 12 (sh) Rss"
    expected: int
    seen: int
    less: int = 0  # by how much ``seen`` may be below what is expected
    more: int | None = 0  # and above it; None: by any amount
    pid: int | None = None
    excuse: str = ""  # why a difference proves nothing

    @property
    def holds(self) -> bool:
        """Tell whether they are alike."""
        return self.seen >= self.expected - self.less and (self.more is None or self.seen <= self.expected + self.more)

    @property
    def off(self) -> int:
        """Give how far ``seen`` is from where it may be."""
        if self.holds:
            return 0
        if self.seen < self.expected:
            return self.expected - self.less - self.seen
        return self.seen - self.expected - (self.more or 0)


class Check(NamedTuple):
    """One rule that the kernel should follow."""

    id: str
    what: str
    rule: str  # where in the kernel it is, and of which versions
    unit: str  # "bytes", or what expected and seen count
    # Raises Missing, with the reason, where there is nothing to compare; of what is missing in part the rest counts.
    compare: Callable[[Evidence], Iterable[Compared]]
    mixes: bool = False  # meminfo with files that, in a container, tell of another machine's memory
    of_all: bool = False  # all processes, or the groups that they are in, decide together


def around(subject: str, expected: int, seen: int, slack: int, excuse: str = "") -> Compared:
    """Compare two figures that may be so far apart, either way."""
    return Compared(subject, expected, seen, slack, slack, excuse=excuse)

"""Sums over the mappings of /proc/PID/smaps that have some flags; procfs.smaps.tally hands them on, many at once."""

from __future__ import annotations

from collections.abc import Sequence

from pymemtools.cells import Memo

_MOST_FLAGS = 256  # distinct lines of flags that are remembered; a machine has some dozens


class Flagged:
    """Whoever derives from it says in add() what to make of the figures of ``key``."""

    key: str

    def __init__(self) -> None:
        self.is_told = False  # there are VmFlags, which Linux 3.8 was the first to have

    def add(self, flags: Sequence[bytes], kib: Sequence[int]) -> None:
        """Take the flags of some mappings, and beside them their figures in KiB."""
        raise NotImplementedError


def having(flag: bytes, unless: bytes = b"") -> Memo[bytes, bool]:
    """Tell of lines of flags, looking at each distinct one once, whether they have one, unless they have another."""
    return Memo(lambda flags: flag in (words := flags.split()) and unless not in words, _MOST_FLAGS)

"""How much of a process's address space Committed_AS counts: the mappings of /proc/PID/smaps with the flag ``ac``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

from pymemtools.procfs.smaps.flagged import Flagged, having

_COUNTED = having(b"ac")
_COPIED = having(b"ac", unless=b"dc")


class Accounted(NamedTuple):
    """Bytes of address space: all that counts, what of it a child gets at a fork (all but ``dc``), largest mapping."""

    whole: int
    copied: int
    largest: int


class Accounting(Flagged):
    """Add up the sizes of mappings with VM_ACCOUNT."""

    key = "Size"
    _whole = _copied = _largest = 0  # KiB

    def add(self, flags: Sequence[bytes], kib: Sequence[int]) -> None:
        self.is_told = True
        copied = list(compress(kib, map(_COPIED.__getitem__, flags)))
        self._whole += sum(compress(kib, map(_COUNTED.__getitem__, flags)))
        self._copied += sum(copied)
        self._largest = max(self._largest, max(copied, default=0))

    def finish(self) -> Accounted | None:
        """Give the sums; None where there are no VmFlags (before Linux 3.8)."""
        return Accounted(self._whole << 10, self._copied << 10, self._largest << 10) if self.is_told else None

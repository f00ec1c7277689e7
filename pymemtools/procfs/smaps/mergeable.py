"""How much of a process may be merged with equal pages: anonymous memory of the mappings with the flag ``mg``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from pymemtools.procfs.smaps.flagged import Flagged, having

_OPEN_TO_KSM = having(b"mg")


class Mergeable(Flagged):
    """Add up what is in RAM of the mappings that MADV_MERGEABLE, or PR_SET_MEMORY_MERGE, has opened to KSM."""

    key = "Anonymous"
    _sum = 0  # KiB

    def add(self, flags: Sequence[bytes], kib: Sequence[int]) -> None:
        self.is_told = True
        self._sum += sum(compress(kib, map(_OPEN_TO_KSM.__getitem__, flags)))

    def finish(self) -> int | None:
        """Give the sum in bytes; None where there are no VmFlags (before Linux 3.8)."""
        return self._sum << 10 if self.is_told else None

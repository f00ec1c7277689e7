"""How much of a process may be merged with equal pages: anonymous memory of the mappings with the flag ``mg``."""

from __future__ import annotations

import re

from pymemtools.procfs.smaps.flagged import FlaggedRecords

_ANONYMOUS = re.compile(rb"\nAnonymous: +([0-9]{1,20}) kB(?:\n|$)")


class Mergeable(FlaggedRecords):
    """Add up what is in RAM of the mappings that MADV_MERGEABLE, or PR_SET_MEMORY_MERGE, has opened to KSM."""

    _sum = 0  # KiB

    def take(self, record: bytes, flags: bytes) -> None:
        if b" mg" in flags:
            self._sum += self.kib(_ANONYMOUS, record, "Anonymous")

    def finish(self) -> int | None:
        """Give the sum in bytes; None where there are no VmFlags (before Linux 3.8)."""
        return self._sum << 10 if self.is_told else None

"""How much of a process's address space Committed_AS counts: the mappings of /proc/PID/smaps with the flag ``ac``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.procfs.smaps.flagged import FlaggedRecords

_SIZE = re.compile(rb"\nSize: +([0-9]{1,20}) kB\n")


class Accounted(NamedTuple):
    """Bytes of address space: all that counts, what of it a child gets at a fork (all but ``dc``), largest mapping."""

    whole: int
    copied: int
    largest: int


class Accounting(FlaggedRecords):
    """Add up the sizes of mappings with VM_ACCOUNT."""

    _whole = _copied = _largest = 0  # KiB

    def take(self, record: bytes, flags: bytes) -> None:
        if b" ac" in flags:
            self._add(self.kib(_SIZE, record, "Size"), is_copied=b" dc" not in flags)

    def _add(self, kib: int, *, is_copied: bool) -> None:
        self._whole += kib
        if is_copied:
            self._copied += kib
            if kib > self._largest:
                self._largest = kib

    def finish(self) -> Accounted | None:
        """Give the sums; None where there are no VmFlags (before Linux 3.8)."""
        return Accounted(self._whole << 10, self._copied << 10, self._largest << 10) if self.is_told else None


def accounted(chunks: Iterable[bytes], file: str = "smaps") -> Accounted | None:
    """Add up the smaps of one process. Raises ParseError."""
    accounting = Accounting(file)
    for chunk in chunks:
        accounting.feed(chunk)
    return accounting.finish()

"""How much of a process's address space Committed_AS counts: the mappings of /proc/PID/smaps with the flag ``ac``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from pymemtools.errors import ParseError

_FLAGS = b"\nVmFlags:"
_SIZE = re.compile(rb"\nSize: +([0-9]{1,20}) kB\n")
_LONGEST_RECORD = 1 << 20  # bytes; a path has at most 4096, each of them written as four at worst


class Accounted(NamedTuple):
    """Bytes of address space: all that counts, what of it a child gets at a fork (all but ``dc``), largest mapping."""

    whole: int
    copied: int
    largest: int


class Accounting:
    """Add up the sizes of mappings with VM_ACCOUNT, of smaps that is fed in pieces of any size.

    Everything goes by position: a path may hold any byte but a newline. Raises ParseError.
    """

    def __init__(self, file: str = "smaps") -> None:
        self._file = file
        self._rest = b""
        self._is_told = False
        self._is_hopeless = False  # no VmFlags as far as a record can reach
        self._whole = self._copied = self._largest = 0  # KiB

    def feed(self, chunk: bytes) -> None:
        """Take the next piece."""
        if self._is_hopeless:
            return
        text = self._rest + chunk
        end = text.find(b"\n", text.rfind(_FLAGS) + len(_FLAGS)) + 1 if _FLAGS in text else 0
        self._rest = text[end:]
        if len(self._rest) > _LONGEST_RECORD:
            if self._is_told or end:
                raise ParseError(self._file, None, f"a record of more than {_LONGEST_RECORD >> 10} KiB")
            self._is_hopeless = True
        records = text[:end].split(_FLAGS)
        self._is_told = self._is_told or len(records) > 1
        for record, after in pairwise(records):
            flags = after.partition(b"\n")[0]
            if b" ac" in flags:
                self._add(record, is_copied=b" dc" not in flags)

    def _add(self, record: bytes, *, is_copied: bool) -> None:
        size = _SIZE.search(record)
        if size is None:
            raise ParseError(self._file, None, "a mapping without Size")
        kib = int(size[1])
        self._whole += kib
        if is_copied:
            self._copied += kib
            self._largest = max(self._largest, kib)

    def finish(self) -> Accounted | None:
        """Give the sums; None where there are no VmFlags (before Linux 3.8)."""
        return Accounted(self._whole << 10, self._copied << 10, self._largest << 10) if self._is_told else None


def accounted(chunks: Iterable[bytes], file: str = "smaps") -> Accounted | None:
    """Add up the smaps of one process. Raises ParseError."""
    accounting = Accounting(file)
    for chunk in chunks:
        accounting.feed(chunk)
    return accounting.finish()

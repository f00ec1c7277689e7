"""The records of smaps one by one with their VmFlags, of a text that is fed in pieces of any size."""

from __future__ import annotations

import re

from pymemtools.errors import ParseError

_FLAGS = b"\nVmFlags:"
_LONGEST_RECORD = 1 << 20  # bytes; a path has at most 4096, each of them written as four at worst


class FlaggedRecords:
    """Take smaps apart; whoever derives from it says in take() what to make of a record.

    Everything goes by position: a path may hold any byte but a newline. Raises ParseError.
    """

    def __init__(self, file: str = "smaps") -> None:
        self._file = file
        self._rest = b""
        self._is_hopeless = False  # no VmFlags as far as a record can reach
        self.is_told = False  # there are VmFlags, which Linux 3.8 was the first to have

    def feed(self, chunk: bytes) -> None:
        """Take the next piece."""
        if self._is_hopeless:
            return
        text = self._rest + chunk
        end = text.find(b"\n", text.rfind(_FLAGS) + len(_FLAGS)) + 1 if _FLAGS in text else 0
        self._rest = text[end:]
        if len(self._rest) > _LONGEST_RECORD:
            if self.is_told or end:
                raise ParseError(self._file, None, f"a record of more than {_LONGEST_RECORD >> 10} KiB")
            self._is_hopeless = True
        records = text[:end].split(_FLAGS)
        self.is_told = self.is_told or len(records) > 1
        take, record = self.take, records[0]
        for after in records[1:]:
            take(record, after[: after.find(b"\n")])
            record = after

    def take(self, record: bytes, flags: bytes) -> None:
        """Look at one record up to its flags, each of which has a blank before it."""
        raise NotImplementedError

    def kib(self, pattern: re.Pattern[bytes], record: bytes, name: str) -> int:
        """Give a record's figure in KiB. Raises ParseError where it has none."""
        match = pattern.search(record)
        if match is None:
            raise ParseError(self._file, None, f"a mapping without {name}")
        return int(match[1])

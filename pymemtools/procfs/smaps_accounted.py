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


def accounted(chunks: Iterable[bytes], file: str = "smaps") -> Accounted | None:
    """Add up the sizes of mappings with VM_ACCOUNT; None where there are no VmFlags (before Linux 3.8).

    Everything goes by position: a path may hold any byte but a newline. Raises ParseError.
    """
    whole = copied = largest = 0
    rest = b""
    is_told = False
    for chunk in chunks:
        text = rest + chunk
        end = text.find(b"\n", text.rfind(_FLAGS) + len(_FLAGS)) + 1 if _FLAGS in text else 0
        rest = text[end:]
        if len(rest) > _LONGEST_RECORD:
            if not is_told and not end:
                return None
            raise ParseError(file, None, f"a record of more than {_LONGEST_RECORD >> 10} KiB")
        records = text[:end].split(_FLAGS)
        is_told = is_told or len(records) > 1
        for record, after in pairwise(records):
            flags = after.partition(b"\n")[0]
            if b" ac" in flags:
                size = _SIZE.search(record)
                if size is None:
                    raise ParseError(file, None, "a mapping without Size")
                kib = int(size[1])
                whole += kib
                if b" dc" not in flags:
                    copied += kib
                    largest = max(largest, kib)
    return Accounted(whole << 10, copied << 10, largest << 10) if is_told else None

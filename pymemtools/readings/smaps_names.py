"""Which figures does the kernel at hand print in smaps?"""

from __future__ import annotations

import re

from pymemtools.errors import MemtoolsError
from pymemtools.sources.base import Source

_FIELD = rb"(?m)^([A-Z][A-Za-z0-9_]*): +[0-9]{1,20} kB$"
_ENOUGH = 64 << 10  # bytes: a record has two or three thousand


def smaps_fields(source: Source) -> tuple[str, ...]:
    """Name the sizes in the smaps, or else the smaps_rollup, of the first process that has one; none is no error."""
    for pid in source.pids():
        try:
            with source.process(pid) as files:
                for name in ("smaps", "smaps_rollup"):
                    names = _names(next(iter(files.chunks(name)), b"")[:_ENOUGH])
                    if names:
                        return names
        except MemtoolsError:
            continue
    return ()


def _names(text: bytes) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.decode("ascii") for name in re.findall(_FIELD, text)))

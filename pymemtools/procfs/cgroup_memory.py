"""The memory controller's files of a control group: memory.max, memory.current, memory.stat and v1's like."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pymemtools.errors import ParseError, excerpt

_SOUND = re.compile(rb"(?:[!-~]+ [0-9]{1,20}\n)*")  # as all kernels write it
_V1_NO_LIMIT_32_BIT = (2**31 - 1) * 4096  # PAGE_COUNTER_MAX pages; no 32-bit machine has 8 TiB


def parse_amount(text: bytes, file: str) -> int:
    """Read a file that holds one amount in bytes (memory.current, memory.usage_in_bytes). Raises ParseError."""
    words = text.split()
    if len(words) != 1 or not words[0].isdigit() or len(words[0]) > 20:
        raise ParseError(file, None, f"expected bytes, got {excerpt(text)}")
    return int(words[0])


def parse_limit(text: bytes, file: str) -> int | None:
    """Read a limit in bytes; None is no limit: v2's ``max``, or what v1 shows then.

    v1 shows LONG_MAX rounded down to pages (before Linux 3.19 not rounded, and some vendors' kernels 2^64 - 1).

    >>> parse_limit(b"max\\n", "memory.max"), parse_limit(b"9223372036854771712\\n", "memory.limit_in_bytes")
    (None, None)

    Raises ParseError.
    """
    if text.strip() == b"max":
        return None
    amount = parse_amount(text, file)
    return None if amount >= 2**62 or amount == _V1_NO_LIMIT_32_BIT else amount


def parse_stat(text: bytes, file: str = "memory.stat") -> Mapping[str, int]:
    """Map each key of memory.stat to its figure: bytes, but for the counts of events. Raises ParseError.

    >>> parse_stat(b"anon 4096\\nfile 8192\\n")
    {'anon': 4096, 'file': 8192}
    """
    if _SOUND.fullmatch(text):
        words = text.decode("utf-8", "surrogateescape").split()
        return dict(zip(words[::2], map(int, words[1::2])))
    figures: dict[str, int] = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        key, _, amount = line.partition(b" ")
        if key and not (amount.isdigit() and len(amount) <= 20):
            raise ParseError(file, number, f"expected 'name bytes', got {excerpt(line)}")
        if key:
            figures[key.decode("utf-8", "surrogateescape")] = int(amount)
    return figures

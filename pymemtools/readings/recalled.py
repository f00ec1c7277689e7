"""What was worked out of a source that does not change, and is asked for by one question after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pymemtools.sources.base import Source

_T = TypeVar("_T")


def recalled(source: Source, read: Callable[[Source], _T]) -> _T:
    """Read a source, or of one that remembers (readings.once) what it gave: who gets that must not change it."""
    recall: Callable[[Callable[[Source], _T]], _T] | None = getattr(source, "recall", None)
    return read(source) if recall is None else recall(read)


def read_anew(source: Source, path: str) -> bytes:
    """Read a file once more, to see what has changed meanwhile. Raises Missing or Denied."""
    anew: Callable[[str], bytes] = getattr(source, "read_anew", source.read)
    return anew(path)

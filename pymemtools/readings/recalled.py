"""What was worked out of a source that does not change, and is asked for by one question after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

from pymemtools.sources.base import Source

_T = TypeVar("_T")


@runtime_checkable
class Recalling(Protocol):
    """A source that remembers what was worked out of it: see readings.once."""

    def recall(self, read: Callable[[Source], _T]) -> _T:
        """Call ``read`` with the source, or give what it gave the first time."""
        ...

    def read_anew(self, path: str) -> bytes:
        """Read a file as it is now, and not as it was the first time. Raises Missing or Denied."""
        ...


def recalled(source: Source, read: Callable[[Source], _T]) -> _T:
    """Read a source, or recall what was read: what is given must not be changed by who gets it."""
    return source.recall(read) if isinstance(source, Recalling) else read(source)


def read_anew(source: Source, path: str) -> bytes:
    """Read a file once more, to see what has changed meanwhile. Raises Missing or Denied."""
    return source.read_anew(path) if isinstance(source, Recalling) else source.read(path)

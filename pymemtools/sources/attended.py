"""A source whose reader waits at a terminal, and is told what takes long."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from pymemtools.sources.base import Source

Tell = Callable[[str], AbstractContextManager[None]]


class Attended:
    """Any source, with what tells its reader what is being done: nothing below the command line knows terminals."""

    def __init__(self, source: Source, tell: Tell) -> None:
        self._source = source
        self.tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def while_reading(source: Source, processes: int) -> AbstractContextManager[None]:
    """Tell who waits that so many processes are read."""
    if not isinstance(source, Attended):
        return nullcontext()
    return source.tell(f"reading {processes} process{'' if processes == 1 else 'es'}")

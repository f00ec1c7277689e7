"""What is wrong within a recording, and in which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymemtools.errors import ArchiveError


class Damaged(ArchiveError):
    """Say what is not as it should be; the recording is named by who knows it."""


@contextmanager
def named(path: str) -> Iterator[None]:
    """Name the recording in which something is damaged. Raises ArchiveError."""
    try:
        yield
    except Damaged as damage:
        raise ArchiveError(f"{path}: damaged recording: {damage}") from None

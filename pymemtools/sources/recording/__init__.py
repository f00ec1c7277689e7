"""A recording: a series of captures in one SQLite file, in which unchanged text costs nothing.

``open_recording(path)`` gives a Recording, of which each moment is a source::

    recording = open_recording("host.rec")
    recording.at("03:12").read("meminfo")
    recording.series(PROCESS, ["pss"])
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymemtools.sources.recording.recording import Recording

MAGIC = b"SQLite format 3\0"


def open_recording(path: str, max_bytes: int = 1 << 30) -> Recording:
    """Open a recording; ``max_bytes`` limits what a text in it may unpack to.

    Raises Missing, Denied, or ArchiveError for what is none, or damaged.
    """
    from pymemtools.sources.recording.recording import Recording

    return Recording(path, max_bytes)


def is_recording(path: str) -> bool:
    """Tell a file that SQLite has written, as recordings are, by its first bytes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError):
        return False
    try:
        return os.read(fd, len(MAGIC)) == MAGIC
    except OSError:
        return False
    finally:
        os.close(fd)

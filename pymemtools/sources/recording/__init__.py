"""A recording: a series of captures in one SQLite file, in which unchanged text costs nothing.

``open_recording(path)`` gives a Recording, of which each moment is a source::

    recording = open_recording("host.rec")
    recording.at("03:12").read("meminfo")
    recording.series(PROCESS, ["pss"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymemtools.sources.recording.recording import Recording


def open_recording(path: str, max_bytes: int = 1 << 30) -> Recording:
    """Open a recording; ``max_bytes`` limits what a text in it may unpack to.

    Raises Missing, Denied, or ArchiveError for what is none, or damaged.
    """
    from pymemtools.sources.recording.recording import Recording

    return Recording(path, max_bytes)

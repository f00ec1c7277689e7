"""Where bytes come from: the live machine, a directory, an archive.

``open_source(path)`` gives a Source; see pymemtools.sources.base for what it can do::

    source = open_source("board.tar")
    source.read("meminfo")
    for pid in source.pids():
        with source.process(pid) as files:
            files.read("status")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymemtools.sources.base import Source


def open_source(
    path: str | None = None, *, partial: bool = False, max_bytes: int = 1 << 30, with_logs: bool = False
) -> Source:
    """Open the live machine (None), a directory that holds a /proc tree, an archive, or ``-`` (an archive on stdin).

    ``partial`` accepts the complete part of a damaged archive; ``max_bytes`` limits what an archive may unpack to.
    ``with_logs`` keeps the logs that are in an archive, which can be large.
    Raises Missing, Denied or ArchiveError.
    """
    if path is None:
        from pymemtools.sources.tree import live

        return live()
    import os

    if path != "-" and os.path.isdir(path):
        from pymemtools.sources.directory import directory

        return directory(path)
    from pymemtools.sources.archive import Archive

    return Archive.open(path, partial=partial, max_bytes=max_bytes, with_logs=with_logs)

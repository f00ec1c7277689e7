"""Where bytes come from: the live machine, a directory, an archive, a moment of a recording.

``open_source(path)`` gives a Source; see pymemtools.sources.base for what it can do::

    source = open_source("board.tar")
    source.read("meminfo")
    for pid in source.pids():
        with source.process(pid) as files:
            files.read("status")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymemtools.errors import UsageProblem

if TYPE_CHECKING:
    from pymemtools.sources.base import Source


def open_source(
    path: str | None = None,
    *,
    partial: bool = False,
    max_bytes: int = 1 << 30,
    with_logs: bool = False,
    at: str | None = None,
) -> Source:
    """Open the live machine (None), a directory that holds a /proc tree, an archive, ``-`` (an archive on stdin), or a
    moment of a recording, ``at`` or behind an ``@`` in ``path``; without either the last.

    ``partial`` accepts the complete part of a damaged archive; ``max_bytes`` limits what an archive may unpack to.
    ``with_logs`` keeps the logs that are in an archive, which can be large.
    Raises Missing, Denied, ArchiveError, or UsageProblem for what is no moment.
    """
    if path is None and at is None:
        from pymemtools.sources.tree import live

        return live()
    import os

    if path is not None and at is None and "@" in path and not os.path.lexists(path):
        places = [place for place, letter in enumerate(path) if letter == "@"]
        for place in reversed(places):  # of a moment that has an @ itself it is said that it is none
            if path[:place] == "-" or os.path.lexists(path[:place]):
                path, at = path[:place], path[place + 1 :]
                break
    if path is not None and path != "-" and os.path.isdir(path) and at is None:
        from pymemtools.sources.directory import directory

        return directory(path)
    from pymemtools.sources.recording import is_recording, open_recording

    if path is not None and path != "-" and is_recording(path):
        return open_recording(path, max_bytes).at("last" if at is None else at)
    if at is not None or path is None:
        name = "this machine" if path is None else "standard input" if path == "-" else path
        raise UsageProblem(f"--at is for a recording, which {name} is not")
    from pymemtools.sources.archive import Archive

    return Archive.open(path, partial=partial, max_bytes=max_bytes, with_logs=with_logs)

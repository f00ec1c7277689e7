"""Find captures in files and folders, and name each by its content: the same one twice is one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.units import exact_size

NAMES = (".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".rec")
_ID = 32  # characters of a capture's id
_PIECE = 1 << 20
_DEPTH = 16  # folders below the one that is named
_MARKS = ("proc/meminfo", "meminfo", "proc/version")  # of a folder that holds a /proc tree


class Found(NamedTuple):
    """A capture that was found: a file, a moment of a recording, or a folder with a /proc tree."""

    path: str
    capture_id: str
    refused: str | None = None  # why it is not even opened
    moment: int | None = None  # the number of a recording's sample


def check_paths(paths: Iterable[str]) -> None:
    """Raise Missing for a path that is not there."""
    for path in paths:
        if not os.path.lexists(path):
            raise Missing(f"{path}: No such file or directory")


def find_captures(paths: Iterable[str]) -> Iterator[str]:
    """Find captures: what is named, and in folders what is called like archives and recordings, and /proc trees.

    Folders are searched to a depth of 16, links to others are not followed, and nothing is looked for within a tree.
    """
    for path in paths:
        if os.path.isdir(path):
            yield from _in_folder(path, 0)
        else:
            yield path


def _in_folder(path: str, depth: int) -> Iterator[str]:
    if any(os.path.lexists(os.path.join(path, mark)) for mark in _MARKS):
        yield path
        return
    try:
        with os.scandir(path) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        yield path  # to be rejected: what is in it is not known
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if depth < _DEPTH:
                yield from _in_folder(entry.path, depth + 1)
        elif entry.name.lower().endswith(NAMES) and not entry.is_dir():
            yield entry.path


def identified(paths: Iterable[str], max_bytes: int = 1 << 30) -> Iterator[Found]:
    """Name captures by their content. A recording is one for each moment."""
    for path in paths:
        try:
            if os.path.isdir(path):
                yield Found(path, _id_of_tree(path, max_bytes))
                continue
            capture_id, is_recording = _id_of_file(path, max_bytes)
        except (OSError, MemtoolsError) as error:
            reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else str(error)
            name = os.path.abspath(path).encode("utf-8", "surrogateescape")
            yield Found(path, sha256(name + b"\0" + reason.encode("utf-8", "replace")).hexdigest()[:_ID], reason)
            continue
        if is_recording:
            yield from _moments(path, capture_id)
        else:
            yield Found(path, capture_id)


def _id_of_file(path: str, max_bytes: int) -> tuple[str, bool]:
    digest = sha256()
    start = b""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with open(fd, "rb", buffering=0) as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise MemtoolsError("neither a regular file nor a directory")
        if status.st_size > max_bytes:
            raise MemtoolsError(f"is larger than {exact_size(max_bytes)} (see --max-size)")
        while piece := file.read(_PIECE):
            start = start or piece[:16]
            digest.update(piece)
    return digest.hexdigest()[:_ID], start == b"SQLite format 3\0"


def _id_of_tree(path: str, max_bytes: int) -> str:
    """Name a folder by what its files say: of a copy, they stay as they are.

    Raises MemtoolsError for what is none, and OSError for one that may not be read.
    """
    from pymemtools.sources import open_source

    os.listdir(path)
    if open_source(path).is_live:
        raise MemtoolsError("is a running machine, no capture (pymemtools capture takes one)")
    digest, left = sha256(), max_bytes
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            file = os.path.join(folder, name)
            digest.update(os.path.relpath(file, path).encode("utf-8", "surrogateescape") + b"\0")
            for piece in _pieces(file):
                digest.update(piece)
                left -= len(piece)
                if left < 0:
                    raise MemtoolsError(f"is larger than {exact_size(max_bytes)} (see --max-size)")
    return digest.hexdigest()[:_ID]


def _pieces(path: str) -> Iterator[bytes]:
    """Read a regular file, and of anything else in a folder nothing: a pipe would never end, a link leads elsewhere."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW)
        with open(fd, "rb", buffering=0) as file:
            while stat.S_ISREG(os.fstat(fd).st_mode) and (piece := file.read(_PIECE)):
                yield piece
    except OSError:
        return


def _moments(path: str, capture_id: str) -> Iterator[Found]:
    from pymemtools.sources.recording import open_recording

    try:
        moments = open_recording(path).moments
    except MemtoolsError as error:
        yield Found(path, capture_id, str(error))
        return
    for moment in moments:
        key = f"{moment.boot_id} {moment.boottime_s:.3f} {moment.taken_at:.3f}"
        yield Found(path, sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:_ID], moment=moment.number)

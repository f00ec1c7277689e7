"""The file that sets tunables again at the next boot: a drop-in for sysctl."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pymemtools.cli.new_file import new_file
from pymemtools.errors import Denied
from pymemtools.reports.tunables.values import Assignment, drop_in_lines


@contextmanager
def drop_in(path: str, assignments: Sequence[Assignment]) -> Iterator[None]:
    """Write a drop-in, which gets its name when the block did not fail.

    What it held of other tunables stays, and so do its mode and its owner; a symbolic link stays one. Raises
    MemtoolsError, before the block for all but a full disk.
    """
    path = os.path.realpath(path)
    text = _text(path, assignments)
    with new_file(path, force=True) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        if os.path.exists(path):
            found = os.stat(path)
            os.fchown(file.fileno(), found.st_uid, found.st_gid)
            os.fchmod(file.fileno(), found.st_mode & 0o7777)
        yield


def check_drop_in(path: str, assignments: Sequence[Assignment]) -> None:
    """Raise what would keep a drop-in from being written, as far as that shows without writing."""
    path = os.path.realpath(path)
    _text(path, assignments)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise Denied(f"{path}: {folder} is no folder")
    if not os.access(folder, os.W_OK):
        raise Denied(f"{path}: {folder} cannot be written to")


def _text(path: str, assignments: Sequence[Assignment]) -> bytes:
    lines = drop_in_lines(_lines(path), assignments)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _lines(path: str) -> list[str]:
    if os.path.exists(path) and not os.path.isfile(path):
        raise Denied(f"{path}: no regular file")
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from None
    return text.removesuffix("\n").split("\n") if text else []

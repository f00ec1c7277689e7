"""The capture of a board that comes with the program, wherever the program lies: in a folder, or in pymemtools.pyz."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pymemtools

if TYPE_CHECKING:
    from pymemtools.sources.archive import Archive


def demo_path() -> str:
    """Give the path of the example capture; no file where the program is within pymemtools.pyz."""
    return os.path.join(os.path.dirname(pymemtools.__file__), "data", "example.tar.gz")


def open_example() -> Archive:
    """Open the example capture."""
    from pymemtools.sources.archive import Archive  # where it lies is asked more often

    path = demo_path()
    if os.path.exists(path):
        return Archive.open(path)
    import pkgutil

    fd = os.memfd_create("example.tar.gz")
    try:
        with open(fd, "r+b", closefd=False) as file:
            file.write(pkgutil.get_data("pymemtools", "data/example.tar.gz") or b"")
        os.lseek(fd, 0, os.SEEK_SET)
        return Archive(fd, path, partial=False, max_bytes=1 << 30)  # compressed: all of it is in memory by now
    finally:
        os.close(fd)

"""The files that SQLite keeps beside a recording's: it opens what is called so, whatever it is; so we look first."""

from __future__ import annotations

import os
import stat

from pymemtools.errors import ArchiveError


def expect_files(path: str) -> None:
    """Raise ArchiveError where one of them is none: a pipe never ends, a link leads elsewhere.

    ``path`` is the file's own: SQLite follows links to it, and looks beside what they lead to.
    """
    for beside in (f"{path}-wal", f"{path}-shm", f"{path}-journal"):
        try:
            is_file = stat.S_ISREG(os.lstat(beside).st_mode)
        except OSError:
            continue
        if not is_file:
            raise ArchiveError(f"{beside}: not a regular file, as all are that SQLite keeps beside a recording")


def is_shared_memory(path: str) -> bool:
    """Tell whether there is a -shm that is nothing else by another name: SQLite writes to it, though it only reads."""
    try:
        return os.lstat(f"{path}-shm").st_nlink == 1
    except OSError:
        return False

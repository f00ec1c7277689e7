"""The file of a recording, open to be written: by one program at a time, and readable at any time."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pymemtools.errors import ArchiveError, MemtoolsError
from pymemtools.sources.recording.beside import expect_files
from pymemtools.sources.recording.database import Database, sqlite_module
from pymemtools.sources.recording.schema import APPLICATION_ID, FORMAT, TABLES

if TYPE_CHECKING:
    import sqlite3

_MOST_WAL = 4 << 20  # bytes that are left of it


class RecordingFile:
    """A connection to a recording, and the lock that keeps a second writer away."""

    def __init__(self, path: str, lock: int, connection: sqlite3.Connection, *, is_new: bool) -> None:
        self.path = path
        self.connection = connection
        self._lock = lock
        self._is_new = is_new

    def close(self, *, is_empty: bool) -> None:
        """Let go of both, and of a file that we made and that has no sample.

        The lock goes last, as closing any descriptor of a file loses all of SQLite's locks on it.
        """
        self.connection.close()
        if is_empty and self._is_new:
            _remove(self.path)
        os.close(self._lock)

    def size(self) -> int:
        """Give the size of the recording, in bytes, with what is still beside it."""
        return sum(os.stat(name).st_size for name in (self.path, f"{self.path}-wal") if os.path.exists(name))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that is within, or nothing of it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise


def opened_to_write(path: str) -> RecordingFile:
    """Open a recording to go on with it, or make a new one. Raises MemtoolsError."""
    sqlite = sqlite_module()
    is_new = not os.path.lexists(path)
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        reason = (
            "a symbolic link, which is not followed" if error.errno == errno.ELOOP else os.strerror(error.errno or 0)
        )
        raise MemtoolsError(f"{path}: {reason}") from None
    try:
        if not stat.S_ISREG(os.fstat(lock).st_mode):
            raise MemtoolsError(f"{path}: not a regular file")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            is_new = False
            raise MemtoolsError(f"{path}: another program is recording into it") from None
        expect_files(os.path.realpath(path))
        if os.fstat(lock).st_size:
            is_new = False
            _expect_ours(path)
        with write_error(path):
            connection = sqlite.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
            _prepare(connection)
    except BaseException:
        if is_new:
            _remove(path)
        os.close(lock)
        raise
    return RecordingFile(path, lock, connection, is_new=is_new)


def _remove(path: str) -> None:
    """Remove a recording that has begun, and what SQLite put beside it."""
    for name in (path, f"{path}-wal", f"{path}-shm"):
        with suppress(OSError):
            os.unlink(name)


def _expect_ours(path: str) -> None:
    """Refuse to write into what is no recording. Raises ArchiveError."""
    try:
        Database(path, may_be_empty=True).close()
    except ArchiveError as error:
        raise ArchiveError(f"{error}; it is left as it is") from None


def _prepare(connection: sqlite3.Connection) -> None:
    """Set what the file is, before there is anything in it; and how it is written."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    for pragma in (
        "trusted_schema = OFF",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        f"journal_size_limit = {_MOST_WAL}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if not tables:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        for sql in TABLES.values():
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a copy without its -wal is a recording, too


@contextmanager
def write_error(path: str, *, is_going_on: bool = False) -> Iterator[None]:
    """Say in one line what keeps a recording from being written. Raises MemtoolsError."""
    sqlite: Any = sqlite_module()
    try:
        yield
    except sqlite.Error as error:
        kept = "; what was recorded before is in it" if is_going_on else ""
        raise MemtoolsError(f"{path}: {error}{kept}") from None


def most(sql: sqlite3.Connection, table: str, column: str) -> int:
    """Give the largest number in a column; 0 where there is none."""
    row = sql.execute(f"SELECT max({column}) FROM {table}").fetchone()  # noqa: S608 (our own names)
    return row[0] or 0

"""Open the file of a recording to read it: while it is written, after a crash, from a medium that cannot be written.

It may come from anybody. So nothing is asked of it before its tables are known to be exactly ours: no trigger, view,
index, virtual table or generated column; then nothing but reading columns of them is allowed. How many steps a query
may take is bounded by the size of the file: a page of a damaged tree may lead to itself.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pymemtools.errors import ArchiveError, Denied, MemtoolsError, Missing
from pymemtools.sources.base import MAX_WHOLE
from pymemtools.sources.recording import MAGIC
from pymemtools.sources.recording.beside import expect_files, is_shared_memory
from pymemtools.sources.recording.schema import APPLICATION_ID, COLUMNS, FORMAT, TABLES

if TYPE_CHECKING:
    import sqlite3

_STEPS = 100_000  # of the virtual machine, between two looks at the bound
_STEPS_A_BYTE = 16
_WITHOUT_LOCKS = "vfs=unix-none"
_PLAIN = frozenset(b"/-._ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_FUNCTIONS = frozenset(("max", "min", "count", "total"))


class Database:
    """The tables of one recording, to be read."""

    def __init__(self, path: str, *, may_be_empty: bool = False) -> None:
        self._path = path
        self._may_be_empty = may_be_empty  # as one that was being made when its writer was killed
        size = _look_at(path)
        self._file = os.path.realpath(path)
        expect_files(self._file)
        self._sqlite = sqlite_module()
        # A message may quote names of a damaged file, which are no UTF-8; a number may be one of no column of ours.
        self._errors = (self._sqlite.Error, UnicodeError, OverflowError)
        self._bound = 1000 + size * _STEPS_A_BYTE // _STEPS
        self._steps = 0
        self._connection = self._opened()
        self._check()

    def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Give all rows that answer a question. Raises ArchiveError for a damaged file."""
        return list(self.each(question, *values))

    def each(self, question: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Give one row after the other. Raises ArchiveError for a damaged file."""
        self._steps = 0
        try:
            yield from self._connection.execute(question, values)
        except self._errors as error:
            raise damaged(self._path, error) from None

    def one(self, question: str, *values: Any) -> tuple[Any, ...] | None:
        """Give the first row, or None."""
        self._steps = 0
        try:
            row: tuple[Any, ...] | None = self._connection.execute(question, values).fetchone()
        except self._errors as error:
            raise damaged(self._path, error) from None
        return row

    def size(self) -> int:
        """Give the bytes that it takes, with what is beside it."""
        return sum(os.path.getsize(name) for name in (self._file, f"{self._file}-wal") if os.path.exists(name))

    def copy_to(self, path: str) -> None:
        """Write all that is in it to a new file, without what is free. Raises MemtoolsError."""
        self._connection.set_authorizer(None)
        self._connection.set_progress_handler(None, 0)
        try:
            self._connection.execute("ROLLBACK")
            self._connection.execute("PRAGMA query_only = OFF")
            self._connection.execute("VACUUM INTO ?", (path,))
        except self._errors as error:
            raise MemtoolsError(f"{self._path}: cannot be packed: {error}") from None

    def close(self) -> None:
        """Let go of the file; otherwise that happens with the object's end."""
        self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        """Open it in the way that its files ask for.

        Beside a file without a -wal nobody writes, and none needs be made to read it. With a -shm, the writer may be at
        work. A -wal alone was copied, or its -shm is not ours to write: it is read without shared memory, and without
        leaving anything behind.
        """
        wal = f"{self._file}-wal"
        try:
            if os.path.exists(wal) and is_shared_memory(self._file):
                try:
                    return self._connected("")
                except self._errors:
                    pass
            is_needed = os.path.exists(wal) and os.path.getsize(wal)
            return self._connected(_WITHOUT_LOCKS if is_needed else "immutable=1")
        except self._errors as error:
            if os.path.exists(wal) and not os.access(wal, os.R_OK):
                raise Denied(f"{wal}: Permission denied: the last samples are in it") from None
            raise damaged(self._path, error) from None

    def _connected(self, how: str) -> sqlite3.Connection:
        name = f"file:{_quoted(self._file)}?mode=ro&{how}"
        connection: sqlite3.Connection = self._sqlite.connect(
            name, uri=True, isolation_level=None, timeout=10, check_same_thread=False
        )
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        try:
            if how == _WITHOUT_LOCKS:
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON", "mmap_size = 0"):
                connection.execute(f"PRAGMA {pragma}")
            if hasattr(connection, "setlimit"):  # since Python 3.11
                connection.setlimit(self._sqlite.SQLITE_LIMIT_LENGTH, MAX_WHOLE)
            connection.set_progress_handler(self._count_steps, _STEPS)
            connection.execute("BEGIN")
            connection.execute("SELECT type FROM sqlite_master LIMIT 1").fetchall()  # takes the lock, reads the schema
        except BaseException:
            connection.close()
            raise
        return connection

    def _count_steps(self) -> bool:
        self._steps += 1
        return self._steps > self._bound

    def _check(self) -> None:
        """Hold the tables against ours, then allow nothing but to read them. Raises ArchiveError."""
        try:
            found = self._connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT 100").fetchall()
            application, version = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
        except self._errors as error:
            raise damaged(self._path, error) from None
        if self._may_be_empty and not found and application in (0, APPLICATION_ID):
            return
        if application != APPLICATION_ID:
            raise ArchiveError(f"{self._path}: is no recording, but a database of another program")
        if version != FORMAT:
            raise ArchiveError(f"{self._path}: a recording of format {version}, which this program does not know")
        if sorted(found, key=str) != sorted((("table", name, sql) for name, sql in TABLES.items()), key=str):
            raise ArchiveError(f"{self._path}: is no recording: its tables are not those of one")
        self._connection.set_authorizer(self._may)

    def _may(self, action: int, first: str | None, second: str | None, *_: Any) -> int:
        """Allow nothing but to read our columns; SQLite asks for each statement."""
        is_allowed = (
            action == self._sqlite.SQLITE_SELECT
            or (action == self._sqlite.SQLITE_READ and (not second or second in COLUMNS.get(first or "", ())))
            or (action == self._sqlite.SQLITE_FUNCTION and second in _FUNCTIONS)
        )
        return int(self._sqlite.SQLITE_OK if is_allowed else self._sqlite.SQLITE_DENY)


def _quoted(path: str) -> str:
    """Write a path as SQLite reads it in a URI, as urllib would, which takes longer to import than all of this."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in os.fsencode(path))


def sqlite_module() -> Any:
    """Import sqlite3, which small builds of Python lack. Raises MemtoolsError."""
    try:
        import sqlite3
    except ImportError:
        raise MemtoolsError("recordings need Python's sqlite3 module, which this Python is built without") from None
    return sqlite3


def damaged(path: str, error: Exception) -> ArchiveError:
    """Say what SQLite says of a file."""
    what = "names that are no text" if isinstance(error, UnicodeError) else error
    return ArchiveError(f"{path}: damaged recording: {what}")


def _look_at(path: str) -> int:
    """Read the header before SQLite does; give the size of the file, in bytes. Raises Missing, Denied, ArchiveError."""
    try:
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            head = file.read(len(MAGIC)) if stat.S_ISREG(facts.st_mode) else b""
    except (FileNotFoundError, ValueError):
        raise Missing(f"{path}: No such file or directory") from None
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from None
    if head != MAGIC:
        raise ArchiveError(f"{path}: is no recording")
    return facts.st_size

"""Open the file of a recording to read it: while it is written, after a crash, from a medium that cannot be written.

It may come from anybody. So nothing is asked of it before its tables are known to be exactly ours: no trigger, view,
index, virtual table or generated column; then nothing but reading columns of them is allowed. How many steps a query
may take is bounded by the size of the file: a page of a damaged tree may lead to itself.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pymemtools.errors import ArchiveError, Denied, MemtoolsError, Missing
from pymemtools.sources.recording.schema import APPLICATION_ID, COLUMNS, FORMAT, MAGIC, TABLES

if TYPE_CHECKING:
    import sqlite3

_HEADER = 100  # bytes
_STEPS = 100_000  # of the virtual machine, between two looks at the bound
_STEPS_A_BYTE = 16
_WITHOUT_LOCKS = "vfs=unix-none"
_FUNCTIONS = frozenset(("max", "min", "count", "total"))


class Database:
    """The tables of one recording, to be read."""

    def __init__(self, path: str) -> None:
        self._path = path
        size = _look_at(path)
        self._sqlite = sqlite_module()
        self._bound = 1000 + size * _STEPS_A_BYTE // _STEPS
        self._steps = 0
        self._connection = self._opened()
        version = self._checked()
        if version != FORMAT:
            raise ArchiveError(f"{path}: a recording of format {version}, which this program does not know")

    def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Give all rows that answer a question. Raises ArchiveError for a damaged file."""
        return list(self.each(question, *values))

    def each(self, question: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Give one row after the other. Raises ArchiveError for a damaged file."""
        self._steps = 0
        try:
            yield from self._connection.execute(question, values)
        except (self._sqlite.Error, OverflowError) as error:
            raise damaged(self._path, error) from None

    def one(self, question: str, *values: Any) -> tuple[Any, ...] | None:
        """Give the first row, or None."""
        return next(self.each(question, *values), None)

    def close(self) -> None:
        """Let go of the file; otherwise that happens with the object's end."""
        self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        """Open it in the way that its files ask for.

        Beside a file without a -wal nobody writes, and none needs be made to read it. With a -shm, the writer may be at
        work. A -wal alone was copied, or its -shm is not ours to write: it is read without shared memory, and without
        leaving anything behind.
        """
        wal = f"{self._path}-wal"
        try:
            if os.path.exists(wal) and os.path.exists(f"{self._path}-shm"):
                try:
                    return self._connected("")
                except self._sqlite.Error:
                    pass
            is_needed = os.path.exists(wal) and os.path.getsize(wal)
            return self._connected(_WITHOUT_LOCKS if is_needed else "immutable=1")
        except self._sqlite.Error as error:
            raise damaged(self._path, error) from None

    def _connected(self, how: str) -> sqlite3.Connection:
        name = f"file:{quote(os.path.abspath(self._path))}?mode=ro&{how}"
        connection: sqlite3.Connection = self._sqlite.connect(
            name, uri=True, isolation_level=None, timeout=10, check_same_thread=False
        )
        try:
            if how == _WITHOUT_LOCKS:
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON", "mmap_size = 0"):
                connection.execute(f"PRAGMA {pragma}")
            connection.set_progress_handler(self._count_steps, _STEPS)
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()  # takes the lock, and reads the schema
        except BaseException:
            connection.close()
            raise
        return connection

    def _count_steps(self) -> bool:
        self._steps += 1
        return self._steps > self._bound

    def _checked(self) -> int:
        """Hold the tables against ours, then allow nothing but to read them; give the version of the format."""
        try:
            found = self._connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT 100").fetchall()
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        except self._sqlite.Error as error:
            raise damaged(self._path, error) from None
        if version == FORMAT and sorted(found) != sorted(("table", name, sql) for name, sql in TABLES.items()):
            raise ArchiveError(f"{self._path}: is no recording: its tables are not those of one")
        self._connection.set_authorizer(self._may)
        return int(version)

    def _may(self, action: int, first: str | None, second: str | None, *_: Any) -> int:
        """Allow nothing but to read our columns; SQLite asks for each statement."""
        is_allowed = (
            action == self._sqlite.SQLITE_SELECT
            or (action == self._sqlite.SQLITE_READ and (not second or second in COLUMNS.get(first or "", ())))
            or (action == self._sqlite.SQLITE_FUNCTION and second in _FUNCTIONS)
        )
        return int(self._sqlite.SQLITE_OK if is_allowed else self._sqlite.SQLITE_DENY)


def sqlite_module() -> Any:
    """Import sqlite3, which small builds of Python lack. Raises MemtoolsError."""
    try:
        import sqlite3
    except ImportError:
        raise MemtoolsError("recordings need Python's sqlite3 module, which this Python is built without") from None
    return sqlite3


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


def damaged(path: str, error: Exception) -> ArchiveError:
    """Say what SQLite says of a file."""
    return ArchiveError(f"{path}: damaged recording: {error}")


def _look_at(path: str) -> int:
    """Read the header before SQLite does; give the size of the file, in bytes. Raises Missing, Denied, ArchiveError."""
    try:
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            head = file.read(_HEADER) if stat.S_ISREG(facts.st_mode) else b""
    except (FileNotFoundError, ValueError):
        raise Missing(f"{path}: No such file or directory") from None
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from None
    if not head.startswith(MAGIC):
        raise ArchiveError(f"{path}: is no recording")
    if len(head) == _HEADER and _number(head[68:72]) not in (APPLICATION_ID, 0):
        raise ArchiveError(f"{path}: is no recording, but a database of another program")
    return facts.st_size


def _number(word: Sequence[int]) -> int:
    return int.from_bytes(bytes(word), "big")

"""Ask a dataset by SQL: DuckDB in this process, that reads the dataset's files and nothing else, and writes nothing."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.fleet.dataset import Dataset
from pymemtools.fleet.schema import TABLES, needed, sql_type

SECONDS = 60.0  # that a question may take
MEMORY = 512 << 20
_SPILLED = 4  # times its memory that a question may write to the disk meanwhile
_BESIDE = 256 << 20  # that DuckDB's threads and rows in Python take, beside its memory
# Of captures that are the same moment, packed in two ways, one counts: the first by its id.
_CAPTURE = "SELECT * FROM every_capture QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY capture_id) = 1"
# A start of a machine: its boot id, or without one counted by the times that its uptime fell.
_BOOT = """
SELECT capture_id, host, taken_at, coalesce(boot_id, host || '/' || sum(is_new) OVER machine) AS boot
FROM (SELECT *, coalesce(uptime < lag(uptime) OVER machine, false)::INT AS is_new FROM capture
WINDOW machine AS (PARTITION BY host ORDER BY taken_at, capture_id))
WINDOW machine AS (PARTITION BY host ORDER BY taken_at, capture_id)
"""
_LATEST = "SELECT * FROM capture QUALIFY row_number() OVER (PARTITION BY host ORDER BY taken_at DESC, capture_id) = 1"
_ALLOC = """
CREATE MACRO what_if_alloc(steps, request) AS list_last(list_filter(steps, lambda step: step.size <= request))
"""


class Answer(NamedTuple):
    """What a query gives: names, DuckDB's types, rows."""

    names: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]


class Engine:
    """One dataset's views, in a DuckDB that is locked when they are made."""

    def __init__(self, dataset: Dataset, *, memory: int = MEMORY, seconds: float = SECONDS, threads: int | None = None):
        self._duckdb = needed("duckdb")
        self._seconds = seconds
        self._memory = memory
        config: dict[str, Any] = {"memory_limit": f"{max(memory >> 10, 1)}KiB", "autoinstall_known_extensions": False}
        config |= {
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
        }
        if threads is not None:
            config["threads"] = threads
        self._connection = self._duckdb.connect(":memory:", config=config)
        root = str(dataset.path.resolve())
        self._run("SET TimeZone = 'UTC'")
        self._run(f"SET max_temp_directory_size = '{_SPILLED * max(memory >> 10, 1)}KiB'")
        self.spilled = _spill_folder()
        self._run(f"SET temp_directory = {_quoted(self.spilled)}")
        for table in TABLES:
            self._open(table, dataset.files(table))
        self._run(f"CREATE VIEW capture AS {_CAPTURE}")
        for table in TABLES:
            if table == "rejected":
                self._run("CREATE VIEW rejected AS FROM every_rejected")
            elif table != "capture":
                self._run(f"CREATE VIEW {table} AS FROM every_{table} SEMI JOIN capture USING (capture_id)")
        self._run(f"CREATE VIEW boot AS {_BOOT}")
        self._run(f"CREATE VIEW latest AS {_LATEST}")
        self._run(_ALLOC)
        self._run(f"SET allowed_directories = [{_quoted(root + '/')}]")
        self._run("SET enable_external_access = false")
        self._run("SET lock_configuration = true")

    def _open(self, table: str, files: Sequence[Path]) -> None:
        """Make the view of all rows of a table. Raises MemtoolsError, which names a file that cannot be of it."""
        try:
            self._run(f"CREATE VIEW every_{table} AS {_view(table, files)}")
            self._expect_types(table, files)
        except self._duckdb.Error as error:
            for file in files:
                try:
                    self._expect_types(table, [file])
                except self._duckdb.Error:
                    raise MemtoolsError(f"{file}: damaged, or no file of pymemtools fleet") from None
            raise MemtoolsError(f"fleet: {first_line(error)}") from None

    def _expect_types(self, table: str, files: Sequence[Path]) -> None:
        """Raise an error of DuckDB's where a column is missing, or is of another type than ours."""
        found, ours = (self._connection.execute(f"DESCRIBE {_view(table, each)}").fetchall() for each in (files, ()))
        if found != ours:
            raise self._duckdb.InvalidInputException(f"{table}: columns of other types")

    def _run(self, sql: str) -> None:
        self._connection.execute(sql)

    def close(self) -> None:
        """Let go of it, and of what it has put on the disk."""
        self._connection.close()

    def ask(self, sql: str, values: Mapping[str, Any] = {}, *, most: int | None = None) -> Answer:
        """Run one SELECT, and of a foreign one the first rows, at ``most`` so many, within bounds.

        Raises UsageProblem for anything else, MemtoolsError for what it cannot answer.
        """
        self._check(sql)
        if most is None:
            return self._answer(sql, values, None)
        with _bounded(2 * self._memory + _BESIDE):
            return self._answer(sql, values, most)

    def _answer(self, sql: str, values: Mapping[str, Any], most: int | None) -> Answer:
        from threading import Timer

        timer = Timer(self._seconds, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            found = self._connection.execute(sql, dict(values) or None)
            names = [each[0] for each in found.description]
            types = [str(each[1]) for each in found.description]
            return Answer(names, types, found.fetchall() if most is None else found.fetchmany(most))
        except self._duckdb.InterruptException:
            raise MemtoolsError(f"fleet: no answer within {self._seconds:g} s: --timeout gives it more") from None
        except self._duckdb.Error as error:
            said = first_line(error)
            if said.startswith("Catalog Error: Table "):  # whose own guess is a table of the engine's
                said = f"{said.partition('!')[0]}; there are {', '.join(('boot', 'latest', *TABLES))}"
            raise MemtoolsError(f"fleet: {said}") from None
        except MemoryError:
            raise MemtoolsError("fleet: the answer takes too much memory: --memory gives it more") from None
        finally:
            timer.cancel()

    def _check(self, sql: str) -> None:
        """Let nothing pass but one question: what writes, attaches or sets is none."""
        try:
            statements = self._connection.extract_statements(sql)
        except self._duckdb.Error as error:
            raise UsageProblem(f"fleet: {first_line(error)}") from None
        kinds = [statement.type for statement in statements]
        if kinds != [self._duckdb.StatementType.SELECT]:
            raise UsageProblem("fleet: one SELECT is answered, and nothing else: a dataset is only read")


@contextmanager
def _bounded(more: int) -> Iterator[None]:
    """Let this process take so many bytes more: DuckDB's own limit knows nothing of long texts."""
    with open("/proc/self/statm", "rb") as file:
        data = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [bound for bound in (*before, data + more) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def first_line(error: Exception) -> str:
    """Give what an error of DuckDB's says, without where in the query that is."""
    return " ".join(str(error).partition("\n\n")[0].split())[:300]


def _spill_folder() -> str:
    """Name a folder for what a question cannot hold in memory; DuckDB makes it where it must, and removes it.

    It is none of the dataset's, which may be read-only, and which a writer cleans.
    """
    from secrets import token_hex
    from tempfile import gettempdir

    try:
        folder = gettempdir()
    except OSError:  # as of a disk that is full: most questions need none
        folder = "/tmp"  # noqa: S108 (the name in it is one that nobody can know before)
    return f"{folder}/pymemtools-fleet-{token_hex(8)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _view(table: str, files: Sequence[Path]) -> str:
    """Read a table's files; of a table without any, no row."""
    if not files:
        columns = ", ".join(f'NULL::{sql_type(field)} AS "{field.name}"' for field in TABLES[table])
        return f"SELECT {columns} WHERE false"
    names = ", ".join(_quoted(str(path.resolve())) for path in files)
    columns = ", ".join(f'"{field.name}"' for field in TABLES[table])
    files_read = f"read_parquet([{names}], hive_partitioning = false, union_by_name = true)"
    return f"SELECT {columns} FROM {files_read}"  # noqa: S608 (quoted)

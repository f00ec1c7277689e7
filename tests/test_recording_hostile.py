"""A recording may come from anybody: its answer is a report or one line, in bounded time and memory."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Run
from recordings import Board, process_files, recorded, tick

from pymemtools.capture.recording import Writer
from pymemtools.errors import ArchiveError, MemtoolsError, Missing
from pymemtools.sources.base import MAX_WHOLE
from pymemtools.sources.recording import open_recording
from pymemtools.sources.recording.figures import WIDTH, packed_rows
from pymemtools.sources.recording.schema import COLUMNS, GROUP, PROCESS, TABLES
from pymemtools.sources.recording.state import packed_state

NO_TABLES = "is no recording: its tables are not those of one"


def grow(board: Board, number: int) -> None:
    board.processes[7] = process_files(7, 4 * number)
    board.files["loadavg"] = b"%d\n" % number


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Record what is then damaged."""
    return recorded(tmp_path_factory.mktemp("sound") / "a.rec", 300, grow)


@contextmanager
def changed(sound: str, tmp_path: Path) -> Iterator[tuple[str, sqlite3.Connection]]:
    """Copy the recording, and open the copy to be changed."""
    path = str(tmp_path / "b.rec")
    shutil.copyfile(sound, path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    yield path, connection
    connection.close()


def read_all(path: str) -> None:
    """Read all that readers read."""
    recording = open_recording(path)
    recording.summary()
    for kind, figures in ((PROCESS, ["pss", "minflt"]), (GROUP, ["anon"])):
        recording.series(kind, figures)
    for moment in (recording.first, *recording.moments[:: len(recording.moments) // 3 + 1], recording.last):
        source = recording.at(moment)
        for name in ("meminfo", "loadavg", "version"):
            source.read(name)
        for pid in source.pids():
            with source.process(pid) as process:
                process.read("stat")
                process.uid()
    list(recording.texts_of("loadavg", most=7))


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON sample BEGIN DELETE FROM text; END",
        "CREATE VIEW v AS SELECT * FROM sample",
        "CREATE INDEX i ON text (place)",
        "CREATE TABLE more (a)",
        "CREATE VIRTUAL TABLE f USING fts5(a)",
        "DROP TABLE fresh",
        "DROP TABLE sample; CREATE VIEW sample AS SELECT 1 AS number, 1 AS taken_ms",
        "ALTER TABLE sample ADD COLUMN more AS (abs(number)) VIRTUAL",
        "DROP TABLE about; CREATE TABLE about (key TEXT PRIMARY KEY, value CHECK (value != load_extension('x'))) "
        "WITHOUT ROWID",
    ],
)
def test_other_tables_than_ours_are_refused(sql: str, sound: str, tmp_path: Path) -> None:
    with changed(sound, tmp_path) as (path, connection):
        try:
            connection.executescript(sql)
        except sqlite3.OperationalError as error:
            pytest.skip(f"this SQLite cannot make it: {error}")
        with pytest.raises(ArchiveError) as refused:
            open_recording(path)
        assert str(refused.value) == f"{path}: {NO_TABLES}"


def test_nothing_but_our_columns_can_be_asked_for(sound: str) -> None:
    database = open_recording(sound)._database
    for question in (
        "SELECT sql FROM sqlite_master",
        "SELECT load_extension('x')",
        "SELECT randomblob(1000000000)",
        "ATTACH '/tmp/x' AS x",
        "PRAGMA user_version",
        "DELETE FROM sample",
        "CREATE TEMP TABLE t (a)",
    ):
        with pytest.raises(ArchiveError, match=r"not authorized|prohibited"):
            database.rows(question)


@pytest.mark.parametrize(
    ("sql", "values", "why"),
    [
        ("UPDATE text SET size = ?", (1 << 40,), "more than 64 MiB"),
        ("UPDATE text SET size = size + 1", (), "is not as long"),
        ("UPDATE text SET packed = ?", (b"\0" + zlib.compressobj(9, wbits=-15).compress(b""),), "does not end"),
        ("UPDATE text SET packed = ?", (b"\2abc",), "packed in no known way"),
        ("UPDATE text SET packed = ?", (b"",), "packed in no known way"),
        ("UPDATE text SET packed = ?", ("abc",), "a text is missing"),
        ("UPDATE text SET base = id", (), "packed with one that is packed itself"),
        ("UPDATE text SET base = ?", (1 << 40,), "a text is missing"),
        ("DELETE FROM text WHERE id < 20", (), "a text is missing"),
        ("UPDATE state SET packed = ?", (b"x",), "damaged recording: a list of places that is none"),
        ("UPDATE state SET packed = ?", (zlib.compress(bytes(200 << 20)),), "a list of places that is none"),
        ("UPDATE fresh SET packed = ?", (zlib.compress(bytes(200 << 20)),), "figures that are none"),
        ("UPDATE fresh SET packed = ?", (packed_rows([(2, *[-2] * WIDTH)]),), "figures that are none"),
        ("UPDATE fresh SET packed = ?", (packed_rows([(2, *[0] * WIDTH)] * 1000),), "figures that are none"),
        ("UPDATE state SET packed = ?", (packed_state({n: n for n in range(9000)}),), "a list of places that is none"),
        ("UPDATE course SET packed = ?", (b"\xff",), "figures that are none"),
        ("UPDATE sample SET taken_ms = 'noon'", (), "a sample without its times"),
        ("UPDATE sample SET taken_ms = ?", (1 << 60,), "a sample without its times"),
        ("UPDATE sample SET taken_ms = ?", (999,), "a sample of a time that is none"),
        ("UPDATE sample SET boottime_ms = ?", (-1,), "a sample of a time that is none"),
        ("UPDATE sample SET boottime_ms = ?", (1 << 50,), "a sample of a time that is none"),
        ("UPDATE sample SET cpu_us = ?", (-1,), "a sample of a time that is none"),
        ("UPDATE place SET path = 7", (), "a place that is none"),
        ("UPDATE place SET path = ? WHERE kind = 2", (b"x",), "a process without a number"),
        ("DELETE FROM sample", (), "no sample in it yet"),
        ("PRAGMA user_version = 2", (), "a recording of format 2, which this program does not know"),
        ("PRAGMA application_id = 1", (), "is no recording, but a database of another program"),
    ],
)
def test_what_is_wrong_is_said(sql: str, values: tuple[object, ...], why: str, sound: str, tmp_path: Path) -> None:
    with changed(sound, tmp_path) as (path, connection):
        connection.execute(sql, values)
        with pytest.raises((ArchiveError, Missing)) as refused:
            read_all(path)
        assert why in str(refused.value)
        assert str(refused.value).startswith(f"{path}: ")


VALUES = (None, "", "x", -1, 0, 7, 1 << 40, (1 << 63) - 1, 0.5, b"", b"\xff" * 40, bytes(100))


@pytest.mark.parametrize("table", TABLES)
def test_any_value_in_any_column_is_read_or_refused(table: str, sound: str, tmp_path: Path) -> None:
    for column in sorted(COLUMNS[table]):
        for value in VALUES:
            with changed(sound, tmp_path) as (path, connection):
                try:
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid % 3 = 0", (value,))
                except sqlite3.Error:
                    continue  # no key is so
                try:
                    read_all(path)
                except MemtoolsError:
                    continue


def test_a_start_whose_name_is_no_utf_8(pymemtools: Run, tmp_path: Path) -> None:
    def count(board: Board, number: int) -> None:
        board.files["vmstat"] = b"pgfault %d\n" % number

    with changed(recorded(tmp_path / "a.rec", 3, count), tmp_path) as (path, connection):
        connection.execute("UPDATE boot SET boot_id = CAST(x'62f5' AS TEXT)")
    done = pymemtools("faults", "-S", path, "-f", "json")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("every", [-10, 0, float("inf"), 1e300, "often"])
def test_a_time_between_samples_that_is_none(every: object, sound: str, tmp_path: Path) -> None:
    with changed(sound, tmp_path) as (path, connection):
        connection.execute("UPDATE about SET value = ? WHERE key = 'every_s'", (every,))
        assert open_recording(path).summary().every_s is None


def test_a_damaged_file_is_read_or_refused(sound: str, tmp_path: Path) -> None:
    whole, chance = Path(sound).read_bytes(), random.Random(11)
    path = tmp_path / "b.rec"
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 1, 5, 50))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.2 else data)
        try:
            read_all(str(path))
        except MemtoolsError:
            continue


def test_a_tree_of_pages_that_leads_to_itself_ends(sound: str, tmp_path: Path) -> None:
    """Each way down is of 20 pages at the most, but there would be 340 to the 20th of them."""
    with changed(sound, tmp_path) as (path, connection):
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sample'").fetchone()
    data = bytearray(Path(path).read_bytes())
    cells = [4096 - 6 * (number + 1) for number in range(340)]
    interior = bytearray(4096)
    interior[:12] = (
        b"\5" + bytes(2) + (340).to_bytes(2, "big") + cells[-1].to_bytes(2, "big") + b"\0" + page.to_bytes(4, "big")
    )
    for number, cell in enumerate(cells):
        interior[12 + 2 * number : 14 + 2 * number] = cell.to_bytes(2, "big")
        interior[cell : cell + 5] = page.to_bytes(4, "big") + b"\1"
    data[(page - 1) * 4096 : page * 4096] = interior
    Path(path).write_bytes(data)
    with pytest.raises(ArchiveError, match="damaged recording"):
        read_all(path)


def test_a_text_that_would_unpack_to_gigabytes_takes_no_memory(sound: str, tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    bomb = b"\0" + b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    with changed(sound, tmp_path) as (path, connection):
        connection.execute("UPDATE text SET base = NULL, size = ?, packed = ?", (MAX_WHOLE, bomb))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(ArchiveError):
            read_all(path)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


@pytest.mark.parametrize("command", ["free", "smem --rollup", "info", "oom-scores", "zones"])
def test_a_user_gets_one_line(command: str, sound: str, tmp_path: Path, pymemtools: Run) -> None:
    damages: list[Callable[[sqlite3.Connection], object]] = [
        lambda connection: connection.execute("CREATE VIEW v AS SELECT 1"),
        lambda connection: connection.execute("UPDATE sample SET taken_ms = NULL"),
        lambda connection: connection.execute("UPDATE state SET packed = x'00'"),
    ]
    for damage in damages:
        with changed(sound, tmp_path) as (path, connection):
            damage(connection)
        done = pymemtools(*command.split(), "-S", path, "--at", "first")
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
        assert done.stderr.startswith(b"pymemtools: ")


def test_a_recording_without_its_samples_yet(tmp_path: Path) -> None:
    """As of a writer that was killed while it made the file."""
    path = str(tmp_path / "a.rec")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    with pytest.raises(MemtoolsError) as refused:
        open_recording(path)
    assert str(refused.value) == f"{path}: is no recording, but a database of another program"
    assert open_recording(recorded(tmp_path / "a.rec", 1)).last.number == 1


@pytest.mark.parametrize("first", [b"x", None, 1 << 60, 0.5])
def test_a_sample_whose_texts_begin_nowhere(first: object, sound: str, tmp_path: Path) -> None:
    """A BLOB was a TypeError of ours."""
    with changed(sound, tmp_path) as (path, connection):
        connection.execute("UPDATE sample SET first_text = ?", (first,))
        recording = open_recording(path)
        for read in (recording.texts_of("loadavg", None, 1), recording.texts_at("loadavg", [1])):
            with pytest.raises(ArchiveError, match=r"b\.rec: damaged recording: a sample without its texts$"):
                list(read)


@contextmanager
def being_written(tmp_path: Path) -> Iterator[Path]:
    """Give a recording whose sample is in its -wal, as the writer has not yet ended."""
    path = tmp_path / "live.rec"
    with Writer(str(path), {"page_size": 4096}) as writer:
        writer.sample(Board(processes={7: process_files(7, 400)}), tick(1))
        yield path


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_what_sqlite_keeps_beside_it_is_no_pipe(suffix: str, sound: str, tmp_path: Path) -> None:
    """It would wait for somebody to write into it; a link leads elsewhere."""
    path = tmp_path / "b.rec"
    for make in (os.mkfifo, lambda name: os.symlink("/dev/zero", name)):
        shutil.copyfile(sound, path)
        make(f"{path}{suffix}")
        for use in (open_recording, Writer):
            with pytest.raises(ArchiveError) as refused:
                use(str(path))
            assert str(refused.value).startswith(f"{path}{suffix}: not a regular file")
        os.unlink(f"{path}{suffix}")


def test_a_shm_that_is_another_file_too_is_not_written_to(tmp_path: Path) -> None:
    with being_written(tmp_path) as path:
        copied, other = tmp_path / "b.rec", tmp_path / "other"
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{copied}{suffix}")
        other.write_text("precious")
        os.link(other, f"{copied}-shm")
        assert open_recording(str(copied)).last.number == 1
        assert other.read_text() == "precious"


def test_a_link_to_what_is_being_written_leads_to_its_samples(tmp_path: Path) -> None:
    """What is beside it lies beside the file, not beside the link."""
    with being_written(tmp_path) as path:
        (tmp_path / "links").mkdir()
        link = tmp_path / "links" / "now.rec"
        link.symlink_to(path)
        assert open_recording(str(link)).last.number == 1


def test_a_course_longer_than_there_are_years_is_drawn(pymemtools: Run, tmp_path: Path) -> None:
    """Clocks that are each a clock's can be 8000 years apart, again and again."""
    path = recorded(tmp_path / "a.rec", 5, lambda board, number: board.files.update(vmstat=b"pgfault %d\n" % number))
    with changed(path, tmp_path) as (path, connection):
        connection.execute("UPDATE sample SET boottime_ms = number % 2 * 253402300799000")
    done = pymemtools("faults", "--plot", "-o", str(tmp_path / "x.svg"), "-S", path)
    assert (done.returncode, done.stderr) == (0, b"")

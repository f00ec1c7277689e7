"""A dataset on disk: what is in it, and how a batch gets in whole or not at all.

``DATASET/date=YYYY-MM-DD/batch=NAME/TABLE.parquet``: a batch's files are written below ``_tmp/`` and renamed together,
so that all of them are there, or none. A compacted batch names those that it replaces: from its rename on they do not
count, whether they are removed yet or not. What a killed writer leaves below ``_tmp/`` is never read, and goes with the
next run.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.fleet.schema import FORMAT, TABLES, arrow_schema, needed

MARKER = "pymemtools-fleet.json"
_TMP, _REPLACES = "_tmp", "_replaces.json"  # no engine reads what begins with _
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")  # of a day and a batch; others are not of our making
_LEVEL = 3  # of zstd
_MOST_TEXT = 16 << 20  # bytes: of a day that is compacted the names of half a million batches


class Batch(NamedTuple):
    """One folder of files that came in together."""

    path: Path
    date: str

    @property
    def name(self) -> str:
        """Give what stands behind ``batch=``."""
        return self.path.name.partition("=")[2]

    def file(self, table: str) -> Path | None:
        """Give a table's file; None where the batch has no row of it. Raises MemtoolsError for what is no file."""
        path = self.path / f"{table}.parquet"
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Denied(f"{path}: {os.strerror(error.errno or 0)}") from None
        if not stat.S_ISREG(mode):
            raise MemtoolsError(f"{path}: no regular file, as all in a dataset are")
        return path


class Dataset:
    """One dataset. Raises MemtoolsError for what is none."""

    def __init__(self, path: str, *, create: bool = False) -> None:
        self.path = Path(path)
        marker = self.path / MARKER
        try:
            if create:
                self._create(marker)
            text = _own_text(marker)
        except FileNotFoundError:
            raise Missing(f"{path}: no dataset of pymemtools fleet: it has no {MARKER}") from None
        except NotADirectoryError:
            raise Missing(f"{path}: no dataset of pymemtools fleet, but a file") from None
        except OSError as error:
            raise Denied(f"{path}: {os.strerror(error.errno or 0)}") from None
        if _format_of(text) != FORMAT:
            raise MemtoolsError(f"{path}: {MARKER} is of a format that this program does not know")

    def _create(self, marker: Path) -> None:
        others = [path for path in self.path.iterdir() if path != marker] if self.path.exists() else []
        if marker.exists() and (others or _format_of(_own_text(marker)) is not None):
            return
        if others:
            raise MemtoolsError(f"{self.path}: not empty, and no dataset of pymemtools fleet")
        self.path.mkdir(parents=True, exist_ok=True)
        # One that is cut is of a writer that was killed here, or had no room: with nothing beside it, it is made anew.
        marker.write_text(json.dumps({"format": FORMAT, "tool": "pymemtools fleet"}) + "\n", "utf-8")
        _sync(marker)  # an empty one would make a dataset of all that comes after it none
        _sync(self.path)

    def batches(self) -> list[Batch]:
        """List the batches that count, by date and name. Raises MemtoolsError for links, which lead out of it."""
        paths = [path for day in _listed(self.path, "date=") for path in _listed(day, "batch=")]
        found = [Batch(path, path.parent.name.partition("=")[2]) for path in paths]
        found = [batch for batch in found if _NAME.fullmatch(f"{batch.date}/{batch.name}")]
        replaced = {(batch.date, name) for batch in found for name in _replaced_by(batch)}
        return sorted(batch for batch in found if (batch.date, batch.name) not in replaced)

    def files(self, table: str) -> list[Path]:
        """List the files of a table."""
        return [path for path in (batch.file(table) for batch in self.batches()) if path is not None]

    def known_ids(self) -> set[str]:
        """Give the ids of all captures that are in it, and of what was rejected."""
        arrow = needed("pyarrow")
        ids: set[str] = set()
        for path in (path for table in ("capture", "rejected") for path in self.files(table)):
            try:
                for piece in arrow.parquet.ParquetFile(path).iter_batches(columns=["capture_id"]):
                    ids.update(piece.column("capture_id").cast(arrow.string()).to_pylist())
            except (arrow.ArrowException, OSError, KeyError):
                raise MemtoolsError(f"{path}: damaged, or no file of pymemtools fleet") from None
        return ids

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer. Raises MemtoolsError where there is another. What killed ones left is removed."""
        path = self.path / f"{MARKER}.lock"
        _expect_no_link(path)
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise Denied(f"{self.path}: {os.strerror(error.errno or 0)}") from None
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MemtoolsError(f"{self.path}: another pymemtools fleet writes to it") from None
            self._clean()
            yield
        finally:
            os.close(lock)

    def _clean(self) -> None:
        """Remove what killed writers left, and what a compacted batch has replaced. Raises MemtoolsError for links."""
        _expect_no_link(self.path / _TMP)
        shutil.rmtree(self.path / _TMP, ignore_errors=True)
        counting = {batch.path for batch in self.batches()}
        for path in self.path.glob("date=*/batch=*"):
            if path not in counting and _NAME.fullmatch(f"{path.parent.name[5:]}/{path.name[6:]}"):
                shutil.rmtree(path, ignore_errors=True)


def _format_of(text: str) -> Any:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document.get("format") if isinstance(document, dict) else None


def _listed(folder: Path, start: str) -> list[Path]:
    """List what is in a folder by the start of its name. Raises MemtoolsError for links, and for what is not ours."""
    try:
        with os.scandir(folder) as listing:
            found = [folder / entry.name for entry in listing if entry.name.startswith(start)]
    except NotADirectoryError:
        return []
    except OSError as error:
        raise Denied(f"{folder}: {os.strerror(error.errno or 0)}") from None
    for path in found:
        _expect_no_link(path)
    return found


def _expect_no_link(path: Path) -> None:
    if path.is_symlink():
        raise MemtoolsError(f"{path}: a link, of which there is none in a dataset")


def _own_text(path: Path) -> str:
    """Read a small file of our making, which is no pipe and no link. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(fd, "rb") as file:
        text = file.read(_MOST_TEXT) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    return text.decode("utf-8", "replace")


def _replaced_by(batch: Batch) -> list[str]:
    try:
        names = json.loads(_own_text(batch.path / _REPLACES))
    except (OSError, ValueError, RecursionError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def write_batch(root: Path, date: str, name: str, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """Put a batch in, whole or not at all; one of that name that is there already has the same rows."""
    pa = needed("pyarrow")
    target = root / f"date={date}" / f"batch={name}"
    if target.exists():
        return
    with _new_folder(root, name) as folder:
        for table, found in rows.items():
            if found:
                schema = arrow_schema(table)
                columns = [pa.array(column, kind) for column, kind in zip(zip(*found), schema.types)]
                file = folder / f"{table}.parquet"
                pa.parquet.write_table(
                    pa.table(columns, schema=schema), file, compression="zstd", compression_level=_LEVEL
                )
                _sync(file)
        _rename_folder(folder, target)


def replace_batches(root: Path, date: str, name: str, files: Iterable[tuple[str, Path]], old: Sequence[str]) -> None:
    """Put a batch in that replaces others: from then on they do not count."""
    with _new_folder(root, name) as folder:
        for table, file in files:
            os.rename(file, folder / f"{table}.parquet")
            _sync(folder / f"{table}.parquet")
        (folder / _REPLACES).write_text(json.dumps(list(old)) + "\n", "utf-8")
        _sync(folder / _REPLACES)
        _rename_folder(folder, root / f"date={date}" / f"batch={name}")


@contextmanager
def _new_folder(root: Path, name: str) -> Iterator[Path]:
    """Give a folder to fill, of which nothing is left in the end. Raises MemtoolsError for what cannot be written."""
    folder = root / _TMP / f"{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise MemtoolsError(f"{root}: {os.strerror(error.errno) if error.errno else error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rename_folder(folder: Path, target: Path) -> None:
    """Give a folder its name, for good: all is on the disk before, and the name is after."""
    _sync(folder)
    target.parent.mkdir(exist_ok=True)
    try:
        os.rename(folder, target)
    except OSError:
        if not target.exists():  # else another writer was faster, with the same rows
            raise
    _sync(target.parent)
    _sync(target.parent.parent)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def scratch(root: Path) -> Path:
    """Give a folder of the dataset's for what is not yet in it."""
    folder = root / _TMP / f"scratch.{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def empty_rows() -> dict[str, list[tuple[Any, ...]]]:
    """Give a list for the rows of each table."""
    return {table: [] for table in TABLES}

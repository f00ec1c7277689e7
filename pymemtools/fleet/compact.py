"""Make few files of many: those of a day, sorted by machine and time."""

from __future__ import annotations

import shutil
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from pymemtools.errors import MemtoolsError
from pymemtools.fleet.dataset import Batch, Dataset, replace_batches, scratch
from pymemtools.fleet.engine import MEMORY, first_line
from pymemtools.fleet.schema import TABLES, needed

_ROWS = 1_000_000  # of a row group


def compact(dataset: Dataset) -> tuple[int, int]:
    """Give how many batches there were, and are. Killed at any moment, it has lost nothing."""
    with dataset.writing():
        try:
            return _compacted(dataset)
        finally:
            shutil.rmtree(dataset.path / "_tmp", ignore_errors=True)


def _compacted(dataset: Dataset) -> tuple[int, int]:
    before = dataset.batches()
    for date, day in groupby(before, key=lambda batch: batch.date):
        batches = list(day)
        if len(batches) > 1:
            _join(dataset.path, date, batches)
    after = dataset.batches()
    counting = {batch.path for batch in after}
    for batch in before:
        if batch.path not in counting:
            shutil.rmtree(batch.path, ignore_errors=True)
    return len(before), len(after)


def _join(root: Path, date: str, batches: list[Batch]) -> None:
    duckdb, folder = needed("duckdb"), scratch(root)
    config = {"memory_limit": f"{MEMORY >> 10}KiB", "temp_directory": str(folder / "spilled")}
    connection = duckdb.connect(":memory:", config=config)
    files = []
    try:
        for table in TABLES:
            if found := [str(path) for path in (batch.file(table) for batch in batches) if path is not None]:
                file = folder / f"{date}.{table}.parquet"
                _write(connection.read_parquet(found, hive_partitioning=False, union_by_name=True), table, file)
                files.append((table, file))
    except duckdb.Error as error:
        raise MemtoolsError(f"fleet compact: {first_line(error)}") from None
    finally:
        connection.close()
    names = [batch.name for batch in batches]
    replace_batches(root, date, "c" + sha256(" ".join(names).encode()).hexdigest()[:23], files, names)


def _write(relation: Any, table: str, file: Path) -> None:
    order = "file" if table == "rejected" else "host, taken_at, capture_id"
    relation.order(order).write_parquet(str(file), compression="zstd", row_group_size=_ROWS)

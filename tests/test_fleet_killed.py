"""A writer that is killed, at each of its steps: what it left is whole or not read, and the next run completes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from conftest import HERE
from fleet_captures import GROWS, HOUR, START, board, packed
from fleet_rows import rows

from pymemtools.fleet import ingest as ingesting
from pymemtools.fleet.compact import compact
from pymemtools.fleet.dataset import Batch, Dataset
from pymemtools.fleet.ingest import Wishes, in_this_process, ingest

CAPTURES, MOMENTS_AT_LEAST = 5, 50


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a few small captures, of two days."""
    folder = tmp_path_factory.mktemp("captures")
    for number in range(CAPTURES):
        files = {name: data for name, data in board(number, number).items() if _is_kept(name)}
        (folder / f"{number}.tar.gz").write_bytes(packed(files, START + number * 5 * HOUR))
    return folder


def _is_kept(name: str) -> bool:
    pid = name.split("/")[1]
    return not pid.isdigit() or int(pid) == GROWS


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "BATCH", 2)


def killed(what: str, captures: Path, root: Path, every: int = 1) -> list[Path]:
    """Run children that kill themselves; give the datasets that they left."""
    program = HERE / "fleet_killed.py"
    call = [sys.executable, str(program), what, str(captures), str(root), str(every)]
    subprocess.run(call, check=True, env={**os.environ, "PYTHONPATH": str(HERE.parent)})
    return sorted(path for path in root.iterdir() if path.name != "0")


def column(path: Path, name: str) -> list[Any]:
    found: list[Any] = pyarrow.parquet.read_table(path, columns=[name], partitioning=None)[name].to_pylist()
    return found


def ids(batch: Batch, table: str) -> set[str]:
    path = batch.file(table)
    assert path is not None
    return set(column(path, "capture_id"))


def filled(path: Path, captures: Path) -> Dataset:
    found = Dataset(str(path), create=True)
    list(ingest(found, [str(captures)], Wishes(), in_this_process))
    return found


def check_clean(dataset: Dataset) -> None:
    """Expect nothing on the disk but what counts."""
    assert not (dataset.path / "_tmp").exists() or not list((dataset.path / "_tmp").iterdir())
    assert sorted(dataset.path.glob("date=*/batch=*")) == sorted(batch.path for batch in dataset.batches())


def test_ingest_killed_at_each_step(captures: Path, tmp_path: Path) -> None:
    whole = rows(filled(tmp_path / "whole", captures))
    left = killed("ingest", captures, tmp_path / "killed")
    assert len(left) > MOMENTS_AT_LEAST
    written = set()
    for path in left:
        opened = Dataset(str(path))
        batches = opened.batches()
        for batch in batches:
            assert ids(batch, "capture") == ids(batch, "process") == ids(batch, "zone")  # whole, or not there
        written.add(len(batches))
        (path / "_tmp/left.123").mkdir(parents=True, exist_ok=True)
        (path / "_tmp/left.123/capture.parquet").write_bytes(b"half")
        assert rows(filled(path, captures)) == whole
        check_clean(opened)
    assert written == set(range(len(Dataset(str(left[-1])).batches()) + 1))  # before the first, between any two ...


def test_compact_killed_at_steps(captures: Path, tmp_path: Path) -> None:
    """Whenever that is, every row is there once."""
    left = killed("compact", captures, tmp_path / "killed", every=5)
    whole = rows(Dataset(str(tmp_path / "killed/0")))
    numbers = set()
    for path in left:
        opened = Dataset(str(path))
        numbers.add(len(opened.batches()))
        assert rows(opened) == whole
        compact(opened)
        check_clean(opened)
        assert rows(opened) == whole
        assert len(opened.batches()) == 2  # a day each
    assert len(numbers) > 1

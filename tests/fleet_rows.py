"""What a dataset says, to be compared with what another says."""

from __future__ import annotations

import pyarrow.parquet

from pymemtools.fleet.dataset import Dataset
from pymemtools.fleet.schema import TABLES


def rows(dataset: Dataset) -> dict[str, list[str]]:
    """Give all rows that count, sorted."""
    return {
        table: sorted(
            repr(row)
            for path in dataset.files(table)
            for row in pyarrow.parquet.read_table(path, partitioning=None).to_pylist()
        )
        for table in TABLES
    }

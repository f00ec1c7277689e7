"""What is known of machines beside their captures: a table with labels, a line a machine, as spreadsheets write it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO

from pymemtools.errors import MemtoolsError

_MOST = 32 << 20  # characters: of 300,000 machines


def read_inventory(path: str) -> Mapping[str, Mapping[str, str]]:
    """Read CSV with a column called host: by host, what the other columns say of it. Raises MemtoolsError."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # as spreadsheets write it
            text = file.read(_MOST + 1)
        if len(text) > _MOST:
            raise MemtoolsError(f"{path}: more than {_MOST >> 20} MiB, and no list of machines")
        rows = list(csv.DictReader(StringIO(text, newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MemtoolsError(f"{path}: {getattr(error, 'strerror', None) or 'no CSV'}") from None
    if not rows or "host" not in rows[0]:
        raise MemtoolsError(f"{path}: no column called host")
    return {row["host"]: {k: v for k, v in row.items() if k and k != "host" and v} for row in rows if row["host"]}

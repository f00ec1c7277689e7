"""The classic table: laid out by columns, it must not depend on there being rows."""

from __future__ import annotations

from pymemtools.render.classic_table import classic_table
from pymemtools.report import Column

COLUMNS = (Column("pid", "PID", "", "count", 5), Column("name", "Name", "", "text", 6, right=False, cut=True))
HEADER = "  PID Name   "


def test_a_table_without_rows_is_its_header() -> None:
    assert classic_table(COLUMNS, []) == [HEADER]
    assert classic_table(COLUMNS, [], header=False) == []
    assert classic_table(COLUMNS, [], totals=[0, ""]) == [HEADER, "-------------", "    0        "]


def test_equal_cells_of_different_rows() -> None:
    rows: list[list[int | str | None]] = [[1, "a\nb"], [1, None], [None, "a\nb"], [1234567, "systemd-journald"]]
    assert classic_table(COLUMNS, rows) == [
        HEADER,
        "    1 a\\x0ab ",
        "    1 -      ",
        "    - a\\x0ab ",
        "1234567 system ",
    ]

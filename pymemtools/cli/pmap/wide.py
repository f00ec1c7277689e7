"""The wide layout of pmap: a table as ``pmap -X`` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pymemtools.cells import Derived, Memo
from pymemtools.render.detail_table import Numbers, Texts, detail_lines
from pymemtools.render.escape import escape
from pymemtools.report import Column, Table

_GROWTH = frozenset(("delta", "delta_Size"))  # shown with a sign
_FORMATS = {"offset": "08x"}


def wide_lines(table: Table, *, quiet: bool) -> Iterator[str]:
    """Lay a table out; nothing at all where there is no row."""
    if not table.height:
        return iter(())
    return detail_lines([_shown(column, table.cells[column.key]) for column in table.columns], quiet=quiet)


def _shown(column: Column, cells: Sequence[Any]) -> Texts | Numbers:
    if column.total == "sum":
        return Numbers(column.title, cells, is_size=column.kind != "count", is_signed=column.key in _GROWTH)
    if column.key == "address":  # hexadecimal digits, and no two the same
        return Texts(column.title, cells, right=column.right)
    format = _FORMATS.get(column.key, "")
    shown: Memo[Any, str] = Memo(lambda value: "-" if value is None else escape(f"{value:{format}}"))
    return Texts(column.title, Derived(shown.__getitem__, cells), right=column.right)

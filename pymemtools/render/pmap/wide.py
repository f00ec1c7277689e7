"""The wide layout of pmap: a table as ``pmap -X`` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pymemtools.cells import Derived, Memo
from pymemtools.render.detail_table import Numbers, Texts, detail_lines
from pymemtools.render.escape import escape
from pymemtools.report import Column, Table

_GROWTH = frozenset(("delta", "delta_size"))  # shown with a sign


def wide_lines(table: Table, *, quiet: bool, unit: str) -> Iterator[str]:
    """Lay a table out; nothing at all where there is no row. ``unit`` is what procps calls KB, and we KiB."""
    if not table.height:
        return iter(())
    return detail_lines([_shown(column, table.cells[column.key]) for column in table.columns], quiet=quiet, unit=unit)


def _shown(column: Column, cells: Sequence[Any]) -> Texts | Numbers:
    if column.total == "sum":
        return Numbers(column.title, cells, is_size=column.kind != "count", is_signed=column.key in _GROWTH)
    if column.kind == "address":  # no two are the same
        return Texts(column.title, Derived("{:08x}".format, cells), right=column.right)
    texts: Memo[Any, str] = Memo(lambda value: "-" if value is None else escape(_text(column, value)))
    return Texts(column.title, Derived(texts.__getitem__, cells), right=column.right)


def _text(column: Column, value: Any) -> str:
    if column.kind == "list":
        return " ".join(value)
    return f"{value:08x}" if column.key == "offset" else str(value)

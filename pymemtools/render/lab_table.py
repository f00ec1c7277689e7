"""Samples of experiments, a line each as they come; and the laws they were held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pymemtools.render.escape import escape
from pymemtools.report import Column
from pymemtools.reports.lab.laws import Law
from pymemtools.units import KIB


def sample_header(columns: Sequence[Column]) -> str:
    """Give the line above samples."""
    return " ".join(_placed(column, column.title) for column in columns if column.title).rstrip()


def sample_line(columns: Sequence[Column], row: Mapping[str, Any], unit: int = KIB) -> str:
    """Give the line of one sample, amounts in ``unit`` bytes; columns without a title are for programs only."""
    cells = (_placed(column, _cell(column, row.get(column.key), unit)) for column in columns if column.title)
    return " ".join(cells).rstrip()


def law_lines(laws: Sequence[Law]) -> Iterator[str]:
    """Say of each law whether it held."""
    for law in laws:
        seen = "nothing" if law.seen is None else _said(law.seen)
        if law.holds and _said(law.expected) == seen:
            yield f"Law: {law.name}: holds ({seen})"
        else:
            verdict = "holds" if law.holds else "DOES NOT HOLD"
            yield f"Law: {law.name}: {verdict} (expected {_said(law.expected)}, seen {seen})"


def _said(value: Any) -> str:
    return escape(str(value))


def _placed(column: Column, text: str) -> str:
    return f"{text:>{column.width}}" if column.right else f"{text:<{column.width}}"


def _cell(column: Column, value: Any, unit: int) -> str:
    if value is None:
        return "-"
    if column.kind == "bytes":
        return str(value // unit)
    if column.kind == "seconds":
        return f"{value:.2f}"
    if column.kind == "address":
        return f"{value:#x}"
    return escape(str(value))

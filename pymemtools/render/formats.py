"""Reports for programs: JSON, JSON lines, CSV, TSV, and every table that tabulate knows."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pymemtools.cells import Derived, Memo
from pymemtools.render.escape import escape
from pymemtools.report import Column, Report

SCHEMA = 2
_NESTED = (dict, list, tuple)
_WORDS = frozenset((str,))
_FLAT = frozenset((str, int, float, bool, type(None)))


def report_lines(style: str, report: Report) -> Iterable[str]:
    """Lay a report's table out for programs, as machine_lines() does; what is nested is in JSON only."""
    table = report.table
    cells = {column.key: _shown(column, table.cells[column.key]) for column in table.columns}
    return machine_lines(
        style,
        report.command,
        table._replace(cells=cells).rows(),
        fields=[column.key for column in table.columns if column.kind != "nested"],
        source=report.facts,
        totals=report.totals,
        unreadable=report.unreadable,
        notes=report.notes,
    )


def _shown(column: Column, cells: Sequence[Any]) -> Sequence[Any]:
    if column.kind != "address":
        return cells
    return Derived(hex if isinstance(cells, array) else address_text, cells)  # an array has none that is unknown


def address_text(address: int | None) -> str | None:
    """Write an address for programs, to many of whom a number of 64 bits is none.

    >>> address_text(0x7f00)
    '0x7f00'
    """
    return None if address is None else f"{address:#x}"


def machine_lines(
    style: str,
    command: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    fields: Sequence[str],
    source: Mapping[str, Any],
    totals: Mapping[str, Any] | None = None,
    unreadable: int = 0,
    notes: Sequence[str] = (),
) -> Iterable[str]:
    """Lay rows out as json, jsonl, csv, tsv or one of tabulate's formats; amounts in bytes, unknown is null or empty.

    But for tabulate's, which need all of a column, each row is laid out when its lines are asked for.

    JSON text may hold undecodable bytes as lone surrogates, escaped by JSON's rules. Raises ValueError for an
    unknown style.
    """
    if style in ("json", "jsonl"):
        import json

        if style == "jsonl":
            return map(json.dumps, rows)
        head = {"schema": SCHEMA, "command": command, "source": source}
        tail = {"totals": totals, "unreadable": unreadable, "notes": list(notes)}
        return _document(head, rows, tail)
    cells = (["" if row.get(field) is None else row[field] for field in fields] for row in rows)
    if style in ("csv", "tsv"):
        return _separated(fields, cells, "," if style == "csv" else "\t")
    import tabulate

    if style not in tabulate.tabulate_formats:
        raise ValueError(f"unknown format {style!r}")
    return _tabulated(style, fields, list(cells))


def _document(head: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], tail: Mapping[str, Any]) -> Iterator[str]:
    """Write one object as json.dumps() does with ``indent=1``, but row by row, and at a fifth of the cost."""
    import json

    row_text = _row_writer()
    yield json.dumps(head, indent=1)[:-2] + ","
    last = None
    for row in rows:
        yield ' "rows": [' if last is None else f"{last},"
        last = f"  {row_text(row)}"
    yield ' "rows": [],' if last is None else f"{last}\n ],"
    yield json.dumps(tail, indent=1)[2:]


def _row_writer() -> Callable[[Mapping[str, Any]], str]:
    """Give what writes an object as json.dumps() does with ``indent=1``: in Python, but for what is flat, in C."""
    import json

    flat, items = (json.JSONEncoder(separators=(f",\n{blanks}", ": ")).encode for blanks in ("   ", "    "))
    starts: Memo[str, str] = Memo(lambda key: f"\n   {json.dumps(key)}: ")
    words: Memo[tuple[str, ...], str] = Memo(lambda value: f"[\n    {items(value)[1:-1]}\n   ]" if value else "[]")

    def nested(value: Any) -> str:
        if isinstance(value, tuple) and _WORDS.issuperset(map(type, value)):
            return words[value]
        if isinstance(value, dict) or not value or any(isinstance(each, _NESTED) for each in value):
            return json.dumps(value, indent=1).replace("\n", "\n   ")
        return f"[\n    {items(value)[1:-1]}\n   ]"

    def write(row: Mapping[str, Any]) -> str:
        if not row:
            return "{}"
        is_flat = _FLAT.issuperset(map(type, row.values()))
        inner = [] if is_flat else [key for key in row if isinstance(row[key], _NESTED)]
        text = f"\n   {flat({**row, **dict.fromkeys(inner)} if inner else row)[1:-1]}"
        for key in inner:  # no text in a row can look so: a newline in it is escaped
            start = starts[key]
            text = text.replace(f"{start}null", f"{start}{nested(row[key])}", 1)
        return f"{{{text}\n  }}"

    return write


def _tabulated(style: str, fields: Sequence[str], table: Sequence[Sequence[Any]]) -> list[str]:
    import tabulate

    cells = [
        [_plain(value).replace("|", "\\|") if style in ("github", "pipe") else _plain(value) for value in row]
        for row in table
    ]
    align = ["right" if any(isinstance(row[i], (int, float)) for row in table) else "left" for i in range(len(fields))]
    return tabulate.tabulate(
        cells, list(fields), style, disable_numparse=True, colalign=align if cells else None
    ).split("\n")


def _separated(fields: Sequence[str], table: Iterable[Sequence[Any]], delimiter: str) -> Iterator[str]:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="")
    for row in chain([fields], ([_plain(value) for value in row] for row in table)):
        writer.writerow(row)
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _plain(value: Any) -> str:
    """Write a cell as text: truth as JSON does, a list with blanks in between, or semicolons if it has blanks."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, tuple):
        return escape(str(value))
    texts = [str(each) for each in value]
    return escape(("; " if any(" " in text for text in texts) else " ").join(texts))

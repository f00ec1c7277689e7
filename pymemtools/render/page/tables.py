"""Tables of reports: a caption, a header that says what each column means, cells with their exact values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pymemtools.render.page.words import region, safe, short, shown
from pymemtools.report import Column, Table

_LONG = 28  # characters, beyond which text may be broken
_TEXT = ("text", "list", "nested")


def table_lines(name: str, caption: str, table: Table, keys: Sequence[str], *, sorts: bool = False) -> Iterator[str]:
    """Write some columns of a table. Each amount has its exact value beside the one for people, as ``data-v``.

    Where it ``sorts``, the page's script adds buttons and a field to search; without script it is just a table.
    """
    columns = [column for key in keys for column in table.columns if column.key == key]
    kind = ' class="sorts"' if sorts else ""
    yield f'<div class="wide" {region(caption)}><table id="{name}"{kind}><caption>{safe(caption)}</caption><thead><tr>'
    yield "".join(map(_header, columns)) + "</tr></thead><tbody>"
    cells = [table.cells[column.key] for column in columns]
    yield from (_row(columns, values) for values in zip(*cells))
    yield "</tbody></table></div>"


def _header(column: Column) -> str:
    right = ' class="n"' if column.kind not in _TEXT else ""
    return f'<th scope="col" data-k="{column.key}"{right} title="{safe(column.help)}">{safe(_title(column))}</th>'


def _title(column: Column) -> str:
    if not column.title:
        return column.key.replace("_", " ")
    return column.title if column.kind not in ("percent", "permille") else f"{column.title} ({_UNITS[column.kind]})"


_UNITS = {"percent": "%", "permille": "‰"}


def _row(columns: Sequence[Column], values: Iterable[object]) -> str:
    return f"<tr>{''.join(_cell(column, value) for column, value in zip(columns, values))}</tr>"


def _cell(column: Column, value: object) -> str:
    if column.kind in _TEXT or isinstance(value, str):
        text = short(value) if isinstance(value, str) else shown(column, value)
        return f'<td class="long">{text}</td>' if len(text) > _LONG else f"<td>{text}</td>"
    exact = "" if value is None else f' data-v="{_exact(value)}"'
    return f'<td class="n"{exact}>{shown(column, value)}</td>'


def _exact(value: object) -> str:
    if isinstance(value, (int, float)):  # a number has nothing to be escaped
        return str(value).lower() if isinstance(value, bool) else str(value)
    return safe(value)

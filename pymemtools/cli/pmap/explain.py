"""``pmap --explain``: what the columns, flags and kinds on the page mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.models.map_kinds import KINDS
from pymemtools.procfs.vmflags import flags_legend
from pymemtools.render.escape import escape
from pymemtools.report import Table
from pymemtools.reports.pmap.columns import column_of

_CLASSIC = {
    "": (("Address", "start"), ("Kbytes", "size"), ("Mode", "perms"), ("Mapping", "mapping")),
    "x": (
        ("Address", "start"),
        ("Kbytes", "size"),
        ("RSS", "rss"),
        ("Dirty", "dirty"),
        ("Mode", "perms"),
        ("Mapping", "mapping"),
    ),
    "d": (
        ("Address", "start"),
        ("Kbytes", "size"),
        ("Mode", "perms"),
        ("Offset", "offset"),
        ("Device", "device"),
        ("Mapping", "mapping"),
    ),
}


def classic_legend(mode: str) -> Iterator[str]:
    """Explain a classic layout."""
    return _lines([(title, column_of(key).help) for title, key in _CLASSIC[mode]])


def legend(tables: Sequence[Table]) -> Iterator[str]:
    """Explain every column there is on the page, and every flag and kind in them."""
    columns = {column.key: column for table in tables for column in table.columns}
    yield from _lines([(column.title, column.help) for column in columns.values()])
    flags = {value for table in tables for value in table.cells.get("vm_flags", ()) if value}
    codes = flags_legend(" ".join(value).encode("utf-8", "surrogateescape") for value in flags)
    if codes:
        yield from _lines([(escape(code), meaning or "a flag that is not known here") for code, meaning in codes])
    kinds = {str(value) for table in tables for value in table.cells.get("kind", ())}
    if kinds:
        yield from _lines([(kind, meaning) for kind, meaning in KINDS.items() if kind in kinds])


def _lines(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield ""
    width = max(len(name) for name, _ in rows)
    for name, meaning in rows:
        yield f"{name:<{width}}  {meaning}"

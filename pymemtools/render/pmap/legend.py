"""What the columns, flags and kinds on a page of pmap mean: the text of ``pmap --explain``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.render.escape import escape
from pymemtools.report import Table
from pymemtools.reports.pmap.columns import column_of
from pymemtools.reports.pmap.legend import meanings

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
    for group in meanings(tables):
        yield from _lines([(escape(name), meaning) for name, meaning in group])


def _lines(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield ""
    width = max(len(name) for name, _ in rows)
    for name, meaning in rows:
        yield f"{name:<{width}}  {meaning}"

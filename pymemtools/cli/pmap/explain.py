"""``pmap --explain``: what the columns, flags and kinds on the page mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.cli.pmap.columns import OWN
from pymemtools.models.map_kinds import KINDS
from pymemtools.procfs.smaps_fields import SMAPS_FIELDS
from pymemtools.procfs.vmflags import flags_legend
from pymemtools.render.escape import escape
from pymemtools.reports.map_frame import Frame

_CLASSIC = {
    "": (("Address", "address"), ("Kbytes", "Size"), ("Mode", "perm"), ("Mapping", "mapping")),
    "x": (
        ("Address", "address"),
        ("Kbytes", "Size"),
        ("RSS", "Rss"),
        ("Dirty", "Dirty"),
        ("Mode", "perm"),
        ("Mapping", "mapping"),
    ),
    "d": (
        ("Address", "address"),
        ("Kbytes", "Size"),
        ("Mode", "perm"),
        ("Offset", "offset"),
        ("Device", "device"),
        ("Mapping", "mapping"),
    ),
}


def classic_legend(mode: str) -> Iterator[str]:
    """Explain a classic layout."""
    return _lines([(title, _help(field)) for title, field in _CLASSIC[mode]])


def legend(frames: Sequence[Frame]) -> Iterator[str]:
    """Explain every column there is on the page, and every flag and kind in them."""
    fields = list(dict.fromkeys(field for frame in frames for field in frame.columns))
    rows = [(OWN[field].title if field in OWN else field, _help(field)) for field in fields]
    yield from _lines(rows)
    flags = {str(value) for frame in frames for value in frame.columns.get("vmflags", ())}
    codes = flags_legend(text.encode("utf-8", "surrogateescape") for text in flags)
    if codes:
        yield from _lines([(escape(code), meaning or "a flag that is not known here") for code, meaning in codes])
    kinds = {str(value) for frame in frames for value in frame.columns.get("kind", ())}
    if kinds:
        yield from _lines([(kind, meaning) for kind, meaning in KINDS.items() if kind in kinds])


def _help(field: str) -> str:
    if field in OWN:
        return OWN[field].help
    return SMAPS_FIELDS.get(field, "a number that is not known here: see the kernel's proc.rst")


def _lines(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield ""
    width = max(len(name) for name, _ in rows)
    for name, meaning in rows:
        yield f"{name:<{width}}  {meaning}"

"""What the columns, flags and kinds of some tables of pmap mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.models.map_kinds import KINDS
from pymemtools.procfs.vmflags import flags_legend
from pymemtools.report import Table

Meanings = list[tuple[str, str]]


def meanings(tables: Sequence[Table]) -> Iterator[Meanings]:
    """Explain every column there is, and then every flag and kind in them, as far as there are any."""
    columns = {column.key: column for table in tables for column in table.columns}
    yield [(column.title, column.help) for column in columns.values()]
    flags = {value for table in tables for value in table.cells.get("vm_flags", ()) if value}
    codes = flags_legend(" ".join(value).encode("utf-8", "surrogateescape") for value in flags)
    if codes:
        yield [(code, meaning or "a flag that is not known here") for code, meaning in codes]
    kinds = {str(value) for table in tables for value in table.cells.get("kind", ())}
    if not kinds.isdisjoint(KINDS):
        yield [(kind, meaning) for kind, meaning in KINDS.items() if kind in kinds]

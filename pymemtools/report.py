"""One answer as a value: a table of data for programs, and beside it the typed answer that text is laid out from.

Every command makes a Report of what it is asked; JSON, CSV and tabulate's formats are made of the table, the classic
texts and the pictures of the answer. A program that imports pymemtools gets the same values as a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol


class Column(NamedTuple):
    """One column of a report: name, meaning, unit and layout of a figure, each said once."""

    key: str  # the row's field, the --columns name and the JSON key
    title: str  # the header of a text layout
    help: str
    # text count bytes bytes/s count/s pages/s pages ms seconds percent permille score ratio bool
    # address: a number, in JSON "0x7f"; list: of such, with blanks between them outside of JSON
    # nested: an object, in JSON only
    kind: str
    width: int = 8  # least width in characters of the classic layout
    total: str = ""  # what the totals row shows: "sum", "rows", "distinct" or nothing
    right: bool = True
    cut: bool = False  # text longer than the column is cut (the classic table without --autosize)


def column_named(columns: Iterable[Column], name: str, others: Mapping[str, str] = {}) -> Column | None:
    """Find the column that a user means, upper or lower case, with ``_`` or without; ``others`` name keys, too.

    >>> column_named([Column("swap_pss", "SwapPSS", "", "bytes")], "SwapPss").key
    'swap_pss'
    """
    plain = plain_name(name)
    plain = next((plain_name(key) for other, key in others.items() if plain_name(other) == plain), plain)
    return next((column for column in columns if plain_name(column.key) == plain), None)


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Write a name of a column as it is compared: upper and lower case, and ``_``, make no difference."""
    return name.lower().replace("_", "")


class Rowlike(Protocol):
    """A NamedTuple whose fields are the columns' keys."""

    def _asdict(self) -> dict[str, Any]: ...


class Table(NamedTuple):
    """Columns and their cells, of equal length; amounts in bytes, None is unknown."""

    columns: tuple[Column, ...]
    cells: Mapping[str, Sequence[Any]]

    @property
    def height(self) -> int:
        """Give the number of rows."""
        return len(self.cells[self.columns[0].key]) if self.columns else 0

    @property
    def keys(self) -> list[str]:
        """Give the columns' keys in order."""
        return [column.key for column in self.columns]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give the rows, each by key and made when it is asked for."""
        keys = self.keys
        return (dict(zip(keys, row)) for row in zip(*(self.cells[key] for key in keys)))

    def take(self, order: Sequence[int]) -> Table:
        """Choose rows by their places, in that order."""
        return self._replace(cells={key: [cells[i] for i in order] for key, cells in self.cells.items()})

    def only(self, keys: Iterable[str]) -> Table:
        """Choose columns, in that order."""
        columns = {column.key: column for column in self.columns}
        return Table(tuple(columns[key] for key in keys), {key: self.cells[key] for key in keys})


def table_of(columns: Iterable[Column], rows: Iterable[Mapping[str, Any] | Rowlike]) -> Table:
    """Make a table of rows, of which each column takes what is called as it is; what a row lacks is unknown.

    >>> table_of([Column("rss", "RSS", "resident set size", "bytes")], [{"rss": 4096}, {}]).cells
    {'rss': [4096, None]}
    """
    columns = tuple(columns)
    dicts = [row if isinstance(row, Mapping) else row._asdict() for row in rows]
    return Table(columns, {column.key: [row.get(column.key) for row in dicts] for column in columns})


READ_AT = Column("read_at", "Read at", "when the sample was read, UTC", "text", 24, right=False)


class Report(NamedTuple):
    """The answer to one question."""

    command: str
    table: Table
    answer: Any = None  # Memory, Analysis, Grant, ProcessMaps ...
    totals: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = {}  # of the source: kind, path, kernel, page_size, taken_at; of a pair also "other"
    notes: tuple[str, ...] = ()  # what whoever uses the figures must know
    warnings: tuple[str, ...] = ()  # what is said on stderr, a line each: of the notes those that are no news in text
    unreadable: int = 0  # processes that could not be read
    within: tuple[Column, ...] = ()  # of other tables that text has, which for programs are nested


def at_moment(report: Report, read_at: str) -> Report:
    """Give each row of a sample the moment at which it was read, as a column in front, unless it has one."""
    table = report.table
    if READ_AT.key in table.cells:
        return report
    cells = {READ_AT.key: [read_at] * table.height, **table.cells}
    return report._replace(table=Table((READ_AT, *table.columns), cells))

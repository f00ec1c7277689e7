"""``python -m tests.json_docs``: print docs/json.md, which is made of the columns of reports."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.report import Column
from pymemtools.reports.totals import SUMMED, TOTALS
from pymemtools.reports.vocabulary import VOCABULARY

INTRODUCTION = """\
# JSON, CSV and the like

Made by `python -m tests.json_docs` of the columns in the code; do not edit.

`-f json` prints one object:

| key | what |
|---|---|
| `schema` | 2 |
| `command` | the command, as it was asked |
| `source` | `kind` (live, directory, archive, recording, dataset), `path`, `kernel`, `page_size`, `taken_at` in UTC |
| `rows` | a list of objects, see below |
| `totals` | sums over rows, and what is true of all of them, as it is said below the columns; or null |
| `unreadable` | the number of processes that could not be read |
| `notes` | what whoever uses the figures must know, a text each |

Of two sources that are compared `source` has the first and, in `other`, the second; `info` tells more of one: `host`,
`machine`, `tool` and what a recording holds.

`-f jsonl` prints the rows, one a line. CSV, TSV and the formats of tabulate have the same keys in their header, but not
what is an object. Amounts are in bytes, in full, but for what says otherwise; what is unknown is null, or empty; a key
means the same wherever it is. Keys that a newer kernel adds come as it names them: `FooPss` is `foo_pss`.
"""
UNITS = {
    "count": "number",
    "count/s": "number a second",
    "pages/s": "pages a second",
    "number": "number, of the unit that the row tells",
    "bytes/h": "bytes an hour",
    "ms": "milliseconds",
    "percent": "%",
    "permille": "1/1000",
    "bool": "true or false",
    "address": 'text: "0x7f0012340000"',
    "list": "list of texts; in CSV one text",
    "nested": "object or list, in JSON only",
}


def document() -> Iterator[str]:
    """Give the lines: a table for each command."""
    yield from INTRODUCTION.splitlines()
    for command, columns in VOCABULARY:
        yield from ("", f"## `{command}`", "", "| key | unit | meaning |", "|---|---|---|")
        yield from map(_line, columns)
        yield from _totals(command)


def _totals(command: str) -> Iterator[str]:
    if command in SUMMED:
        yield from (
            "",
            "`totals`: sums of these columns." if command not in TOTALS else "`totals`: sums of these columns, and",
        )
    elif command in TOTALS:
        yield from ("", "`totals`:")
    if command in TOTALS:
        yield from ("", "| key | unit | meaning |", "|---|---|---|", *map(_line, TOTALS[command]))


def _line(column: Column) -> str:
    cells = (f"`{column.key}`", UNITS.get(column.kind, column.kind), column.help)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    print("\n".join(document()))

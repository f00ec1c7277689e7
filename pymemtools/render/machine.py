"""Reports for programs: JSON, JSON lines, CSV, TSV, and every table that tabulate knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymemtools.render.escape import escape
from pymemtools.report import Report

SCHEMA = 1


def report_lines(style: str, report: Report) -> list[str]:
    """Lay a report's table out for programs, as machine_lines() does; what is nested is in JSON only."""
    return machine_lines(
        style,
        report.command,
        report.table.rows(),
        fields=[column.key for column in report.table.columns if column.kind != "nested"],
        source=report.facts,
        totals=report.totals,
        unreadable=report.unreadable,
        notes=report.notes,
    )


def machine_lines(
    style: str,
    command: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    fields: Sequence[str],
    source: Mapping[str, Any],
    totals: Mapping[str, Any] | None = None,
    unreadable: int = 0,
    notes: Sequence[str] = (),
) -> list[str]:
    """Lay rows out as json, jsonl, csv, tsv or one of tabulate's formats; amounts in bytes, unknown is null or empty.

    JSON text may hold undecodable bytes as lone surrogates, escaped by JSON's rules. Raises ValueError for an
    unknown style.
    """
    if style in ("json", "jsonl"):
        import json

        if style == "jsonl":
            return [json.dumps(row) for row in rows]
        document = {
            "schema": SCHEMA,
            "command": command,
            "source": source,
            "rows": list(rows),
            "totals": totals,
            "unreadable": unreadable,
            "notes": list(notes),
        }
        return [json.dumps(document, indent=1)]
    table = [["" if row.get(field) is None else row[field] for field in fields] for row in rows]
    if style in ("csv", "tsv"):
        return _separated(fields, table, "," if style == "csv" else "\t")
    import tabulate

    if style not in tabulate.tabulate_formats:
        raise ValueError(f"unknown format {style!r}")
    cells = [
        [_plain(value).replace("|", "\\|") if style in ("github", "pipe") else _plain(value) for value in row]
        for row in table
    ]
    align = ["right" if any(isinstance(row[i], (int, float)) for row in table) else "left" for i in range(len(fields))]
    return tabulate.tabulate(
        cells, list(fields), style, disable_numparse=True, colalign=align if cells else None
    ).split("\n")


def _separated(fields: Sequence[str], table: Sequence[Sequence[Any]], delimiter: str) -> list[str]:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows([_plain(value) for value in row] for row in table)
    return out.getvalue().split("\n")[:-1]


def _plain(value: Any) -> str:
    return escape(str(value))

"""A page about many machines: what is found on how many, who is close to running out, what they run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.render.page.document import document_lines
from pymemtools.render.page.tables import table_lines
from pymemtools.render.page.words import safe, short
from pymemtools.report import Report

_TITLES = {
    "fleet report": ("findings", "Findings", "What report finds in the latest capture of each machine"),
    "fleet risk": ("risk", "Close to running out", "Less than 10 % left"),
    "fleet hosts": ("hosts", "Machines", "All machines"),
    "fleet top": ("top", "Largest programs", "Of the latest captures"),
}


def fleet_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Write the page of some answers about one dataset."""
    totals, facts = reports[0].totals or {}, reports[0].facts
    told = f"captures: {totals['captures']}, of machines: {totals['hosts']}; files rejected: {totals['rejected']}"
    head = [f'<p class="soft">{safe(facts["path"])}</p>', f"<p><b>{safe(told)}</b></p>"]
    sections = [(*_TITLES[report.command][:2], list(_lines(report))) for report in reports]
    return document_lines("Memory of a fleet", head, sections, [])


def _lines(report: Report) -> Iterator[str]:
    name, _, caption = _TITLES[report.command]
    if not report.table.height:
        yield "<p>None.</p>"
        return
    if name == "findings":
        for row in report.table.rows():
            severity = safe(row["severity"])
            yield f'<article class="finding {severity}"><h3><span class="badge">{severity}</span>'
            yield f"{safe(row['id'])} on {row['hosts']} {'machine' if row['hosts'] == 1 else 'machines'}</h3>"
            yield f'<p class="figure">{short(row["title"])}: {short(row["figure"])}</p>'
            yield f'<p class="soft">such as {short(row["example"])}, since {safe(row["first_at"])}</p></article>'
    yield from table_lines(name, caption, report.table, report.table.keys, sorts=True)

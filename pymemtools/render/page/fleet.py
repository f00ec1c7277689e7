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
_FEW, _MOST = 5, 1000  # machines of a finding that are named at once, and in all


def fleet_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Write the page of some answers about one dataset."""
    totals, facts = reports[0].totals or {}, reports[0].facts
    told = f"captures: {totals['captures']}, of machines: {totals['hosts']}; files rejected: {totals['rejected']}"
    head = [f'<p class="soft">{safe(facts["path"])}</p>', f"<p><b>{safe(told)}</b></p>"]
    head += [f"<p>{safe(note)}</p>" for note in dict.fromkeys(note for report in reports for note in report.notes)]
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
            yield from _which(row["machines"], row["first_at"])
            yield "</article>"
    keys = [column.key for column in report.table.columns if column.kind != "nested"]
    yield from table_lines(name, caption, report.table, keys, sorts=True)


def _which(machines: Sequence[str], since: str) -> Iterator[str]:
    """Name the machines: a few, and below them, to be opened, the others."""
    yield f'<p class="soft">since {safe(since)} on {_listed(machines[:_FEW])}</p>'
    if len(machines) > _FEW:
        rest = f" and {len(machines) - _MOST} more" if len(machines) > _MOST else ""
        yield f"<details><summary>and {len(machines) - _FEW} more</summary>"
        yield f"<p>{_listed(machines[_FEW:_MOST])}{rest}</p></details>"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(short, names))

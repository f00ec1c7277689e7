"""The findings, each with a link to the part of the page that shows what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pymemtools.render.page.words import safe
from pymemtools.reports.findings.finding import Finding
from pymemtools.reports.machine_page import Page

# Which section answers a command; of a finding the first that is named decides.
_SHOWS = {
    "free": "where",
    "smem": "where",
    "swap": "where",
    "thp": "where",
    "oom-scores": "killed-next",
    "oom-report": "kills",
    "groups": "fits",
    "zones": "fits",
    "numa": "fits",
    "what-if": "fits",
    "tunables": "settings",
    "vgraph": "spaces",
    "status": "spaces",
    "trend": "course",
    "faults": "course",
    "report": "course",
}


def findings_lines(page: Page, sections: Mapping[str, str]) -> Iterator[str]:
    """Write one article each, the worst first; ``sections`` are those on the page, by name, with their titles."""
    found: list[Finding] = page.report.answer.findings
    if not found:
        yield "<p>Nothing was found: no rule of <code>pymemtools report --list</code> holds here.</p>"
    for finding in found:
        yield f'<article class="finding {finding.severity}"><h3><span class="badge">{finding.severity}</span> '
        yield f'{safe(finding.title)}</h3><p class="figure">{safe(finding.figure)}</p><p>{safe(finding.advice)}</p>'
        section = _section(finding)
        if section in sections:
            yield f'<p class="shown">shown in <a href="#{section}">{sections[section]}</a></p>'
        yield f'<details><summary>why</summary><p>{safe(finding.rule)}</p><p class="soft">{safe(finding.source)}</p>'
        yield f"<p>see <code>{safe(finding.command)}</code></p></details></article>"


def _section(finding: Finding) -> str:
    words = finding.command.split(" ")
    return _SHOWS.get(words[1], "") if words[0] == "pymemtools" else ""

"""The whole page, from its policy to its last note."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import starmap

from pymemtools import __version__
from pymemtools.render.address_svg import STYLE
from pymemtools.render.findings import summary
from pymemtools.render.page.articles import findings_lines
from pymemtools.render.page.look import SCRIPT, style
from pymemtools.render.page.sections import SECTIONS
from pymemtools.render.page.words import safe
from pymemtools.render.panel_svg import STYLE as CURVES
from pymemtools.report import Report
from pymemtools.reports.machine_page import Page


def page_lines(page: Page) -> Iterator[str]:
    """Write the page about a machine."""
    title = f"Memory of {page.host}" if page.host else "Memory of a machine"
    sections = [(section.name, section.title, list(section.lines(page))) for section in SECTIONS]
    findings = list(findings_lines(page, {name: title for name, title, lines in sections if lines}))
    sections.insert(0, ("findings", "Findings", findings))
    return document_lines(title, _head(page), sections, _foot(page.report, page.evidence.untold))


def document_lines(
    title: str, head: Iterable[str], sections: Iterable[tuple[str, str, list[str]]], foot: Iterable[str]
) -> Iterator[str]:
    """Write a page of sections (name, title, lines); those without lines are left out.

    The policy lets nothing be loaded, and lets run the one script whose digest it names.
    """
    shown = [section for section in sections if section[2]]
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
    yield '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    yield f"<title>{safe(title)}</title>"
    yield f"<style>{style(STYLE, CURVES)}</style></head><body>"
    yield '<a class="skip" href="#findings">to the findings</a>'
    yield f"<header><h1>{safe(title)}</h1>"
    yield from head
    yield '<nav aria-label="Sections"><ul>'
    yield from (f'<li><a href="#{name}">{heading}</a></li>' for name, heading, _ in shown)
    yield "</ul></nav></header><main>"
    for name, heading, lines in shown:
        yield f'<section id="{name}"><h2>{heading}</h2>'
        yield from lines
        yield "</section>"
    yield "</main><footer>"
    yield from foot
    yield f"<p>Made by pymemtools {__version__}. Sizes are in powers of 1024.</p></footer>"
    yield f"<script>{SCRIPT}</script></body></html>"


def _policy() -> str:
    digest = b64encode(sha256(SCRIPT.encode()).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


def _head(page: Page) -> Iterator[str]:
    facts = page.report.facts
    told = [
        facts["kind"],
        *([f"Linux {facts['kernel']}"] if facts["kernel"] else []),
        *([f"taken at {facts['taken_at']}"] if facts["taken_at"] else []),
        *([str(facts["path"])] if facts["path"] else []),
    ]
    yield f'<p class="soft">{safe(" · ".join(told))}</p>'
    if facts.get("other"):
        other = facts["other"]
        yield f'<p class="soft">compared with {safe(other["path"])}, taken at {safe(other["taken_at"] or "?")}</p>'
    yield f"<p><b>{summary(page.report.answer)}</b></p>"


def _untold(question: str, why: str) -> str:
    """Say which question has no answer, where the reason does not begin with that."""
    return why if why.startswith(f"{question.partition(' ')[0]}: ") else f"{question}: {why}"


def _foot(report: Report, untold: dict[str, str]) -> Iterator[str]:
    lines = [*report.warnings, *starmap(_untold, untold.items())]
    if lines:
        yield "<p>What this page rests on, and what the source does not tell:</p><ul>"
        yield from (f"<li>{safe(line)}</li>" for line in dict.fromkeys(lines))
        yield "</ul>"

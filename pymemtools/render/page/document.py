"""The whole page, from its policy to its last note."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version

from pymemtools.render.address_svg import STYLE
from pymemtools.render.findings import summary
from pymemtools.render.page.look import SCRIPT, style
from pymemtools.render.page.sections import SECTIONS, Section
from pymemtools.render.page.words import safe
from pymemtools.report import Report
from pymemtools.reports.page import Page


def page_lines(page: Page) -> Iterator[str]:
    """Write it. The policy lets nothing be loaded, and lets run the one script whose digest it names."""
    title = f"Memory of {page.host}" if page.host else "Memory of a machine"
    sections = [(section, list(section.lines(page))) for section in SECTIONS]
    shown = [(section, lines) for section, lines in sections if lines]
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
    yield '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    yield f"<title>{safe(title)}</title>"
    yield f"<style>{style(STYLE)}</style></head><body>"
    yield '<a class="skip" href="#findings">to the findings</a>'
    yield from _head(title, page, [section for section, _ in shown])
    yield "<main>"
    for section, lines in shown:
        yield f'<section id="{section.name}"><h2>{section.title}</h2>'
        yield from lines
        yield "</section>"
    yield "</main>"
    yield from _foot(page.report, page.evidence.untold)
    yield f"<script>{SCRIPT}</script></body></html>"


def _policy() -> str:
    digest = b64encode(sha256(SCRIPT.encode()).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


def _head(title: str, page: Page, sections: Iterable[Section]) -> Iterator[str]:
    facts = page.report.facts
    told = [
        facts["kind"],
        *([f"Linux {facts['kernel']}"] if facts["kernel"] else []),
        *([f"taken at {facts['taken_at']}"] if facts["taken_at"] else []),
        *([str(facts["path"])] if facts["path"] else []),
    ]
    yield f'<header><h1>{safe(title)}</h1><p class="soft">{safe(" · ".join(told))}</p>'
    if page.report.facts.get("other"):
        other = page.report.facts["other"]
        yield f'<p class="soft">compared with {safe(other["path"])}, taken at {safe(other["taken_at"] or "?")}</p>'
    yield f"<p><b>{summary(page.report.answer)}</b></p>"
    yield '<nav aria-label="Sections"><ul>'
    yield from (f'<li><a href="#{section.name}">{section.title}</a></li>' for section in sections)
    yield "</ul></nav></header>"


def _foot(report: Report, untold: dict[str, str]) -> Iterator[str]:
    yield "<footer>"
    lines = [*report.warnings, *(f"{question}: {why}" for question, why in untold.items())]
    if lines:
        yield "<p>What this page rests on, and what the source does not tell:</p><ul>"
        yield from (f"<li>{safe(line)}</li>" for line in dict.fromkeys(lines))
        yield "</ul>"
    yield f"<p>Made by pymemtools {_own_version()}. Sizes are in powers of 1024.</p></footer>"


def _own_version() -> str:
    try:
        return version("pymemtools")
    except PackageNotFoundError:
        return ""

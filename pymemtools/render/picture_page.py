"""A picture in one HTML file, which loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape as quoted

from pymemtools.render.escape import escape

_STYLE = """\
body{margin:0;background:#fff}
svg{display:block;max-width:100%;height:auto}
@media (prefers-color-scheme:dark){body{background:#111}}"""


def page_lines(title: str, svg: Iterable[str]) -> Iterator[str]:
    """Put SVG into a page."""
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    yield f"<title>{quoted(escape(title))}</title>"
    yield f"<style>{_STYLE}</style></head><body>"
    yield from svg
    yield "</body></html>"

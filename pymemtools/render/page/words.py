"""Text and figures as a page shows them; every untrusted name goes through here, once, at the edge."""

from __future__ import annotations

from functools import lru_cache
from html import escape as _quoted
from typing import Any

from pymemtools.render.escape import escape
from pymemtools.report import Column
from pymemtools.units import human_size

MOST_CHARACTERS = 160  # of a name that is shown; a command line can have megabytes


def safe(text: object) -> str:
    """Make text fit to stand in an element or in a quoted attribute: no markup, no control character.

    >>> safe('<b onclick="x">\\x1b]')
    '&lt;b onclick=&quot;x&quot;&gt;\\\\x1b]'
    """
    return _safe(str(text))


@lru_cache(maxsize=1024)  # neighbours have users and names alike
def _safe(text: str) -> str:
    return _quoted(escape(text), quote=True)


def short(text: str, most: int = MOST_CHARACTERS) -> str:
    """Cut a name that is longer than anybody reads, and make it safe."""
    return safe(text if len(text) <= most else text[: most - 1] + "…")


def region(name: str) -> str:
    """Give what makes a part that may be too wide one that keys can scroll, and that is told by its name."""
    return f'tabindex="0" role="region" aria-label="{short(name)}"'


def shown(column: Column, value: Any) -> str:
    """Write a cell for people; what is not known is a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.kind.startswith("bytes") and isinstance(value, (int, float)):
        return human_size(int(value)) if value >= 0 else f"−{human_size(int(-value))}"
    if column.kind == "percent" and isinstance(value, float):
        return f"{value:.1f}"
    if column.kind == "address" and isinstance(value, int):
        return f"{value:x}"
    if isinstance(value, (int, float)):
        return str(value)
    return short(" ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))

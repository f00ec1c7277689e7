"""Kernel versions, as far as they choose between rules."""

from __future__ import annotations

import re

Version = tuple[int, int, int]
_RELEASE = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,5}))?")


def parse_release(release: str | None) -> Version | None:
    """Read the start of a release; None for what is none.

    >>> parse_release("6.1.0-37-amd64"), parse_release("2.6.24"), parse_release("next")
    ((6, 1, 0), (2, 6, 24), None)
    """
    match = _RELEASE.match(release or "")
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None

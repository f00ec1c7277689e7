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


def brief_release(version: Version) -> str:
    """Write a version as its makers call it: two numbers since 3.0, or 2.6 and a third.

    >>> brief_release((5, 9, 0)), brief_release((2, 6, 24))
    ('5.9', '2.6.24')
    """
    return ".".join(map(str, version[: 3 if version < (3, 0) else 2]))


def since(version: Version | None, first: tuple[int, ...], *stable: tuple[int, ...]) -> bool:
    """Tell whether a kernel has what came with ``first``; an unknown one is taken for a new one.

    ``stable`` names the releases of older series that had it, too.

    >>> since((5, 2, 0), (5, 2)), since((5, 1, 21), (5, 2)), since(None, (5, 2))
    (True, False, True)
    >>> since((4, 4, 155), (4, 6), (4, 4, 155)), since((4, 5, 7), (4, 6), (4, 4, 155))
    (True, False)
    """
    if version is None or version >= first:
        return True
    return any(version[:2] == release[:2] and version >= release for release in stable)

"""Lines longer than the terminal, broken where it hurts least."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from pymemtools.render.escape import cut, width

_LEAST = 20  # columns: what a last column must have left to be broken within it
_UNIT = re.compile(r"(?<=\d) (?=(?:[KMGTPE]i)?B(?:/s)?\b|%)")  # the blank between a number and its unit
_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")


def fitted(line: str, columns: int) -> Iterator[str]:
    """Break an escaped line at blanks; what follows stands below the last column, or a little to the right.

    Numbers and names stay whole, even those longer than the terminal. A line that is coloured is as wide as it should.

    >>> list(fitted("vm.laptop_mode  0  off, or so it seems", 30))
    ['vm.laptop_mode  0  off, or so', '    it seems']
    """
    if width(line) <= columns or "\x1b" in line:
        yield line
        return
    line = _UNIT.sub("\0", _moved(line, columns))
    indent = _indent(line, columns)
    while width(line) > columns:
        place = _break(line, indent, columns)
        if place is None:
            break
        yield line[:place].rstrip().replace("\0", " ")
        line = " " * indent + line[place:].lstrip()
    yield line.replace("\0", " ")


def with_whole_figures(text: str, wrapped: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """Wrap a text by a function that breaks it at blanks, but no number from its unit."""
    return (line.replace("\0", " ") for line in wrapped(_UNIT.sub("\0", text)))


def _moved(line: str, columns: int) -> str:
    """Move what begins so far to the right that hardly a word would fit to the left, as far as it must be."""
    text = line.lstrip()
    return text.rjust(len(text) + min(len(line) - len(text), columns - _LEAST))


def _indent(line: str, columns: int) -> int:
    start = len(line) - len(line.lstrip())
    gaps = [match.end() for match in _GAP.finditer(line) if match.end() <= columns - _LEAST]
    last = max((match.end() for match in _GAP.finditer(line)), default=0)
    return gaps[-1] if gaps and gaps[-1] == last else start + 4


def _break(line: str, indent: int, columns: int) -> int | None:
    """Give the last blank that fits, else the first one; None if there is none behind the indentation."""
    place = line.rfind(" ", indent + 1, len(cut(line, columns)) + 1)
    if place < 0 or not line[:place].strip():
        place = line.find(" ", max(indent + 1, len(line) - len(line.lstrip())))
    return place if place > indent else None

"""Lines longer than the terminal, broken where it hurts least."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pymemtools.render.escape import cut

_LEAST = 20  # columns: what a last column must have left to be broken within it
_UNIT = re.compile(r"(?<=\d) (?=(?:[KMGTPE]i)?B(?:/s)?\b|%)")  # the blank between a number and its unit
_LONG = 1 << 14  # characters
_NO_WORD = re.compile(r"\S{4096}(?=\S)")
_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")


def fitted(line: str, columns: int) -> Iterator[str]:
    """Break an escaped line at blanks; what follows stands below the last column, or a little to the right.

    Numbers and names stay whole, even those longer than the terminal. A line that is coloured is as wide as it should.

    >>> list(fitted("vm.laptop_mode  0  off, or so it seems", 30))
    ['vm.laptop_mode  0  off, or so', '    it seems']

    A line below a table's titles is cut: nothing of it is missed.

    >>> list(fitted("-----  --------------------------", 30))
    ['-----  -----------------------']
    """
    if not _is_wider(line, columns) or "\x1b" in line:
        yield line
        return
    if set(line) <= {"-", " "}:
        yield line[:columns]
        return
    line = _UNIT.sub("\0", _moved(line, columns))
    indent = _indent(line, columns)
    for part in _parts(line, indent):
        while _is_wider(part, columns):
            place = _break(part, indent, columns)
            if place is None:
                break
            yield part[:place].rstrip().replace("\0", " ")
            part = " " * indent + part[place:].lstrip()
        yield part.replace("\0", " ")


def _is_wider(line: str, columns: int) -> bool:
    """Look no further than need be: a line may be as long as who made a capture likes."""
    return len(cut(line, columns)) < len(line)


def _parts(line: str, indent: int) -> Iterator[str]:
    """Take a line apart that is longer than any of ours, for what is left of a line is copied at each break."""
    while len(line) > _LONG and (place := line.find(" ", _LONG)) >= 0:
        yield line[:place]
        line = " " * indent + line[place:].lstrip()
    yield line


def breakable(text: str) -> str:
    """Break words that are longer than any path: textwrap takes time that grows with the square of their length."""
    return _NO_WORD.sub(r"\g<0> ", text)


def wrapped(text: str, width: int, **layout: Any) -> list[str]:
    """Wrap a paragraph as textwrap does, in time that grows with its length, whatever a capture's names are like."""
    from textwrap import wrap

    return wrap(breakable(text), width, **layout)


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

"""What changed from one page to the next, marked word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pymemtools.render.tones import CHANGED

_WORDS = re.compile(r"\S+")
_CODES = re.compile(r"\x1b\[[0-9;]*m")


def changed_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Mark the words that differ from those of the line that it was: the same, wherever it was; else the one that began
    alike, as with a PID; else the one in its place. Lines that have colours stay as they are.

    >>> [line.replace("\\x1b", "^") for line in changed_lines(["PID RSS", " 7 10", " 8 20"], [" 8 21", " 7 10"])]
    [' 8 ^[7m21^[0m', ' 7 10']
    """
    plain = [_CODES.sub("", line) for line in before]
    known = set(plain)
    starts: dict[str, list[str]] = {}
    for line in plain:
        starts.setdefault(_start(line), []).append(line)
    for place, line in enumerate(after):
        if line in known or "\x1b" in line:
            yield line
            continue
        alike = starts.get(_start(line), [])
        old = alike[0] if len(alike) == 1 else plain[place] if place < len(plain) else ""
        yield _marked(old, line)


def _start(line: str) -> str:
    found = _WORDS.search(line)
    return "" if found is None else found[0]


def _marked(old: str, line: str) -> str:
    """Mark words that differ, place by place; all of a line with another number of them."""
    were = _WORDS.findall(old)
    is_alike = len(were) == len(_WORDS.findall(line))
    words = iter(were)

    def mark(match: re.Match[str]) -> str:
        same = is_alike and next(words) == match[0]
        return match[0] if same else f"\x1b[{CHANGED}m{match[0]}\x1b[0m"

    return _WORDS.sub(mark, line)

"""Learn from a report itself what stands before its lines, whoever wrote it there and in whatever language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pymemtools.kernel_log.prefix import HOST_NAME, LEVEL_NAME

_LONGEST = 1024  # bytes
_MOST = 16  # shapes
_PART = re.compile(rb"([0-9A-Za-z_\x80-\xff]+)|([ \t]+)|(.)", re.DOTALL)
_CLOCK_TIME = rb"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:[.,][0-9]{1,9})?"
_STAMPS = tuple(
    re.compile(pattern)
    for pattern in (
        rb"\[([^\[\]\n]{0,40}\b%b[^\[\]\n]{0,20})\]" % _CLOCK_TIME,
        rb"([0-9]{4}-[0-9]{2}-[0-9]{2}[T _]%b(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)" % _CLOCK_TIME,
        # Words of a date, as "Mär 11" or "3 août 2025"; what is no word, as a quote's ">", stays outside.
        rb"((?:[0-9A-Za-z\x80-\xff./-]{1,20},? {1,2}){0,5}\b%b(?: [AP]M)?)" % _CLOCK_TIME,
        rb"\[ *([0-9]{1,12}\.[0-9]{1,9})\]",
    )
)
_LEVEL = re.compile(LEVEL_NAME)
_HOST = re.compile(  # neither a year nor a time
    rb"(?<![^ \t\[\]()<>\"])(?![0-9]+ |[^ ]*[0-9]:[0-9]{2})%b (?:%b )?kernel(?:\[[0-9]{1,7}\])?:"
    % (HOST_NAME, LEVEL_NAME)
)

_BRACKET = re.compile(rb"\[[^\[\]\n]{1,40}\][ \t]*")  # dmesg -H has more at the first line of a minute
_MAX_NAME = 15  # bytes: TASK_COMM_LEN less the zero
_LAST_MARK = re.compile(rb".*[\[\]{}()<>:;|'\"] *", re.DOTALL)


class Prefixes:
    """What was seen before lines whose beginning is known, as patterns for those whose beginning is not."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, re.Pattern[bytes]] = {}
        self._is_bracketed = False

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def learn(self, prefix: bytes) -> None:
        """Learn from one line: its words stay, its numbers change."""
        self._is_bracketed = self._is_bracketed or _BRACKET.fullmatch(prefix) is not None
        shape = _shape_of(prefix)
        if prefix and len(prefix) <= _LONGEST and shape not in self._shapes:
            if len(self._shapes) >= _MOST:
                del self._shapes[next(iter(self._shapes))]
            self._shapes[shape] = re.compile(shape)

    def ends(self, text: bytes) -> Iterator[int]:
        """Give where a line's prefix ends, by each shape that fits, the last learned first."""
        for pattern in reversed(self._shapes.values()):
            if match := pattern.match(text):
                yield match.end()
        if self._is_bracketed and (match := _BRACKET.match(text)):
            yield match.end()


def _shape_of(prefix: bytes) -> bytes:
    """Write a pattern in which each part begins with what the part before cannot end with: no match takes long."""
    parts = list(_PART.finditer(prefix))
    shape = []
    for place, part in enumerate(parts):
        word, blank, other = part.groups()
        if blank:
            follows_word = place > 0 and parts[place - 1][1] is not None
            before_word = place + 1 == len(parts) or parts[place + 1][1] is not None
            shape.append(rb"[ \t]+" if follows_word and before_word else rb"[ \t]*")
        elif word and re.search(rb"[0-9]", word):
            shape.append(rb"[0-9A-Za-z_\x80-\xff]+")
        elif word and len(word) == 1:  # a level, or the part of a line
            shape.append(rb"[A-Za-z]")
        elif word and _LEVEL.fullmatch(word):
            shape.append(rb"[A-Za-z]+")
        else:
            shape.append(re.escape(word or other))
    return b"".join(shape)


def stamp_in(prefix: bytes) -> str | None:
    """Find the time in a prefix, as it is written there; None where there is none.

    >>> stamp_in("Mär 11 10:48:03 host7 kernel: ".encode())
    'Mär 11 10:48:03'
    """
    for pattern in _STAMPS:
        if match := pattern.search(prefix, 0, _LONGEST):
            return match[1].decode("utf-8", "replace").strip()
    return None


def host_in(prefix: bytes) -> bytes:
    """Find who logged a line, before the word kernel; empty where nobody is named.

    >>> host_in(b"3 mar 11:00:00 web-1 kernel: ")
    b'web-1'
    """
    match = _HOST.search(prefix, 0, _LONGEST)
    return match[1] if match else b""


def name_behind(before: bytes, name: bytes, comm: bytes, prefixes: Prefixes) -> str | None:
    """Take the name of who asked for memory out of what stands before ``invoked``; None where it is not certain.

    ``name`` is what is left of it without the prefixes that we know, ``comm`` the name by the processor's line.

    >>> name_behind(b"", b"[Di Aug 12 03:54:03 2025] my eater", b"", Prefixes())
    'my eater'
    """
    name = comm or next((text[end:] for text in (before, name) for end in prefixes.ends(text)), name.lstrip(b" \t"))
    is_escaped = b"\\x" in name
    if len(name) > _MAX_NAME and not is_escaped:
        name = _LAST_MARK.sub(b"", name, count=1)
    is_name = 0 < len(name) <= (4 * _MAX_NAME if is_escaped else _MAX_NAME)
    return name.decode("utf-8", "surrogateescape") if is_name else None

"""Find the strings in a line of JSON, CSV or logfmt, whole or cut, and what is said beside them of time and host.

Nothing is built of the line, so that one of any depth and with any damage can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_DEEPEST = 64  # nested objects that are told apart
_MOMENT_KEY = re.compile(
    rb"@?t|ts|time.{0,24}|.{0,24}time|.{0,24}timestamp.{0,8}|date.{0,8}", re.IGNORECASE | re.DOTALL
)
_BEST_KEYS = frozenset((b"t", b"ts", b"time", b"timestamp", b"@timestamp", b"__realtime_timestamp", b"timegenerated"))
_NO_MOMENT = re.compile(rb"mono|timeout|uptime", re.IGNORECASE)
_HOST_KEY = re.compile(rb"(?:.{0,64}[._])?(?:host|hostname|host_name|computer|node|nodename|node_name)", re.IGNORECASE)
_TOKEN = re.compile(
    rb'"([^"\\]*(?:\\.[^"\\]*)*)(\\?\Z|")(?:[ \t]*(:))?|([\[\]{}])|(?<![0-9A-Za-z_.])(-?[0-9]{1,20}(?:\.[0-9]{1,9})?)',
    re.DOTALL,
)
_NUMBERS = re.compile(rb"\[[ \t]*[0-9]{1,3}(?:[ \t]*,[ \t]*[0-9]{1,3}){3,}[ \t]*\]")
_LOGFMT_KEY = re.compile(rb"[0-9A-Za-z_.@-]{1,64}$")
_ESCAPES = re.compile(rb"((?:\\u[0-9a-fA-F]{4})+)|\\(.)", re.DOTALL)
_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b'"': b'"', b"\\": b"\\", b"/": b"/"}
_UNITS = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}  # of a second, by the digits that the time since 1970 has in it
_MAX_BYTE = 255


class Node:
    """An object or array, and what it says of time and host."""

    __slots__ = ("_rank", "host", "is_object", "parent", "when")

    def __init__(self, parent: Node | None, *, is_object: bool) -> None:
        self.parent = parent
        self.is_object = is_object
        self.when: str | None = None
        self.host = b""
        self._rank = 0

    def note(self, key: bytes, value: bytes) -> None:
        """Note a value that says when or where."""
        rank = 2 if key.lower() in _BEST_KEYS else 1
        if (
            rank > self._rank
            and _MOMENT_KEY.fullmatch(key)
            and not _NO_MOMENT.search(key)
            and (when := _moment(value)) is not None
        ):
            self.when, self._rank = when, rank
        if not self.host and len(value) <= _MAX_BYTE and _HOST_KEY.fullmatch(key) and b" " not in value:
            self.host = value

    def lines(self) -> Iterator[Node]:
        """Give this one, and what it is in."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def end(self) -> Node | None:
        """Pass on what counts for the object around, too, and give that."""
        above = self.parent
        if above is not None and above.is_object and self.is_object:
            above.host = above.host or self.host
            above.when = above.when or self.when
        return above


class Value(NamedTuple):
    """A string with its key, if it has one, and what it is in."""

    key: bytes | None
    text: bytes
    node: Node
    is_open: bool  # its end is not on this line


def values_in(line: bytes, above: Node | None = None) -> list[Value]:
    """Give the strings of a line, with escapes undone, and arrays of bytes, as journald writes what is no UTF-8."""
    values = []
    node = root = Node(above, is_object=True)
    depth = at = 0
    key: bytes | None = None
    while match := _TOKEN.search(line, at):
        at = match.end()
        bracket, number = match[4], match[5]
        if bracket == b"[" and (numbers := _NUMBERS.match(line, match.start())):
            at = numbers.end()
            if text := _as_bytes(numbers[0]):
                values.append(Value(key, text, node, is_open=False))
            key = None
        elif bracket in (b"[", b"{"):
            depth += 1
            if depth <= _DEEPEST:
                node = Node(node, is_object=bracket == b"{")
            key = None
        elif bracket:
            if 0 < depth <= _DEEPEST:
                node = node.end() or root
            depth, key = max(depth - 1, 0), None
        elif number:
            node.note(key or (b"t" if node is not root and len(number) > 9 else b""), number)
            key = None
        elif match[3]:
            key = _unescaped(match[1])
        else:
            text = _unescaped(match[1])
            key = key if key is not None else _logfmt_key(line, match.start())
            values.append(Value(key, text, node, is_open=match[2] != b'"'))
            node.note(b"t" if key is None else key, text)
            key = None
    return values


def _logfmt_key(line: bytes, start: int) -> bytes | None:
    """Give the key of ``key="value"``."""
    if line[start - 1 : start] != b"=":
        return None
    match = _LOGFMT_KEY.search(line, max(start - 65, 0), start - 1)
    return match[0] if match else None


def _as_bytes(numbers: bytes) -> bytes | None:
    figures = [int(number) for number in re.findall(rb"[0-9]+", numbers)]
    return bytes(figures) if max(figures) <= _MAX_BYTE else None


def _unescaped(text: bytes) -> bytes:
    r"""Undo the escapes of JSON; others are left.

    >>> _unescaped(rb"M\u00e4r\n\x1b")
    b'M\xc3\xa4r\n\\x1b'
    """
    return _ESCAPES.sub(_plain, text) if b"\\" in text else text


def _plain(escape: re.Match[bytes]) -> bytes:
    if not escape[1]:
        return _SHORT.get(escape[2], escape[0])
    text = bytes.fromhex(escape[1].replace(b"\\u", b"").decode("ascii")).decode("utf-16-be", "surrogatepass")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _moment(value: bytes) -> str | None:
    """Read a time: a date as it is written, since 1970 as ISO 8601, and seconds since boot.

    >>> _moment(b"1793710931123456")
    '2026-11-03T13:02:11.123456Z'
    """
    whole, _, part = value.strip().partition(b".")
    if not whole.isdigit():
        is_date = len(value) <= 40 and re.search(rb"[0-9]:[0-9]", value)
        return value.decode("utf-8", "replace").strip() if is_date else None
    unit = _UNITS.get(len(whole))
    if unit is None or whole[:1] not in b"12":
        return value.decode("ascii", "replace").strip() if part and len(whole) < 10 else None
    from datetime import datetime, timezone

    seconds, rest = divmod(int(whole), unit)
    digits = str(rest).zfill(len(str(unit)) - 1) if unit > 1 else part.decode("ascii", "replace")
    moment = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{digits}Z" if digits else f"{moment}Z"

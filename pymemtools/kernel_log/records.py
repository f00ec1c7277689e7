"""Take the kernel's lines out of the records in which log shippers hand them on: quoted, escaped, several in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.quoted import Node, Value, values_in

_DEEPEST = 4  # strings in strings
_MOST_KEYS = 16
_BREAKS = tuple(
    re.compile(pattern)
    for pattern in (
        rb"#012",  # rsyslog
        rb"\\n",
        rb"\\x0[aA]",  # the kernel, in /dev/kmsg
        rb"\\012",
    )
)
_END_OF_BREAK = re.compile(rb" *(?:[\[<(]|[A-Za-z_()-]{2,40}:[0-9])")  # what a lone one stands before
_CARRIAGE = re.compile(rb"(?:\r|#015|\\r)+$")
_CRI = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[^ ]{8,40} std(?:out|err) )([PF])((?::[^ ]{0,20})? )")  # kubelet's
_MAX_PARTIAL = 1 << 16  # bytes
_NO_BREAK = "\xa0".encode()  # NO-BREAK SPACE, which blanks become where a log is copied from a page


class Record(NamedTuple):
    """A line, with what the record around it says of time and host."""

    text: bytes
    when: str | None = None
    host: bytes = b""
    is_quoted: bool = False


class Records:
    """Take lines of a log apart; which strings are the kernel's is learned from those that nobody else would write."""

    def __init__(self) -> None:
        self._keys: dict[bytes | None, None] = {}
        self._is_inside = False  # a string that began on a line before
        self._partial = b""

    @property
    def is_partial(self) -> bool:
        """Tell whether the rest of a line is to come."""
        return bool(self._partial)

    def jump(self) -> None:
        """Forget the line before: the next one does not follow it."""
        self._is_inside = False
        self._partial = b""

    def take(self, line: bytes) -> Iterator[Record]:
        """Give what may be lines of the kernel's."""
        whole = self._joined(line)
        if whole is not None:
            yield from self._taken(whole)

    def _taken(self, line: bytes) -> Iterator[Record]:
        chosen = self._chosen(line) if b'"' in line or self._is_inside else []
        if not chosen:
            yield from (Record(text) for text in _split(line))
        for value in chosen:
            when = next((node.when for node in value.node.lines() if node.when), None)
            host = next((node.host for node in value.node.lines() if node.host), b"")
            for text in value.text.split(b"\n"):
                yield from (Record(each, when, host, is_quoted=True) for each in _split(text))

    def _joined(self, line: bytes) -> bytes | None:
        """Put the parts together in which a container's runtime writes a line that is long for it."""
        match = _CRI.match(line)
        if match is None:
            return line
        if match[2] == b"P":
            begun = self._partial or match[1] + b"F" + match[3]
            self._partial = (begun + line[match.end() :].rstrip(b"\r"))[:_MAX_PARTIAL]
            return None
        whole, self._partial = self._partial + line[match.end() :] if self._partial else line, b""
        return whole

    def _chosen(self, line: bytes) -> list[Value]:
        """Give the strings of a line that are the kernel's, as it wrote them."""
        values = self._of_kernel(b'"' + line if self._is_inside else line, None)
        self._is_inside = any(value.is_open for value in values)
        for _ in range(_DEEPEST):
            inner = [self._of_kernel(value.text, value.node) if b'"' in value.text else [] for value in values]
            if not any(inner):
                break
            values = [each for value, found in zip(values, inner) for each in found or [value]]
        return values

    def _of_kernel(self, line: bytes, above: Node | None) -> list[Value]:
        values: list[Value] = []
        for value in values_in(line, above):
            if lines.is_kernel(value.text):
                if len(self._keys) < _MOST_KEYS:
                    self._keys[value.key] = None
            elif value.key not in self._keys:
                continue
            if not any(_is_copy(value, other) for other in values[-4:]):
                values.append(value)
        return values


def _is_copy(one: Value, other: Value) -> bool:
    """Tell a string that is in the same object twice, as message and as original."""
    if not (one.node.is_object and other.node.is_object) or one.key is None:
        return False
    is_near = one.node in other.node.lines() or other.node in one.node.lines()
    return is_near and (one.text.strip().endswith(other.text.strip()) or other.text.strip().endswith(one.text.strip()))


def _split(text: bytes) -> Iterator[bytes]:
    """Split a record of several lines where what ends a line was escaped; and at tabs, as cloud tools part messages.

    A lone escape may be of a name, in which the kernel leaves a backslash.
    """
    if _NO_BREAK in text:
        text = text.replace(_NO_BREAK, b" ")
    for pattern in _BREAKS:
        if (place := pattern.search(text)) and (pattern.search(text, place.end()) or _is_start(text, place.end())):
            texts = pattern.split(text)
            break
    else:
        texts = text.split(b"\t") if text.count(b"\t") > 1 else [text]
        if sum(map(lines.is_kernel, texts)) < 2:
            texts = [text]
    for each in texts:
        yield _CARRIAGE.sub(b"", each)


def _is_start(text: bytes, at: int) -> bool:
    return _END_OF_BREAK.match(text, at) is not None or lines.anchor(text[at:]) == 0

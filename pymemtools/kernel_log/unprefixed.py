"""Tell what a line of a log says without what stands before and behind the kernel's words."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.learned_prefix import Prefixes, host_in, stamp_in
from pymemtools.kernel_log.oom_collector import is_head
from pymemtools.kernel_log.prefix import Line, strip


class Unprefixer:
    """Take prefixes off that are known, or were learned from lines before, and what all lines end with."""

    def __init__(self) -> None:
        self.prefixes = Prefixes()
        self._known: set[bool] = set()  # of lines in quotes, or not: those of this report whose prefix is known
        self._suffix = b""  # that all of its lines have
        self._is_padded = False  # with blanks before that, as in a table

    def candidates(self, text: bytes, *, is_quoted: bool) -> Iterator[Line]:
        """Give what a line may be without its prefix, the likeliest first.

        The words of a report tell where a line of it begins, and so what the prefix of the others is; nothing of
        that is needed, nor tried, where the prefix is one of those that we know.
        """
        text = self._without_suffix(text.rstrip(b"\r\n"))
        line = strip(text)
        if is_head(line.message):
            self._known.clear()
            yield self._head(text, line)
            return
        start = 0 if is_quoted in self._known else lines.anchor(line.message)
        if start == 0:
            if not self.prefixes or len(line.message) < len(text):
                self._known.add(is_quoted)
            self._learn_suffix(line.message)
        else:
            yield from self._unknown(text, None if start is None else len(text) - len(line.message) + start)
        yield line
        if line.message[:1] in (b" ", b"\t"):
            yield line._replace(message=line.message.lstrip(b" \t"))

    def _unknown(self, text: bytes, start: int | None) -> Iterator[Line]:
        """Give what may stand behind a prefix that was learned, or is learned now from what stands at ``start``."""
        if start is not None:
            self.prefixes.learn(text[:start])
            self._learn_suffix(text[start:])
        for end in self.prefixes.ends(text):
            yield Line(stamp_in(text[:end]), text[end:], host_in(text[:end]))

    def _head(self, text: bytes, line: Line) -> Line:
        """Give a report's first line, which begins with a name: what of its prefix is unknown is seen later."""
        before = text[: text.index(lines.HEAD_SIGN)].removesuffix(lines.INVOKED)
        return line._replace(when=line.when or stamp_in(before), host=line.host or host_in(before), before=before)

    def _learn_suffix(self, message: bytes) -> None:
        if match := lines.ENDS.match(message):
            self._suffix = match[2] if lines.SUFFIX.fullmatch(match[2]) else b""
            self._is_padded = bool(match[1])

    def _without_suffix(self, text: bytes) -> bytes:
        if not self._suffix or not text.endswith(self._suffix):
            return text
        text = text.removesuffix(self._suffix)
        return text.rstrip(b" ") if self._is_padded else text

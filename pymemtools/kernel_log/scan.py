"""Find the reports of the OOM killer in a log of any size, without looking at each line of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pymemtools.kernel_log.oom_collector import MAX_LINE, Collector
from pymemtools.kernel_log.oom_report import OomReport
from pymemtools.kernel_log.prefix import Line, strip

# A line with one of these is a report's; between reports nothing else is looked for, which is what makes it fast. The
# longer they are, the larger the steps of the search.
_KILLED = b"illed process "
_PANIC = b"Kernel panic - not syncing: "  # a quiet console shows nothing else
_SIGNS = (b"oom-killer: gfp_mask=", _KILLED, b"   uid  tgid total_vm  ", _PANIC)
_REACH = 1 << 16  # bytes after a report's line in which the next one is looked for line by line
_MAX_HOSTS = 4  # whose reports may be mixed
PIECE = 24 << 10  # bytes: below 30,000, where CPython searches faster


def oom_reports(pieces: Iterable[bytes]) -> Iterator[OomReport]:
    """Give the reports in a log that comes in pieces, in its order; what is held is a piece and one report.

    Of a line longer than MAX_LINE only the beginning is seen.
    """
    finder = _Finder()
    rest = b""
    is_skipping = False
    for piece in pieces:
        if is_skipping:
            start = piece.find(b"\n")
            if start < 0:
                continue
            piece, is_skipping = piece[start:], False
        text = rest + piece
        end = text.rfind(b"\n") + 1
        yield from finder.feed(text, end)
        rest = text[end:]
        if len(rest) > MAX_LINE:
            rest, is_skipping = rest[:MAX_LINE], True
    yield from finder.feed(rest + b"\n", len(rest) + 1)
    yield from finder.finish()


class _Finder:
    """Look for lines of reports, and collect them; those of each machine apart, as many may write to one log.

    One machine's reports do not mix: a lock of the kernel's is held from their first line to their last (oom_lock).
    """

    def __init__(self) -> None:
        self._collectors: dict[bytes, Collector] = {}  # by host
        self._host = b""
        self._reach = 0  # bytes that are still looked through line by line

    def feed(self, text: bytes, end: int) -> Iterator[OomReport]:
        """Look through whole lines, which reach to ``end``."""
        at = 0
        places = [-1] * len(_SIGNS)
        while at < end:
            is_far = self._reach <= 0
            if is_far:
                at = _next_sign(text, at, end, places)
                if at < 0:
                    return
            stop = text.index(b"\n", at, end)
            raw = text[at : min(stop, at + MAX_LINE)]
            self._reach -= stop + 1 - at
            at = stop + 1
            if not (is_far and _is_of_a_service(raw)):
                yield from self._give(strip(raw))

    def finish(self) -> Iterator[OomReport]:
        """Give what is left."""
        for host in list(self._collectors):
            yield from self._finished(host)

    def _give(self, line: Line) -> Iterator[OomReport]:
        """Give a line to its host's collector; one without is of the host before, as of a message of several lines."""
        self._host = line.host or self._host
        collector = self._collectors.get(self._host)
        if collector is not None and collector.begins_another(line.message):
            yield from self._finished(self._host)
            collector = None
        collector = collector or Collector()
        if collector.take(line):
            self._reach = _REACH
            yield from self._keep(collector)

    def _keep(self, collector: Collector) -> Iterator[OomReport]:
        self._collectors[self._host] = collector
        if len(self._collectors) > _MAX_HOSTS:
            yield from self._finished(next(iter(self._collectors)))

    def _finished(self, host: bytes) -> Iterator[OomReport]:
        collector = self._collectors.pop(host)
        if collector.is_report:
            yield collector.report()


def _is_of_a_service(line: bytes) -> bool:
    """Tell the lines that service managers write of what they killed, of which a log may be full, from the kernel's."""
    _, sign, rest = line.partition(_KILLED)
    return bool(sign) and b"total-vm:" not in rest and b"vsz:" not in rest and not rest.rstrip(b"\r.").endswith(b")")


def _next_sign(text: bytes, at: int, end: int, places: list[int]) -> int:
    """Find the start of the next line with a sign, -1 for none; ``places`` keeps where each sign is next."""
    for each, sign in enumerate(_SIGNS):
        if places[each] < at:
            place = text.find(sign, at, end)
            places[each] = place if place >= 0 else end
    first = min(places)
    return -1 if first == end else text.rfind(b"\n", at, first) + 1 or at

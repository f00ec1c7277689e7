"""Find the reports of the OOM killer in a log of any size, without looking at each line of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.encoding import as_utf8, without_zeros
from pymemtools.kernel_log.oom_collector import Collector
from pymemtools.kernel_log.oom_lines import MAX_LINE
from pymemtools.kernel_log.oom_report import OomReport
from pymemtools.kernel_log.records import Record, Records
from pymemtools.kernel_log.unprefixed import Unprefixer
from pymemtools.kernel_log.wrapped import Unwrapped

# A line with one of these is a report's; between reports nothing else is looked for, which is what makes it fast. The
# longer they are, the larger the steps of the search, and the fewer, the fewer searches; a step is short where the
# letter behind is one of the sign's, so those that logs are full of are left out where they tell nothing.
_KILLED = b"illed process "
_OOM = b"oom-kill"
_PANIC = b"l panic - not syncing"  # a quiet console shows nothing else
_SIGNS = (_OOM, _KILLED, b"uid  tgid total_vm", _PANIC)
_OF_OOM = (b"oom-killer: gfp_mask", b"oom-kill:constraint")  # JSON may escape the sign = that follows
_BROKEN = b" invoked oom-killer:"  # of a line that goes on below
_REACH = 1 << 16  # bytes after a report's line in which the next one is looked for line by line
_AT_START = 1 << 15  # bytes of a log in which there may be a report whose own beginning is not there
_MAX_HOSTS = 4  # whose reports may be mixed
_MAX_HELD = 1 << 10  # lines in which others than the last of a report are waited for
_MAX_TURNED = 1 << 24  # bytes of a report whose last line comes first
_MAX_RECORD = 1 << 17  # bytes of a line; one that is longer is cut where an object or an escaped line ends


def oom_reports(pieces: Iterable[bytes]) -> Iterator[OomReport]:
    """Give the reports in a log that comes in pieces, in its order; what is held is a piece and one report.

    Of a line longer than MAX_LINE only the beginning is seen, if it is not a record of several.
    """
    finder = _Finder()
    for text, end in _whole_lines(without_zeros(as_utf8(pieces))):
        yield from finder.feed(text, end)
    yield from finder.finish()


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Put pieces together, with where whole lines end in each, or parts of lines where they are too long."""
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
        if end:
            yield text, end
        rest = text[end:]
        if len(rest) > _MAX_RECORD:
            cut = _last_break(rest)
            is_skipping = cut == 0
            part = rest[: cut or MAX_LINE]
            yield part + b"\n", len(part) + 1
            rest = rest[cut:] if cut else b""
    yield rest + b"\n", len(rest) + 1


def _last_break(text: bytes) -> int:
    """Tell where a line may be cut: between objects, or behind an end of line that was escaped; 0 for nowhere."""
    for mark in (b"},", b"\\n", b"#012", b"\\x0a", b"\t"):
        if (at := text.rfind(mark)) >= 0:
            return at + len(mark)
    return 0


class _Finder:
    """Look for lines of reports, and collect them; those of each machine apart, as many may write to one log.

    One machine's reports do not mix: a lock of the kernel's is held from their first line to their last (oom_lock).
    """

    def __init__(self, *, may_turn: bool = True) -> None:
        self._may_turn = may_turn  # once only: of a damaged report both ways may look like the wrong one
        self._collectors: dict[bytes, Collector] = {}  # by host
        self._host = b""
        self._is_at_start = True
        self._reach = 0  # bytes that are still looked through line by line
        self._records = Records()
        self._unwrapped = Unwrapped()
        self._unprefixer = Unprefixer()
        self._unused = Collector(self._unprefixer.prefixes)  # for the next line of a report
        self._latest: list[Record] | None = None  # since a report's end whose beginning was not seen
        self._latest_bytes = 0
        self._held: list[OomReport] = []  # what was made of them
        self._is_turned = False  # that the latest line comes first, as clouds show their logs

    def feed(self, text: bytes, end: int) -> Iterator[OomReport]:
        """Look through whole lines, which reach to ``end``."""
        at = 0
        places = [-1] * len(_SIGNS)
        if self._is_at_start:
            self._is_at_start, self._reach = False, _reach_at_start(text, end, places)
        while at < end:
            is_far = self._reach <= 0
            if is_far:
                at = _next_sign(text, at, end, places)
                if at < 0:
                    return
                yield from self._given(self._unwrapped.rest())
                yield from self._release()
                self._records.jump()
                self._host = self._host if self._collectors else b""
            stop = text.index(b"\n", at, end)
            raw = text[at:stop]
            self._reach -= stop + 1 - at
            at = stop + 1
            if not (is_far and _is_of_others(raw)):
                for record in self._records.take(raw):
                    yield from self._given(self._unwrapped.take(record))
                if is_far and self._records.is_partial:
                    self._reach = _REACH
                if self._unwrapped.is_holding:
                    self._reach = max(self._reach, MAX_LINE)

    def finish(self) -> Iterator[OomReport]:
        """Give what is left."""
        yield from self._given(self._unwrapped.rest())
        if self._is_turned:
            yield from self._turn()
        for host in list(self._collectors):
            yield from self._finished(host)
        yield from self._release()

    def _given(self, records: Iterable[Record]) -> Iterator[OomReport]:
        for record in records:
            yield from self._give(record)

    def _give(self, record: Record) -> Iterator[OomReport]:
        """Give a line to its host's collector; one without is of the host before, as of a message of several lines."""
        if self._latest is not None:
            self._latest.append(record._replace(text=record.text[:MAX_LINE]))
            self._latest_bytes += min(len(record.text), MAX_LINE)
        if self._is_turned:
            self._reach = _REACH
            if lines.HEAD_SIGN in record.text or self._latest_bytes > _MAX_TURNED:
                yield from self._turn()
            return
        if self._latest is not None and len(self._latest) > _MAX_HELD:
            yield from self._release()
        for line in self._unprefixer.candidates(record.text[:MAX_LINE], is_quoted=record.is_quoted):
            self._host = host = line.host or record.host or self._host
            collector = self._collectors.get(host)
            is_bare = collector is None or collector.is_end_only
            if self._may_turn and self._latest is not None and is_bare and lines.ANY_ROW.match(line.message):
                self._is_turned = True
                return
            if collector is not None and collector.begins_another(line.message):
                yield from self._finished(host)
                collector = None
            collector = collector or self._unused
            if collector.take(line._replace(when=record.when or line.when, host=host)):
                self._reach = _REACH
                if not collector.is_end_only:
                    yield from self._release()
                elif self._latest is None:
                    self._latest, self._latest_bytes = [record], len(record.text)
                yield from self._keep(host, collector)
                return

    def _turn(self) -> Iterator[OomReport]:
        """Read the lines of a report whose last one came first the other way round."""
        latest, self._latest, self._held, self._is_turned = self._latest or [], None, [], False
        self._collectors = {host: each for host, each in self._collectors.items() if not each.is_end_only}
        inner = _Finder(may_turn=False)
        for record in reversed(latest):
            yield from inner._give(record)
        yield from inner.finish()

    def _release(self) -> Iterator[OomReport]:
        """Give what was held back: the order of the lines is as it should be."""
        if self._latest is not None and not self._is_turned:
            held, self._held, self._latest = self._held, [], None
            yield from held

    def _keep(self, host: bytes, collector: Collector) -> Iterator[OomReport]:
        if collector is self._unused:
            self._unused = Collector(self._unprefixer.prefixes)
        self._collectors[host] = collector
        if len(self._collectors) > _MAX_HOSTS:
            yield from self._finished(next(iter(self._collectors)))

    def _finished(self, host: bytes) -> Iterator[OomReport]:
        collector = self._collectors.pop(host)
        if not collector.is_report:
            return
        if self._latest is not None and collector.is_end_only:
            self._held.append(collector.report())
        else:
            yield from self._release()
            yield collector.report()


def _reach_at_start(text: bytes, end: int, places: list[int]) -> int:
    """Tell up to where a log is looked through from its start: to a report whose beginning a ring buffer overwrote."""
    first = _next_sign(text, 0, end, places)
    if not 0 <= first <= _AT_START:
        return 0
    line = text[first : text.index(b"\n", first, end)]
    return 0 if b"oom-killer" in line or _is_of_others(line) else first + 1


def _is_of_others(line: bytes) -> bool:
    """Tell the lines that service managers write of what was killed, of which a log may be full, from the kernel's."""
    _, sign, rest = line.partition(_KILLED)
    if sign:
        return b"total-vm:" not in rest and b"vsz:" not in rest and not rest.rstrip(b"\r .").endswith(b")")
    return _OOM in line and not any(sign in line for sign in _OF_OOM) and not line.rstrip().endswith(_BROKEN)


def _next_sign(text: bytes, at: int, end: int, places: list[int]) -> int:
    """Find the start of the next line with a sign, -1 for none; ``places`` keeps where each sign is next."""
    for each, sign in enumerate(_SIGNS):
        if places[each] < at:
            place = text.find(sign, at, end)
            places[each] = place if place >= 0 else end
    first = min(places)
    return -1 if first == end else text.rfind(b"\n", at, first) + 1 or at

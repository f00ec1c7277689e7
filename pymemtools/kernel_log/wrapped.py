"""Put lines together again that a mail program or a terminal broke, by what lines of a report end and go on with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.prefix import strip
from pymemtools.kernel_log.records import Record

_SIZE = rb"(?:total-vm|vsz|(?:anon|file|shmem)-rss|pgtables):[0-9]{1,20}kB|UID:[0-9]{1,10}|oom_score_adj:-?[0-9]{1,5}"
_FIELD = (
    rb"[a-z_]{2,40}(?:\((?:anon|file)\))?: ?[0-9]{1,20}[kK]B|pages_scanned:[0-9]{1,20}"
    rb"|all_unreclaimable\?(?: (?:yes|no))?|(?:yes|no)$"
)
_ASKED = rb"(?:order|nodemask|oom_score_adj|oom_adj|oomkilladj)=[^ ,]{1,200}"
_POOL = rb"hugepages_[a-z]{4,5}=[0-9]{1,20}(?:kB)?"
_COLUMNS = (
    *(b"uid", b"tgid", b"total_vm", b"rss", b"rss_anon", b"rss_file", b"rss_shmem", b"nr_ptes", b"nr_pmds"),
    *(b"nr_puds", b"pgtables_bytes", b"swapents", b"cpu", b"oom_adj", b"oom_score_adj", b"name"),
)
_HEADER = re.compile(rb"\[ *pid *\] +uid((?: +[a-z_]{1,20})*)$")
_ROW = re.compile(rb"\[ *[0-9]{1,7}\]((?: +-?[0-9]{1,20}){1,12})$")
_NUMBERED = re.compile(rb"[0-9]{1,20} ")
_MOST_PARTS = 32  # of a line, which would be as narrow as 16 columns
_SEAM = 64  # bytes to either side in which a word may be that was broken


class _Kind(NamedTuple):
    """A line of a report that may be broken."""

    sign: bytes  # that it has, and few others
    begun: bytes  # what the first part looks like, to its end: compiled when it is needed, as most logs have no report
    joined: Callable[[bytes, bytes], bytes | None]  # with the next line; None if that is another


def _before(more: bytes, mark: bytes = b" ") -> Callable[[bytes, bytes], bytes | None]:
    """Join what begins so."""
    return lambda held, text: held + mark + text if re.match(more, text) else None


def _among(fields: bytes, more: bytes = rb"(?!)") -> Callable[[bytes, bytes], bytes | None]:
    """Join between two fields, or amid one."""
    first = rb",? ?(?:%b|%b)" % (fields, more)

    def joined(held: bytes, text: bytes) -> bytes | None:
        seam = len(held)
        near = held[-_SEAM:] + text[:_SEAM]
        at = min(seam, _SEAM)
        if not re.fullmatch(fields, held.rsplit(b" ", 1)[-1].rstrip(b",")) and any(
            match.start() < at < match.end() for match in re.finditer(fields, near)
        ):
            return held + text
        return held + (b"" if text[:1] == b"," else b" ") + text if re.match(first, text) else None

    return joined


def _header(held: bytes, text: bytes) -> bytes | None:
    """Join the header of the table, whose columns are known."""
    for mark in (b" ", b""):
        match = _HEADER.search(held + mark + text.rstrip())
        *words, last = match[1].split() if match else (b"", b"")
        if match and all(word in _COLUMNS for word in words) and any(name.startswith(last) for name in _COLUMNS):
            return match.string
    return None


_KINDS = (
    _Kind(
        b"invoked",
        rb" invoked(?: oom-killer:)?$",
        _before(rb"(?:oom-killer: )?gfp_mask=0x"),
    ),
    _Kind(
        b"oom-killer: g",
        rb"oom-killer: gfp_mask=0x[0-9a-fA-F]{1,16}\([A-Z_|]{0,400}$",
        _before(rb"[A-Z_|]{0,400}\)", b""),
    ),
    _Kind(b"oom-killer: g", rb"oom-killer: gfp_mask=.{3,600}$", _among(_ASKED)),
    _Kind(
        b"Comm: ",
        rb"PID: ?[0-9]{1,7} Comm: .{1,64}?(?: Kdump: loaded)? (?:Not|Not tainted|Tainted:[ A-Z]{0,30})$",
        _before(rb"(?:tainted |(?:[A-Z] +)*)[2-9]\.[0-9]"),
    ),
    _Kind(b"Comm: ", rb"ainted:?[ A-Z]{0,30} [2-9]\.[0-9][^ ]{1,60}$", _before(rb"[^ ]{0,60} ?#[0-9]", b"")),
    _Kind(b" free:", rb"(?:DMA32|DMA|Normal|HighMem|Movable|Device) free:[^=]*$", _among(_FIELD)),
    _Kind(b" active_anon:", rb"Node [0-9]{1,5} active_anon:[^=]*$", _among(_FIELD)),
    _Kind(b"hugepages_total=", rb" ?hugepages_total=[0-9][^:]*$", _among(_POOL)),
    _Kind(b"pid", _HEADER.pattern, _header),
    _Kind(b"oom-kill:", rb"oom-kill:constraint=[A-Z_]{1,40},[^ ]*$", _before(rb"[^ ]*[,_=][^ ]*$", b"")),
    _Kind(
        b"ill process",
        rb"[Kk]ill process [0-9]{1,7} ?\(.{1,64}\)(?: score(?: [0-9]{1,20}(?: or| or sacrifice| and)?)?)?$",
        _before(rb"score [0-9]|[0-9]{1,20} (?:or|and) |(?:or|and) |sacrifice child|child"),
    ),
    _Kind(b"ill process", rb"[Kk]ill process [0-9]{1,7}$", _before(rb"\(.{1,64}\) score")),
    _Kind(b"illed process", rb"[Kk]illed process$", _before(rb"[0-9]{1,7}(?:, UID [0-9]{1,10},)? ?\(")),
    _Kind(b"illed process", rb"[Kk]illed process [0-9]{1,7}(?:, UID [0-9]{1,10},)?$", _before(rb"\(")),
    _Kind(b"oom_score_adj:", rb"oom_score_adj:-?[0-9]{1,3}$", _before(rb"[0-9]{1,3}$", b"")),
    _Kind(
        b"illed process",
        rb"[Kk]illed process [0-9]{1,7}[ ,].*\)(?:, UID [0-9]{1,10},?)?(?:,? *(?:t[a-z-]{0,7}|total-vm:.*|vsz:.*))?$",
        _among(_SIZE),
    ),
    _Kind(b"Tasks in ", rb"Tasks in [^ ]{1,4096} are(?: [a-z]{2,6})*$", _before(rb"[a-z]{2,6} |memory\.oom")),
    _Kind(
        b"oom_reaper: r",
        rb"oom_reaper: reaped process .{1,200}$",
        _among(_SIZE, rb"\(.{1,64}\), now|now\b"),
    ),
)
_GOES_ON = re.compile(rb"active_anon:[0-9]{1,20}kB")
_WHOLE = re.compile(
    rb"(?:,uid=[0-9]{1,10}|adj=-?[0-9]{1,5}|hugepages_size=[0-9]{1,20}kB|all_unreclaimable\? (?:yes|no)| name)$"
)


class Unwrapped:
    """Hold a line that may go on, until the next one tells."""

    def __init__(self) -> None:
        self._held: tuple[Record, _Kind] | None = None
        self._parts = 0  # of that one
        self._columns = 0  # of the latest table
        self._rows = _Kind(b"] ", _ROW.pattern, self._row)

    @property
    def is_holding(self) -> bool:
        """Tell whether a line is held back."""
        return self._held is not None

    def take(self, record: Record) -> Iterator[Record]:
        """Give the line that was held, with this one if it is the rest of it, and this one unless it may go on."""
        if self._held is not None:
            held, kind = self._held
            is_other = record.is_quoted or self._parts >= _MOST_PARTS
            joined = None if is_other else _with_rest(held.text, record.text, kind)
            self._parts = 0 if joined is None else self._parts + 1
            if joined is None:
                yield held
            else:
                record = held._replace(text=joined)
        begun = None if record.is_quoted else self._kind_of(record.text)
        self._held = None if begun is None else (record, begun)
        if begun is None:
            self._parts = 0
            yield record

    def rest(self) -> Iterator[Record]:
        """Give the line that is held."""
        if self._held is not None:
            yield self._held[0]
            self._held = None

    def _kind_of(self, text: bytes) -> _Kind | None:
        """Tell what a line may be the first part of."""
        text = text.rstrip()
        if text[-5:] == b" name" and (match := _HEADER.search(text)):
            self._columns = len(match[1].split())
            return None
        if self._columns and text[-1:].isdigit() and (match := _ROW.search(text)):
            return self._rows if len(match[1].split()) <= self._columns else None
        kind = next((kind for kind in _KINDS if kind.sign in text and re.search(kind.begun, text)), None)
        return None if kind is None or _WHOLE.search(text) else kind

    def _row(self, held: bytes, text: bytes) -> bytes | None:
        """Join a row, whose name comes behind as many numbers as the table has columns; a number may be broken, too."""
        if text[:1] == b"[":
            return None
        whole = re.compile(rb"\[ *[0-9]{1,7}\](?: +-?[0-9]{1,20}){%d} (.+)$" % self._columns)
        found = [match for mark in (b"", b" ") if (match := whole.search(held + mark + text))]
        if found:
            return next((match.string for match in found if not _NUMBERED.match(match[1])), found[-1].string)
        return held + b" " + text if _ROW.search(held + b" " + text) else None


def _with_rest(held: bytes, text: bytes, kind: _Kind) -> bytes | None:
    """Join a line with the next, if that has neither time nor words of its own, and fits."""
    rest = strip(text)
    if rest.when is not None or rest.host or _is_start(rest.message):
        return None
    return kind.joined(held.rstrip(), rest.message.strip())


def _is_start(text: bytes) -> bool:
    """Tell whether a line of a report begins; that of a zone may go on with what that of a node begins with."""
    return lines.anchor(text) == 0 and not _GOES_ON.match(text)

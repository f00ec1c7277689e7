"""From one capture to its rows in all tables: each file of it is read once, and its figures are the commands'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.fleet.outcomes import outcomes_or_none
from pymemtools.fleet.schema import TABLES
from pymemtools.procfs.smaps.tally import ANONYMOUS
from pymemtools.readings.process import Process
from pymemtools.readings.settings import names
from pymemtools.readings.wants import Wants
from pymemtools.report import Report
from pymemtools.reports.findings.evidence import Evidence, Questions, own_name, rows_of
from pymemtools.reports.findings.report import findings_report
from pymemtools.reports.groups.report import GroupsRequest
from pymemtools.reports.oom_report.report import Told, explained, kills_report
from pymemtools.reports.smem.request import Request
from pymemtools.reports.tunables.report import set_to
from pymemtools.sources.base import CLOCKS_ARE_SET, Source
from pymemtools.sources.left_behind import machine_of

_SHOWN = ("pid", "user", "name", "command", "mappings", "vss", "rss", "pss", "uss", "swap", "thp")
_QUESTIONS = Questions(
    Request(columns=_SHOWN),
    GroupsRequest(shows_all=True, with_pss=False),
    Wants(("Rss", "Pss", "Swap"), by_name=True),
    forks=False,
)
_SANE = datetime.fromtimestamp(CLOCKS_ARE_SET, timezone.utc)
_AHEAD = timedelta(days=1)
_COMMAND = 1000  # characters
_MOST = (1 << 63) - 1
Rows = dict[str, list[tuple[Any, ...]]]


class Origin(NamedTuple):
    """What is known of a capture from outside."""

    capture_id: str
    file: str  # for people
    arrived_at: datetime
    host: str | None = None  # that whoever ingests it says it is of, if it does not say so itself
    labels: Mapping[str, str] = {}
    inventory: Mapping[str, Mapping[str, str]] = {}  # labels by host


class When(NamedTuple):
    """When a capture was taken, and how far its clock is believed."""

    at: datetime
    clock: str
    taken_at: datetime | None


def when_of(taken_at: str | None, arrived_at: datetime) -> When:
    """Believe a capture's clock if that can be: boards without a battery start in 1970 each time.

    >>> now = datetime(2026, 11, 29, tzinfo=timezone.utc)
    >>> [when_of(each, now).clock for each in ("2026-11-28T00:00:00Z", "1970-01-01T00:10:00Z", "2027-01-01T00:00:00Z")]
    ['ok', 'not set', 'ahead']
    """
    taken = None if taken_at is None else datetime.fromisoformat(taken_at.replace("Z", "+00:00"))
    if taken is None:
        return When(arrived_at, "none", None)
    if taken < _SANE:
        return When(arrived_at, "not set", taken)
    if taken > arrived_at + _AHEAD:
        return When(arrived_at, "ahead", taken)
    return When(taken, "ok", taken)


def rows_of_capture(source: Source, origin: Origin) -> Rows:
    """Make the rows of a capture. Raises MemtoolsError where nothing of it tells of memory."""
    evidence = _evidence(source)
    machine = evidence.machine
    machine.pages("MemTotal")
    when = when_of(source.facts.taken_at, origin.arrived_at)
    host = _text(own_name(source) or origin.host or origin.file)
    origin = origin._replace(labels={**origin.inventory.get(host or "", {}), **origin.labels})
    whose = (origin.capture_id, host, when.at)
    processes = evidence.sample.processes
    rows: Rows = {table: [] for table in TABLES}
    rows["capture"] = [(*whose, *_capture(evidence, origin, when))]
    rows["process"] = [(*whose, *row) for row in _processes(evidence)]
    rows["mapping"] = [(*whose, *row) for process in processes for row in _mappings(process)]
    for table, report in _REPORTS.items():
        fields = [field.name for field in TABLES[table][len(whose) :]]
        rows[table] = [(*whose, *(_plain(row[field]) for field in fields)) for row in rows_of(report(evidence))]
    rows["tunable"] = [(*whose, *row) for row in _tunables(evidence)]
    rows["oom_event"] = [(*whose, *row) for row in _events(evidence.kills)]
    return rows


def _evidence(source: Source) -> Evidence:
    """Read it; where most processes have no smaps, as in a recording, their sums without the mappings."""
    kills = _kills(source)
    if source.facts.kind != "recording":
        evidence = Evidence(source, kills, questions=_QUESTIONS)
        if evidence.sample.unreadable * 2 <= evidence.sample.seen:
            return evidence
    return Evidence(source, kills, questions=_QUESTIONS._replace(more=Wants(("Rss", "Pss", "Swap"))))


_REPORTS = {
    "zone": lambda evidence: evidence.zones,
    "cgroup": lambda evidence: evidence.groups,
    "finding": findings_report,
}


def _capture(evidence: Evidence, origin: Origin, when: When) -> Iterator[Any]:
    """Give the fields of a capture's own row, in order."""
    source, machine = evidence.source, evidence.machine
    info = machine.meminfo
    psi, promised = evidence.pressure, {row["mode"]: row for row in rows_of(evidence.overcommit)}
    current = next((row for row in promised.values() if row["is_current"]), {})
    granted = [current.get("largest_mmap_root"), current.get("largest_mmap_user")]
    found = outcomes_or_none(source, [size for size in granted if size])
    yield from (_content_id(evidence), _text(origin.file), when.clock, when.taken_at)
    yield list(map(_texts, origin.labels.items()))
    yield from (_text(source.facts.kernel), _text(machine_of(source)))
    yield from (machine.page_size, _text((evidence.text("sys/kernel/random/boot_id") or "").strip() or None))
    yield from (_uptime(evidence), evidence.sample.seen, evidence.sample.unreadable)
    yield from (_plain(info.get(key)) for key in _FIGURES)
    yield machine.setting("vm.overcommit_memory")
    yield from (None, None) if psi is None else (psi.some.avg60, psi.full.avg60)
    yield from (found.least, found.most)
    yield from (promised.get(mode, {}).get("largest_mmap_user") for mode in (0, 2))
    yield from _victim(evidence)
    yield [
        {"size": step.start, **step.answer._asdict(), "victim_name": _text(step.answer.victim_name)}
        for step in found.steps
    ]
    yield [(_text(key), _plain(value)) for key, value in info.items()]
    yield [(_text(key), _plain(value)) for key, value in machine.counters.items()]


_FIGURES = ("MemTotal", "MemFree", "MemAvailable", "SwapTotal", "SwapFree", "CommitLimit", "Committed_AS")


def _content_id(evidence: Evidence) -> str:
    """Name a moment of a machine by what changes all the time: the same whatever it is packed in."""
    digest, facts = sha256(), evidence.source.facts
    told = (facts.kernel, facts.taken_at, own_name(evidence.source), evidence.text("meminfo"), evidence.text("uptime"))
    for part in told:
        digest.update((part or "").encode("utf-8", "surrogateescape") + b"\0")
    for process in evidence.sample.everybody:
        digest.update(b"%d %d\n" % (process.pid, process.starttime_ticks or 0))
    return digest.hexdigest()[:32]


def _uptime(evidence: Evidence) -> float | None:
    word = (evidence.text("uptime") or "").partition(" ")[0]
    try:
        seconds = float(word)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e10 else None


def _victim(evidence: Evidence) -> tuple[Any, Any, Any]:
    first = next((row for row in rows_of(evidence.scores) if row["killable"]), None)
    return (None, None, None) if first is None else (first["pid"], _text(first["name"]), first["oom_score"])


def _processes(evidence: Evidence) -> Iterator[tuple[Any, ...]]:
    """Join what smem and oom-scores say of each process."""
    memory = {row["pid"]: row for row in rows_of(evidence.processes)}
    scores = {row["pid"]: row for row in rows_of(evidence.scores)}
    for process in evidence.sample.everybody:
        row, score = memory.get(process.pid, {}), scores.get(process.pid, {})
        if not (row or score):
            continue
        yield (
            *_identity(process),
            *(process.ppid, _text(process.command[:_COMMAND]), _text(process.owner), _text(process.cgroup)),
            *(row.get("mappings"), *(_plain(row.get(key)) for key in ("vss", "rss", "pss", "uss", "swap"))),
            *(score.get(key) for key in ("oom_score", "oom_score_adj", "badness_pages")),
        )


def _identity(process: Process) -> tuple[Any, ...]:
    return process.pid, process.starttime_ticks, _text(process.name)


_KEYS = _QUESTIONS.wants.keys  # in the order of which sums by name are
_PLACES = [0, *(_KEYS.index(key) + 1 for key in ("Rss", "Pss", "Swap"))]


def _mappings(process: Process) -> Iterator[tuple[Any, ...]]:
    whose = _identity(process)
    for name, sums in process.by_name.items():
        path = "[anon]" if name == ANONYMOUS else _text(name.decode("utf-8", "surrogateescape"))
        yield (*whose, path, *(sums[place] for place in _PLACES))


def _tunables(evidence: Evidence) -> Iterator[tuple[Any, ...]]:
    """Give what ``tunables list`` says, but for what the values mean."""
    for name in names(evidence.source):
        value, _, is_default = set_to(evidence.source, name, evidence.machine)
        yield _text(name), _text(value), is_default


def _kills(source: Source) -> Sequence[Told] | None:
    """Read the kills in a capture's logs; None where it has no log."""
    from pymemtools.readings.kernel_logs import reports_of_capture

    try:
        return list(explained(reports_of_capture(source, 1 << 30, [])[0]))
    except MemtoolsError:
        return None


def _events(kills: Sequence[Told] | None) -> Iterator[tuple[Any, ...]]:
    report: Report = kills_report(kills or (), {})
    for row in report.table.only(("when", "killed_pid", "killed_name", "cgroup", "predicted_pid", "freed")).rows():
        yield tuple(map(_plain, row.values()))


def _plain(value: Any) -> Any:
    """Make a value fit for a file: text without what is no UTF-8, and no number that does not fit in 64 bits."""
    kind = type(value)
    if kind is str:
        return _text(value)
    return None if kind is int and not -_MOST <= value <= _MOST else value


def as_utf8(text: str) -> str:
    r"""Write bytes that are no UTF-8 as ``\xNN``: Parquet takes no others.

    >>> print(as_utf8("caf\udce9"))
    caf\xe9
    """
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _text(text: str | None) -> str | None:
    return None if text is None else as_utf8(text)


def _texts(pair: tuple[str, str]) -> tuple[str | None, str | None]:
    return _text(pair[0]), _text(pair[1])

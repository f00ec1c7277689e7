"""What grows in a recording: verdict, rate and rest of the time, of each process or of those that belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from pymemtools.cells import Derived
from pymemtools.errors import MemtoolsError, Missing, UsageProblem
from pymemtools.models.blocks import Stretch
from pymemtools.models.trend import FALL, GROWTH, LIKELY, NOISE, SAWTOOTH, STEADY, STEP, SURE, WARM_UP, Trend, trend_of
from pymemtools.procfs.meminfo import has_32_bits
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.process import program_of
from pymemtools.readings.series import SampleTimes, Subject, Subjects, follow_available, follow_each, follow_together
from pymemtools.report import Column, Report, Table, table_of
from pymemtools.reports.trend.columns import COLUMNS
from pymemtools.reports.trend.rooms import GroupRooms, Rooms, Until, rooms_of, until
from pymemtools.sources.base import Source, utc
from pymemtools.sources.recording.moment import Moment
from pymemtools.sources.recording.recording import Followed
from pymemtools.sources.recording.replay import Replay
from pymemtools.units import long_time

BY = ("process", "command", "cgroup", "user")
_ORDER = (GROWTH, WARM_UP, STEP, SAWTOOTH, FALL, NOISE, STEADY)  # what is too short comes last
_HOUR = 3600
_CLOCK_IS_SET = 60  # seconds: less is how clocks are kept right
_OWN = {"command": ("name",), "cgroup": ("cgroup",), "user": ("user",)}
_WHO = ("pid", "name", "command", "user", "cgroup")


class TrendRequest(NamedTuple):
    """What is asked."""

    by: str = "process"
    figure: str = "pss"
    first: str | None = None  # a moment, as a user writes it; the last one is the source's
    top: int | None = None


class Followee(NamedTuple):
    """One row: what was followed, what became of it; sizes in bytes, times since 1970 in seconds."""

    subject: Subject
    trend: Trend
    rise: float
    ram: Until | None = None
    group: Until | None = None
    full_group: str | None = None
    commit: Until | None = None


class Trends(NamedTuple):
    """All rows, those that grow first, the fastest on top."""

    rows: list[Followee]
    others: dict[str, int]  # how many rows more there are, by verdict
    by: str
    figure: str
    times: SampleTimes
    rooms: Rooms
    available: Trend  # of what RAM was available
    ram: Until | None  # until there is none of it, as it falls
    is_limited: bool  # by --top


def trend_report(source: Source, request: TrendRequest) -> Report:
    """Follow a figure over a recording. Raises UsageProblem for what is none, and Missing for moments without it."""
    if not isinstance(source, Replay):
        what = "this machine" if source.is_live else source.facts.path
        raise UsageProblem(f"trend: {what} is no recording: -S FILE names one, which pymemtools record makes")
    span = _span(source, request)
    times = SampleTimes(span)
    subjects = _subjects(source, times, request)
    if not subjects.found:
        raise Missing(f"{source.recording.path}: no process of which {request.figure} is known")
    rows = sorted((_followee(subject) for subject in subjects.found), key=_order)
    found = _with_rooms(source, times, rows, request)
    return Report(
        "trend",
        _table(found, source),
        found,
        totals=_totals(found, len(rows)),
        facts=source.facts._asdict(),
        notes=(*_notes(found, subjects), *_lost(source, request)),
    )


def _span(source: Replay, request: TrendRequest) -> list[Moment]:
    """Choose the moments that are asked about, up to the one that the source is at."""
    recording, last = source.recording, source.moment
    first = recording.choose_begin(request.first)
    moments = [moment for moment in recording.moments if first.number <= moment.number <= last.number]
    if len(moments) < 2:
        samples = f"{len(moments)} sample{'' if len(moments) == 1 else 's'}"
        raise Missing(f"{recording.path}: {samples} from {first.local_time} to {last.local_time}: a trend takes more")
    return moments


def _subjects(source: Replay, times: SampleTimes, request: TrendRequest) -> Subjects:
    if request.by == "process":
        return follow_each(source.recording, times, request.figure)
    return follow_together(source.recording, times, request.figure, _key(request.by, source))


def _key(by: str, source: Replay) -> Callable[[Followed], str]:
    """Say what the processes have in common that are followed together."""
    keys: dict[str, Callable[[Followed], str]] = {
        "command": lambda process: program_of(process.command or "") or process.name or "?",
        "cgroup": lambda process: process.cgroup or "-",
        "user": lambda process: _user(process, source) or "?",
    }
    return keys[by]


def _user(process: Followed, source: Replay) -> str | None:
    return None if process.uid is None else source.user_name(process.uid) or str(process.uid)


def _followee(subject: Subject) -> Followee:
    values = [stretch.values for stretch in subject.stretches]
    rise = values[-1][-1] - values[0][0] if values else 0.0
    return Followee(subject, trend_of(subject.stretches), rise)


def _order(row: Followee) -> tuple[Any, ...]:
    """Put first what grows, the fastest on top; then what else has risen most."""
    verdict = row.trend.verdict
    place = _ORDER.index(verdict) if verdict in _ORDER else len(_ORDER)
    return (verdict != GROWTH, -(row.trend.slope or 0.0) if verdict == GROWTH else -row.rise, place, row.subject.key)


def _with_rooms(source: Replay, times: SampleTimes, rows: Sequence[Followee], request: TrendRequest) -> Trends:
    rooms, groups = rooms_of(source), GroupRooms(source)
    shown = [_with_time_left(row, rooms, groups, request.by) for row in rows[: request.top]]
    others: dict[str, int] = {}
    for row in rows[len(shown) :]:
        others[row.trend.verdict] = others.get(row.trend.verdict, 0) + 1
    available = trend_of(follow_available(source.recording, times))
    falls = available._replace(
        verdict=GROWTH if available.verdict == FALL else NOISE,
        low=None if available.high is None else -available.high,
        high=None if available.low is None else -available.low,
    )
    left = until(rooms.ram, falls)
    is_limited = request.top is not None
    return Trends(
        rows=shown,
        others=others,
        by=request.by,
        figure=request.figure,
        times=times,
        rooms=rooms,
        available=available,
        ram=left,
        is_limited=is_limited,
    )


def _with_time_left(row: Followee, rooms: Rooms, groups: GroupRooms, by: str) -> Followee:
    if row.trend.verdict != GROWTH or row.subject.size is None:  # what is gone takes nothing any more
        return row
    of_one = row.subject.processes[-1].cgroup if by in ("process", "cgroup") else None
    group = groups.of(of_one)
    return row._replace(
        ram=until(rooms.ram, row.trend),
        group=until(group.size, row.trend) if group else None,
        full_group=group.path if group else None,
        commit=until(rooms.commit, row.trend),
    )


def _table(found: Trends, source: Replay) -> Table:
    table = table_of(columns_by(found.by), [_row(row, found.by, source) for row in found.rows])
    courses = Derived(_course, [row.subject.stretches for row in found.rows])  # which only JSON wants
    return table._replace(cells={**table.cells, "course": courses})


def _row(row: Followee, by: str, source: Replay) -> dict[str, Any]:
    subject, trend = row.subject, row.trend
    process = subject.processes[-1]
    who: dict[str, Any] = {"processes": len(subject.processes)}
    if by == "process":
        who = {"pid": process.pid, "name": process.name, "command": process.command}
        who |= {"user": _user(process, source), "cgroup": process.cgroup}
    else:
        who[_OWN[by][0]] = subject.key
    return {
        **who,
        "trend": trend.verdict,
        "last_size": subject.size,
        "rise": round(row.rise),
        "rise_per_hour": _hourly(trend.slope),
        "rise_per_hour_low": _hourly(trend.low),
        "rise_per_hour_high": _hourly(trend.high),
        "jump": None if trend.jump is None else round(trend.jump.size),
        "jump_at": None if trend.jump is None else utc(round(trend.jump.at_s)),
        "period_seconds": None if trend.period_s is None else round(trend.period_s),
        **_left("ram", row.ram),
        **_left("group", row.group),
        "full_group": row.full_group,
        **_left("commit", row.commit),
    }


def _course(stretches: Sequence[Stretch]) -> list[dict[str, Any]]:
    return [_stretch(stretch) for stretch in stretches]


def _stretch(stretch: Stretch) -> dict[str, Any]:
    """Write a stretch; of what never changes as one median."""
    values, step_s = stretch.values, stretch.step_s
    if all(value == values[0] for value in values):
        values, step_s = values[:1], step_s * len(values)
    return {"start": utc(round(stretch.start_s)), "step_seconds": step_s, "medians": [round(each) for each in values]}


def _hourly(slope: float | None) -> int | None:
    return None if slope is None else round(slope * _HOUR)


def _left(what: str, time: Until | None) -> dict[str, int | None]:
    low, high = (None, None) if time is None else (round(time.low), round(time.high))
    return {f"{what}_full_in_seconds_low": low, f"{what}_full_in_seconds_high": high}


def _totals(found: Trends, rows: int) -> dict[str, Any]:
    moments, available = found.times.moments, found.available
    return {
        "by": found.by,
        "figure": found.figure,
        "rows": rows,
        "from": utc(int(moments[0].taken_at)),
        "to": utc(int(moments[-1].taken_at)),
        "samples": len(moments),
        "runs": len(found.times.runs),
        "p": round(1 - SURE, 6),
        "confidence": 2 * LIKELY - 1,
        "available": found.rooms.ram,
        "commit_left": found.rooms.commit,
        "available_trend": available.verdict,
        "available_rise_per_hour": _hourly(available.slope),
        "available_rise_per_hour_low": _hourly(available.low),
        "available_rise_per_hour_high": _hourly(available.high),
        **_left("ram", found.ram),
    }


def _lost(source: Replay, request: TrendRequest) -> Iterator[str]:
    """Say that a 32-bit kernel leaves huge pages out of PSS, where there are some."""
    try:
        meminfo = read_meminfo(source).meminfo
    except MemtoolsError:
        return
    if request.figure == "pss" and has_32_bits(meminfo) and meminfo.get("AnonHugePages"):
        yield "this kernel, of 32 bits, leaves huge pages out of PSS: what grows in them shows with --column uss"


def _notes(found: Trends, subjects: Subjects) -> list[str]:
    """Say what whoever uses the figures must know."""
    runs, notes = len(found.times.runs), []
    if runs > 1:
        often = "once" if runs == 2 else f"{runs - 1} times"
        notes.append(f"recording stopped {often}, or the machine did: what rose meanwhile is not counted")
    set_s = found.times.set_s
    if abs(set_s) >= _CLOCK_IS_SET:
        way = f"{'back' if set_s < 0 else 'forward'} by {long_time(abs(set_s))}"
        notes.append(f"the clock was set {way} meanwhile: rates go by one that nobody sets")
    if subjects.unknown == 1:
        notes.append(f"1 process is left out: its {found.figure} could not be read")
    elif subjects.unknown:
        notes.append(f"{subjects.unknown} processes are left out: their {found.figure} could not be read")
    return notes


def columns_by(by: str) -> tuple[Column, ...]:
    """Choose the columns that rows of one kind have."""
    if by == "process":
        return tuple(column for column in COLUMNS if column.key != "processes")
    return tuple(column for column in COLUMNS if column.key not in _WHO or column.key in _OWN[by])

"""What is collected of a machine: counters of its own, sums by command, and memory groups; the largest and the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.procfs.pressure import Pressure
from pymemtools.procfs.vmstat import paging_events
from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.lost_pss import PRIVATE, lost_pss
from pymemtools.readings.once import Once
from pymemtools.readings.paging import PagingMoment, read_paging
from pymemtools.readings.process import ALIVE
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.wants import Wants
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.groups.mapped import WANTS, WANTS_PSS
from pymemtools.reports.groups.report import GroupsRequest, groups_report
from pymemtools.reports.groups.rows import GroupRow
from pymemtools.reports.metrics.families import COUNTER, FAMILIES, OF_COMMANDS, OF_GROUPS, OF_THE_MACHINE, Family
from pymemtools.sources.base import Source
from pymemtools.units import times

OTHER = "other"  # what is not among the largest; who is called so belongs to it
COLUMNS = (
    Column("metric", "Metric", "its name", "text", right=False),
    Column("metric_type", "Type", "gauge, or counter: never falls while the machine runs", "text", right=False),
    Column("metric_unit", "Unit", "bytes, seconds; none: a number of what the name says", "text", right=False),
    Column("label", "Label", "command or cgroup; none: of the machine", "text", right=False),
    Column(
        "label_value", "Of", "which command (the kernel's name), which group (its path), or other", "text", right=False
    ),
    Column("metric_value", "Value", "the figure", "number"),
    Column("metric_help", "Help", "what it is", "text", right=False),
)
_PSS = Wants(("Rss", "Pss", *PRIVATE, "Swap", "SwapPss"), rollup=True, split=True)
_NO_PSS = Wants(status=True, memory=True)


class MetricsRequest(NamedTuple):
    """How many commands, and groups, have a series of their own, and whether smaps_rollup is read."""

    top: int = 20
    with_pss: bool = True


class MetricRow(NamedTuple):
    """One sample of one metric."""

    metric: str
    metric_type: str
    metric_unit: str | None
    label: str | None
    label_value: str | None
    metric_value: float
    metric_help: str


class Metrics(NamedTuple):
    """All samples, those of a family together."""

    rows: list[MetricRow]


def metrics_report(source: Source, request: MetricsRequest) -> Report:
    """Read all that there is; what the source does not tell has no sample. Raises Missing where it tells nothing."""
    wants, of_groups = (_PSS, WANTS_PSS) if request.with_pss else (_NO_PSS, WANTS)
    once = Once(source, wants | of_groups)
    sample = read_processes(once, wants)
    groups = _groups(once, request)
    rows = sorted(
        (*_of_the_machine(source, sample), *_of_commands(sample, request), *_of_groups(groups, request)),
        key=lambda row: _PLACES[row.metric],
    )
    if not rows:
        raise Missing(f"metrics: nothing to collect in {source.facts.path}: no process, vmstat and memory group")
    warnings = (*invisible(source), *_unread(source, sample), *lost_pss(sample.processes))
    return Report(
        "metrics",
        table_of(COLUMNS, rows),
        Metrics(rows),
        facts=source.facts._asdict(),
        notes=warnings,
        warnings=warnings,
        unreadable=sample.unreadable,
    )


def _unread(source: Source, sample: Sample) -> Iterator[str]:
    """Say what is missing of processes: of some, or in a copy of all."""
    if sample.unreadable == sample.seen > 0 and not source.is_live:
        yield "the source does not tell what memory processes have"
    elif sample.unreadable:
        yield unread(source, sample.unreadable, sample.seen, sample.reason)


_PLACES = {family.name: place for place, family in enumerate(FAMILIES)}


def _samples(
    families: tuple[Family, ...], figures: Mapping[str, float | None], label: str | None = None, of: str | None = None
) -> Iterator[MetricRow]:
    """Give a sample for each figure that is known; who is summed up as other has no counters, as they would fall."""
    for family in families:
        figure = figures.get(family.key)
        if figure is not None and not (of == OTHER and family.kind == COUNTER):
            yield MetricRow(family.name, family.kind, family.unit, label, of, figure, family.help)


def _of_the_machine(source: Source, sample: Sample) -> Iterator[MetricRow]:
    try:
        moment: PagingMoment | None = read_paging(source)
    except (Missing, Denied):
        moment = None
    events, pressure, figures = None, Pressure(), {}
    if moment is not None:
        events, pressure = paging_events(moment.counters), moment.pressure
        figures = events._asdict()
        for key in ("swapped_in", "swapped_out"):
            figures[key] = times(figures[f"{key}_pages"], moment.page_size)
    if sample.seen:
        figures |= {"processes": sample.seen, "processes_unreadable": sample.unreadable}
    figures |= {"some_stalled": pressure.some.seconds, "full_stalled": pressure.full.seconds}
    yield from _samples(OF_THE_MACHINE, figures)


def _of_commands(sample: Sample, request: MetricsRequest) -> Iterator[MetricRow]:
    """Sum processes up by the kernel's name of them."""
    found: dict[str, dict[str, float | None]] = {}
    for process in sample.everybody:
        if process.life == ALIVE:
            sums = process.sums or process.status or {}
            figures = {
                "command_processes": 1,
                "command_pss": sums.get("Pss"),
                "command_uss": _sum(sums, "Private_Clean", "Private_Dirty"),
                "command_rss": sums.get("Rss", sums.get("VmRSS")),
                "command_swap": sums.get("SwapPss", sums.get("Swap", sums.get("VmSwap"))),
            }
            found[process.name] = _added(found.get(process.name), figures)
    yield from _largest(OF_COMMANDS, found, "command", ("command_pss", "command_rss"), request.top)


def _sum(sums: Mapping[str, int | None], *keys: str) -> int | None:
    known = [sums.get(key) for key in keys]
    return None if None in known else sum(figure or 0 for figure in known)


def _added(one: Mapping[str, float | None] | None, other: Mapping[str, float | None]) -> dict[str, float | None]:
    """Add figures up; one that is known of none stays unknown."""
    if one is None:
        return dict(other)
    pairs = {key: (one.get(key), other.get(key)) for key in (*one, *other)}
    return {key: None if a is None and b is None else (a or 0) + (b or 0) for key, (a, b) in pairs.items()}


def _groups(source: Source, request: MetricsRequest) -> list[GroupRow]:
    """Give the groups that are in none of each other: they may be added up."""
    try:
        report = groups_report(source, GroupsRequest(with_pss=request.with_pss))
    except MemtoolsError:
        return []
    rows: list[GroupRow] = [row for row in report.answer.rows if row.cgroup != "/"]
    holders = {row.cgroup.rpartition("/")[0] for row in rows}
    return [row for row in rows if row.cgroup not in holders]


def _of_groups(rows: list[GroupRow], request: MetricsRequest) -> Iterator[MetricRow]:
    found: dict[str, dict[str, float | None]] = {}
    for row in rows:
        known = row._asdict()
        figures = {family.key: known.get(family.key.removeprefix("cgroup_")) for family in OF_GROUPS}
        figures |= {"cgroup_some_stalled": row.some_seconds, "cgroup_full_stalled": row.full_seconds}
        found[row.cgroup] = figures
    yield from _largest(OF_GROUPS, found, "cgroup", ("cgroup_current", "cgroup_pss"), request.top)


def _largest(
    families: tuple[Family, ...],
    found: Mapping[str, Mapping[str, float | None]],
    label: str,
    by: tuple[str, str],
    top: int,
) -> Iterator[MetricRow]:
    """Give those that are largest by the first figure, or where it is not known the second, and the sum of the rest."""

    def size(name: str) -> float:
        first, second = (found[name].get(key) for key in by)
        return (second or 0) if first is None else first

    names = sorted((name for name in found if name != OTHER), key=lambda name: (-size(name), name))
    for name in names[:top]:
        yield from _samples(families, found[name], label, name)
    rest: dict[str, float | None] | None = None
    for name in (*names[top:], *([OTHER] if OTHER in found else [])):
        rest = _added(rest, found[name])
    if rest is not None:
        rest.pop("cgroup_headroom", None)  # of several limits there is no sum
        yield from _samples(families, rest, label, OTHER)

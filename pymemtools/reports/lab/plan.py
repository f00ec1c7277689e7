"""What an experiment is about to do, what it takes at most, and why it must not begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.pressure import parse_pressure
from pymemtools.procfs.zoneinfo import parse_zoneinfo
from pymemtools.readings.cgroup_path import find_hierarchy, own_group
from pymemtools.readings.groups import Level, read_levels
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.lab.laws import Law
from pymemtools.sources.base import Source
from pymemtools.units import human_size

MOST_PRESSURE = 10.0  # percent of the last ten seconds in which nobody could run for lack of memory


class CannotRun(MemtoolsError):
    """Say why an experiment cannot run here, or must not."""

    exit_status = 3


class Plan(NamedTuple):
    """What will happen, and what that takes at most: bytes of memory (clean page cache aside) and disk, seconds."""

    happens: Sequence[str]  # sentences: what is done, and why the kernel answers as it does
    memory: int
    disk: int = 0
    seconds: float = 60.0
    directory: str = ""  # where the disk space is taken
    predicted: Any = None  # what the models say will be seen
    claim: str = ""  # a file of the kernel's: two that change the same would put back what the other has set


class Findings(NamedTuple):
    """All that judging goes by: plain values, as the experiment sent them."""

    request: Any
    predicted: Any
    rows: Sequence[Mapping[str, Any]]
    seen: Mapping[str, Any]
    facts: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """A report's answer: the laws, and what else text is laid out from."""

    laws: Sequence[Law]
    findings: Findings


def outcome(name: str, columns: Sequence[Column], found: Findings, laws: Sequence[Law], **totals: Any) -> Report:
    """Wrap an experiment up: samples are rows, and totals have the laws, and what was predicted or is true of all."""
    told = [law._asdict() for law in laws]
    table = table_of(columns, found.rows)
    answer = Outcome(laws, found)
    return Report(f"lab {name}", table, answer, {"laws": told, **totals}, found.facts, found.notes)


def most_memory(source: Source) -> int:
    """Give the bytes that an experiment may take: a quarter of MemAvailable, half of our own group's limit."""
    info = parse_meminfo(source.read("meminfo"))
    available = info.get("MemAvailable", info.get("MemFree", 0))
    return min([available // 4, *(level.limit // 2 for level in own_levels(source) if level.limit is not None)])


def refusal(source: Source, plan: Plan, disk_free: int | None, *, forced: bool) -> str:
    """Say why an experiment must not begin now; nothing where it may. Pressure can be ignored, bounds cannot."""
    most = most_memory(source)
    if plan.memory > most:
        return f"it would take {human_size(plan.memory)}, and at most {human_size(most)} may be taken here"
    for level in own_levels(source):
        if (room := _room(level)) is not None and room < plan.memory:
            return f"it would take {human_size(plan.memory)}, and the group {level.path} has {human_size(room)} left"
    if disk_free is not None and plan.disk > disk_free // 2:
        return f"it would write {human_size(plan.disk)}, and {plan.directory} has {human_size(disk_free)} free"
    return "" if forced or not (plan.memory or plan.disk) else strain(source)


def strain(source: Source) -> str:
    """Say what shows that the machine is short of memory; nothing where nothing does."""
    try:
        full = parse_pressure(source.read("pressure/memory"), "pressure/memory").full.avg10
    except MemtoolsError:
        full = None  # no PSI
    if full is not None and full > MOST_PRESSURE:
        return f"the machine is under memory pressure: all waited {full:g} % of the last 10 s (--force runs it)"
    try:
        zones = parse_zoneinfo(source.read("zoneinfo"))
    except MemtoolsError:
        return ""
    short = [f"{zone.name} of node {zone.node}" for zone in zones if zone.usable and zone.free < zone.low]
    return f"zone {short[0]} is below its low watermark (--force runs it)" if short else ""


def own_levels(source: Source) -> list[Level]:
    """Give the memory group that we run in and those above it; none where there is none."""
    try:
        hierarchy = find_hierarchy(source)
        return read_levels(source, hierarchy, own_group(source, hierarchy))
    except MemtoolsError:
        return []


def _room(level: Level) -> int | None:
    """Give what a group may still take, its page cache given back."""
    if level.free is None:
        return None
    return level.free + (level.reclaimable or 0)

"""Transparent huge pages of a process: mapping by mapping what is huge, and why the rest is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.errors import DeniedProcess, MemtoolsError
from pymemtools.models.huge_pages import ANONYMOUS, FILE, SHARED_MEMORY, Candidate, HugePageRules, why_not_huge
from pymemtools.procfs.maps import Mapping
from pymemtools.procfs.status import parse_status_number
from pymemtools.readings.huge_pages import HugePages, read_huge_pages
from pymemtools.readings.mappings import ProcessMaps, read_maps
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.thp.machine import lacking, totals_of
from pymemtools.sources.base import Source

COLUMNS = (
    Column("start", "Start", "where it begins", "address", 16),
    Column("end", "End", "where it ends, exclusive", "address", 16),
    Column("size", "Size", "length of the mapping", "bytes", 9),
    Column("rss", "RSS", "resident memory", "bytes", 9),
    Column("thp", "Huge", "of it in huge pages, mapped as such", "bytes", 8),
    Column("thp_eligible", "Eligible", "1 where the kernel would make some (THPeligible, Linux 5.0)", "count", 8),
    Column("reason", "Why not huge", "why not all of it is; unknown: all that can be is", "text", 40, right=False),
    Column("path", "Mapping", "file, or what the kernel calls the memory", "text", 20, right=False),
)
_HUGE = ("AnonHugePages", "ShmemPmdMapped", "FilePmdMapped")
_WANTED = frozenset((*_HUGE, "Rss", "THPeligible"))
_COMMON_SIZE = 2 << 20


class HugeMapping(NamedTuple):
    """A mapping, in bytes."""

    start: int
    end: int
    size: int
    rss: int | None
    thp: int | None
    thp_eligible: int | None
    reason: str | None
    path: str


class HugeProcess(NamedTuple):
    """A process, and the rules that hold for it."""

    title: str
    rules: HugePageRules
    rows: list[HugeMapping]


def process_report(source: Source, pid: int) -> Report:
    """Ask of each mapping why it is not huge. Raises Missing or Denied."""
    pages = read_huge_pages(source)
    maps = read_maps(source, pid, _WANTED.__contains__)
    if maps.problem is not None:
        raise DeniedProcess(pid, maps.problem)
    rules = HugePageRules(
        pages.size or _COMMON_SIZE,
        pages.setting("enabled"),
        pages.setting("shmem_enabled"),
        is_disabled=_is_disabled(source, pid),
        is_without=pages.is_without,
    )
    rows = list(_rows(maps.told(), rules))
    notes = tuple(_notes(pages, maps))
    return Report(
        "thp",
        table_of(COLUMNS, rows),
        HugeProcess(maps.title.decode("utf-8", "surrogateescape"), rules, rows),
        totals={**totals_of(pages), "pid": maps.pid, "thp": sum(row.thp or 0 for row in rows)},
        facts=source.facts._asdict(),
        notes=notes,
        warnings=notes,
    )


def _is_disabled(source: Source, pid: int) -> bool:
    """Tell whether huge pages are switched off for the process: THP_enabled of status, Linux 5.0."""
    try:
        with source.process(pid) as files:
            return parse_status_number(files.read("status"), "THP_enabled") == 0
    except MemtoolsError:
        return False


def _rows(maps: ProcessMaps, rules: HugePageRules) -> Iterator[HugeMapping]:
    for place, (mapping, kind) in enumerate(zip(maps.mappings, maps.kinds)):
        numbers = {key: column[place] for key, column in maps.columns.items()}
        parts = [numbers[key] for key in _HUGE if numbers.get(key) is not None]
        huge = sum(part for part in parts if part is not None) if parts else None
        eligible = numbers.get("THPeligible")
        asked = Candidate(
            mapping.start,
            mapping.end,
            _what(mapping, kind),
            frozenset(mapping.vmflags.decode("ascii", "replace").split()),
            huge,
            numbers.get("Rss"),
            None if eligible is None else bool(eligible),
        )
        path = mapping.name.decode("utf-8", "surrogateescape") or "[anon]"
        reason = why_not_huge(asked, rules)
        size = mapping.end - mapping.start
        yield HugeMapping(mapping.start, mapping.end, size, asked.resident, huge, eligible, reason, path)


def _what(mapping: Mapping, kind: str) -> str:
    if kind == "shm":
        return SHARED_MEMORY
    return ANONYMOUS if mapping.is_anonymous else FILE


def _notes(pages: HugePages, maps: ProcessMaps) -> Iterator[str]:
    if pages.size is None and not pages.is_without:
        yield "the source does not tell how large a huge page is: 2 MiB is assumed"
    yield from lacking(pages)
    if maps.note is not None:
        yield maps.note

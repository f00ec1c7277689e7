"""From a source to a report of each process, and to one of several together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pymemtools.errors import Denied, Missing, NoSuchProcess, ParseError
from pymemtools.readings.mappings import ProcessMaps, read_maps, read_rollup
from pymemtools.report import Report, Table
from pymemtools.reports.pmap.chosen import chosen_table, maps_in_order
from pymemtools.reports.pmap.columns import is_number
from pymemtools.reports.pmap.names import classic_names
from pymemtools.reports.pmap.request import PmapRequest
from pymemtools.reports.pmap.table import put_together, sum_of
from pymemtools.sources.base import Facts, Source

_NOTHING = Table((), {})
_NOT_SUMMED = frozenset(("kernel_page_size", "mmu_page_size", "protection_key"))  # though pmap -XX does


def process_reports(source: Source, request: PmapRequest) -> Iterator[Report]:
    """Read the processes, each when its report is asked for: its answer is a ProcessMaps, in the order asked for.

    Without an answer there is no such process, or (``unreadable``) it could not be read.
    """
    facts = source.facts._asdict()
    return (_process_report(source, pid, request)._replace(facts=facts) for pid in request.pids)


def _process_report(source: Source, pid: int, request: PmapRequest) -> Report:
    try:
        maps = read_rollup(source, pid) if request.rollup else read_maps(source, pid, request.wanted)
    except Missing:
        return Report("pmap", _NOTHING, warnings=(str(NoSuchProcess(pid)),))
    except (Denied, ParseError) as error:
        return Report("pmap", _NOTHING, warnings=(str(error),), unreadable=1)
    if maps.problem is not None:
        return Report("pmap", _NOTHING, maps, warnings=(f"{maps.pid}: {maps.problem}",), unreadable=1)
    notes = () if maps.note is None else (maps.note,)
    maps = _wanted(maps.told() if request.needs_kinds else maps, request)
    return Report("pmap", _NOTHING, maps, notes=notes, warnings=notes)


def _wanted(maps: ProcessMaps, request: PmapRequest) -> ProcessMaps:
    """Choose from the mappings by address and name."""
    if request.addresses is not None:
        low, high = request.addresses
        edges = enumerate(zip(maps.mappings.starts, maps.mappings.ends))
        maps = maps.take(i for i, (start, end) in edges if end > low and start <= high)
    if request.name is not None:
        shown = classic_names(maps.mappings, maps.stack)
        maps = maps.take(i for i, names in enumerate(zip(maps.mappings.names, shown)) if _matches(request.name, names))
    return maps


def _matches(pattern: re.Pattern[str], names: tuple[bytes, bytes]) -> bool:
    """Tell whether the kernel's name or the one that is shown is a wanted one."""
    return any(pattern.search(name.decode("utf-8", "surrogateescape")) for name in names)


def with_rows(report: Report, request: PmapRequest) -> Report:
    """Choose columns and put rows in order, for one process."""
    maps: ProcessMaps | None = report.answer
    if maps is None or report.unreadable:
        return report
    if request.is_wide:
        return report._replace(table=chosen_table([maps], request))
    return report._replace(answer=maps_in_order(maps, request))


def together(reports: Sequence[Report], request: PmapRequest) -> Report:
    """Make one report of several processes: their mappings in one table, sorted and cut as one."""
    answers = [report.answer for report in reports if report.answer is not None]
    return joined(reports, chosen_table(answers, request))


def joined(reports: Sequence[Report], table: Table) -> Report:
    """Make one report of those of several processes and of a table about all of them."""
    return Report(
        "pmap",
        table,
        [report.answer for report in reports if report.answer is not None],
        totals=_totals(table),
        facts=reports[0].facts if reports else {},
        notes=tuple(note for report in reports for note in report.notes),
        warnings=tuple(warning for report in reports for warning in report.warnings),
        unreadable=sum(report.unreadable for report in reports),
    )


def joined_changes(reports: Sequence[Report], compared: Iterable[Report], other: Facts | None) -> Report:
    """Make one report of all changes; ``other`` are the facts of another source that they were compared with."""
    made = list(compared)
    report = joined(reports, put_together([each.table for each in made]))
    warnings = (*report.warnings, *(warning for each in made for warning in each.warnings))
    facts = report.facts if other is None else {**report.facts, "other": other._asdict()}
    return report._replace(facts=facts, warnings=warnings)


def _totals(table: Table) -> dict[str, int | None]:
    return {key: sum_of(cells) for key, cells in table.cells.items() if is_number(key) and key not in _NOT_SUMMED}

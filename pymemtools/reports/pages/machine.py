"""What the page frames of a machine are used for, beside what meminfo counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.models.frame_types import HOLE, counts_by_type, type_of
from pymemtools.models.release import parse_release
from pymemtools.procfs.kpageflags import flag_names
from pymemtools.readings.frames import FrameFlags, read_frame_flags
from pymemtools.readings.machine import Machine, read_machine
from pymemtools.readings.page_size import page_size_of
from pymemtools.report import Report, table_of
from pymemtools.reports.pages.columns import COLUMNS, FLAG_COLUMNS, TypeRow
from pymemtools.reports.pages.counters import Counts, counters_of_machine, of_others, typed_rows
from pymemtools.sources.base import Source


class Frames(NamedTuple):
    """All types, and the sums; in bytes, None where frames or zones are not known."""

    rows: list[TypeRow]
    present: int | None  # without holes
    holes: int | None
    zones_present: int | None


def pages_report(source: Source) -> Report:
    """Count frames by type. Raises Missing where neither frames nor meminfo are told."""
    machine = read_machine(source)
    doubts = (*machine.notes, *of_others(machine))
    flags, refused = _flags(source)
    if flags is None and not machine.meminfo:
        raise Missing(f"pages: {refused}; and no meminfo")
    counts = None if flags is None else counts_by_type(flags.counts)
    counters = list(counters_of_machine(machine, counts))
    found = _summed(machine, counts, list(typed_rows(counts, counters, machine.page_size)))
    warnings = [f"frames are not told: {refused}"] if refused else []
    notes = (*doubts, *warnings, *_differences(found))
    totals = {**found._asdict(), "told_by": flags and flags.told_by}
    del totals["rows"]
    table = table_of(COLUMNS, found.rows)
    facts = source.facts._asdict()
    return Report("pages", table, found, totals, facts, notes, (*doubts, *warnings))


def _flags(source: Source) -> tuple[FrameFlags | None, str]:
    """Count frames, or say why not."""
    try:
        return read_frame_flags(source), ""
    except Denied as error:
        return None, f"{error}; run as root" if source.is_live else str(error)
    except MemtoolsError as error:
        return None, str(error)


def _summed(machine: Machine, counts: Counts | None, rows: list[TypeRow]) -> Frames:
    zones = sum(zone.present for zone in machine.zones) * machine.page_size if machine.zones else None
    if counts is None:
        return Frames(rows, None, None, zones)
    present = sum(each.frames for name, each in counts.items() if name != HOLE) * machine.page_size
    return Frames(rows, present, counts[HOLE].frames * machine.page_size, zones)


def _differences(found: Frames) -> Iterator[str]:
    for row in found.rows:
        if row.reason:
            yield f"{row.type}: {row.reason}"


def flags_report(source: Source) -> Report:
    """Give each distinct word of flags, the most frequent first. Raises Missing, Denied or ParseError."""
    flags = read_frame_flags(source)
    size, version = page_size_of(source), parse_release(source.facts.kernel)
    rows: list[dict[str, Any]] = [
        {
            "flags": f"{word:016x}",
            "present": frames * size.size,
            "frames": frames,
            "type": type_of(word),
            "flag_names": tuple(flag_names(word, version)),
        }
        for word, frames in sorted(flags.counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    totals = {"frames": sum(flags.counts.values()), "told_by": flags.told_by}
    table = table_of(FLAG_COLUMNS, rows)
    return Report("pages", table, rows, totals, source.facts._asdict(), tuple(size.notes), tuple(size.notes))

"""What of MemTotal no counter explains, and who may have it: candidates by name and figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.readings.machine import Machine, read_machine
from pymemtools.readings.unnamed import Unnamed, read_unnamed
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.pages.candidates import NONE, Candidate, candidates
from pymemtools.reports.pages.counters import of_others
from pymemtools.reports.system_memory import ARC, REST, detailed_rows, without_negative
from pymemtools.sources.base import Source
from pymemtools.units import minus

COUNTED, UNEXPLAINED, CANDIDATE = "counted", "unexplained", "candidate"
COLUMNS = (
    Column("role", "Role", "counted, a part of MemTotal; unexplained, what is left of it; or candidate", "text"),
    Column("area", "Area", "what has it", "text", 30, right=False),
    Column("used", "Used", "memory in use", "bytes", 11),
    Column("overlap", "Overlap", "how far a candidate is counted above: none, part or whole", "text", 7, right=False),
    Column("counter", "Counter", "the file, or the field of meminfo, that tells it", "text", 20, right=False),
    Column("reason", "Reason", "what to know of a candidate's figure", "text", 20, right=False),
)
_REST = "what no counter explains"
_COUNTERS = {  # of what smem -W counts, too
    "page tables": "PageTables+SecPageTables",
    "kernel stacks": "KernelStack",
    "slab, reclaimable": "SReclaimable",
    "slab, unreclaimable": "SUnreclaim",
    "other reclaimable kernel": "KReclaimable-SReclaimable",
    "vmalloc": "VmallocUsed-KernelStack",
    "percpu": "Percpu",
    "zswap": "Zswap",
    "zram": "zram/mm_stat",
    ARC: "arcstats",
    "bounce buffers": "Bounce",
    "hugetlb pool": "Hugetlb",
    "tmpfs and shared memory": "Shmem",
    "anonymous memory": "AnonPages",
    "file cache": "Buffers+Cached-Shmem",
    "free memory": "MemFree",
}


class MemoryPart(NamedTuple):
    """A part of MemTotal, or a candidate for what is left of it; bytes, None where it is not told."""

    role: str
    area: str
    used: int | None
    overlap: str | None = None
    counter: str | None = None
    reason: str | None = None


class Unexplained(NamedTuple):
    """All parts, and the sums."""

    counted: list[MemoryPart]
    candidates: list[MemoryPart]
    mem_total: int
    unexplained: int | None  # None: counters contradict each other
    named: int  # by candidates that are not counted otherwise


def unexplained_report(source: Source) -> Report:
    """Subtract from MemTotal all that is counted, and name candidates. Raises Missing without meminfo."""
    machine = read_machine(source)
    machine.pages("MemTotal")
    unnamed, damaged = read_unnamed(source, machine.page_size)
    found, doubts = _parts(machine, unnamed)
    refused = [f"not readable: {', '.join(unnamed.refused)}; run as root"] if unnamed.refused else []
    notes = (*machine.notes, *of_others(machine), *damaged, *doubts, *refused)
    rest = MemoryPart(UNEXPLAINED, _REST, found.unexplained)
    totals = {
        "mem_total": found.mem_total,
        "unexplained": found.unexplained,
        "named": found.named,
    }
    table = table_of(COLUMNS, [*found.counted, rest, *found.candidates])
    return Report("pages", table, found, totals, source.facts._asdict(), notes, notes)


def _parts(machine: Machine, unnamed: Unnamed) -> tuple[Unexplained, list[str]]:
    rows = detailed_rows(machine.meminfo, stores=machine.stores, version=machine.version)
    rows, doubts = without_negative([row for row in rows if row.area in (*_COUNTERS, REST)])
    counted = [MemoryPart(COUNTED, row.area, row.used, counter=_COUNTERS[row.area]) for row in rows if row.area != REST]
    doubts = [note.replace(f"{REST}: used", _REST) for note in doubts if f"{REST}: used" in note]
    rest = next(row.used for row in rows if row.area == REST)
    named = sorted(candidates(machine, unnamed), key=lambda each: -each.used)
    beside = sum(each.used for each in named if each.overlap == NONE)
    return (
        Unexplained(counted, list(map(_part, named)), machine.meminfo["MemTotal"], rest, beside),
        doubts,
    )


def _part(candidate: Candidate) -> MemoryPart:
    return MemoryPart(CANDIDATE, candidate.area, candidate.used, candidate.overlap, candidate.counter, candidate.reason)


def still_unexplained(found: Unexplained) -> int | None:
    """Give what is left without those candidates that are not counted otherwise."""
    return minus(found.unexplained, found.named)


def not_told(found: Unexplained) -> Iterator[str]:
    """Name the counters that this kernel lacks, whose memory is in what is left."""
    return (part.area for part in found.counted if part.used is None)

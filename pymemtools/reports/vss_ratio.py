"""How much of what all processes map is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.processes import Sample, expect_processes, read_processes
from pymemtools.readings.wants import Wants
from pymemtools.report import Column, Report, table_of
from pymemtools.sources.base import Source


class Ratio(NamedTuple):
    """How much of what is mapped is in memory, over many processes; bytes."""

    processes: int
    vss: int | None
    rss: int | None
    pss: int | None  # of the processes whose smaps could be read
    vss_of_pss: int | None  # their address space

    @property
    def rss_to_vss(self) -> float | None:
        """Give what the one-liner of ps and awk gives: shared pages count once for each of their users."""
        return None if self.rss is None or not self.vss else self.rss / self.vss

    @property
    def pss_to_vss(self) -> float | None:
        """Give it with each page counted once."""
        return None if self.pss is None or not self.vss_of_pss else self.pss / self.vss_of_pss


COLUMNS = (
    Column("processes", "Processes", "number of processes that are summed up", "count"),
    Column("vss", "VSS", "all that they map, touched or not", "bytes"),
    Column("rss", "RSS", "what of it is in memory, shared pages once for each of their users", "bytes"),
    Column("rss_to_vss", "RSS/VSS", "the ratio of the two", "ratio"),
    Column("pss", "PSS", "the same, every page once, of those whose smaps could be read", "bytes"),
    Column("vss_of_pss", "VSS of these", "all that those map", "bytes"),
    Column("pss_to_vss", "PSS/VSS", "the ratio of the two", "ratio"),
)


def ratio_report(source: Source, facts: Mapping[str, Any]) -> Report:
    """Read of every process its status, which anyone may, and its smaps_rollup or smaps, which few may."""
    expect_processes(source)
    sample = read_processes(source, Wants(("Rss", "Pss", "Size"), rollup=True, status=True))
    found = _ratio(sample)
    hidden = invisible(source)
    lacking = (
        [f"{unread(source, sample.unreadable, sample.seen, sample.reason)}; PSS is without them"]
        if sample.unreadable
        else []
    )
    row = found._asdict() | {"rss_to_vss": found.rss_to_vss, "pss_to_vss": found.pss_to_vss}
    table, said = table_of(COLUMNS, [row]), (*hidden, *lacking)
    return Report("status", table, found, None, facts, tuple(hidden), said, sample.unreadable)


def _ratio(sample: Sample) -> Ratio:
    sizes = [process.status for process in sample.everybody if process.status]
    sums = [process.sums for process in sample.processes]
    if not sizes:
        # smemcap takes no status; the sums of smaps are the same figures.
        sizes = [{"VmSize": each.get("Size") or 0, "VmRSS": each.get("Rss") or 0} for each in sums]
    pss = _total(each.get("Pss") for each in sums)
    return Ratio(
        len(sizes),
        _total(each.get("VmSize") for each in sizes),
        _total(each.get("VmRSS") for each in sizes),
        pss if sample.has_pss else None,
        _total(each.get("Size") for each in sums) if sample.has_pss else None,
    )


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None

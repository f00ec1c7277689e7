"""What /proc/PID/status says of a process's memory, and how near it is to the limit of mappings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Denied, Missing, NoSuchProcess
from pymemtools.procfs.smaps.fields import key_of
from pymemtools.procfs.status import STATUS_FIELDS
from pymemtools.readings.status import StatusRow, read_status
from pymemtools.report import Column, Report, Table, table_of
from pymemtools.sources.base import Source

# The highest there have been, of each process at its own time: their sum means nothing.
PEAKS = frozenset(("VmPeak", "VmHWM"))


class ProcessStatuses(NamedTuple):
    """Processes in the order they were named, and what could not be read."""

    rows: list[StatusRow]
    refused: tuple[str, ...] = ()
    gone: int = 0  # of these, for they are not there

    @property
    def fields(self) -> list[str]:
        """Name all the sizes that any of them has, as the kernel does and in its order."""
        return list(dict.fromkeys(key for row in self.rows for key in row.sizes))

    @property
    def distinct(self) -> list[StatusRow]:
        """Leave out a process named twice, as by a thread of it: a sum counts it once."""
        return list({row.pid: row for row in self.rows}.values())

    @property
    def threads(self) -> int | None:
        """Count the threads of all; None where no status tells."""
        return _sum(row.threads for row in self.distinct)

    @property
    def mappings(self) -> int | None:
        """Count the mappings of all; None where no maps or smaps tell."""
        return _sum(row.mappings for row in self.distinct)


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


_BEFORE = (
    Column("pid", "PID", "process number", "count"),
    Column("name", "Name", "the kernel's name of the process, 15 characters at most", "text", right=False),
)
_AFTER = (
    Column("threads", "Threads", "number of threads", "count"),
    Column("mappings", "Maps", "number of mappings", "count"),
    Column("max_map_count", "Most maps", "how many mappings vm.max_map_count allows", "count"),
    Column("mappings_percent", "of max_map_count", "share of these that are used up; at 100 mmap fails", "percent"),
)


def status_report(source: Source, pids: Sequence[int], facts: Mapping[str, Any]) -> Report:
    """Read processes one by one; of one that is not there, or may not be read, a line says so."""
    rows: list[StatusRow] = []
    refused, said = [], []
    gone = 0
    for pid in pids:
        try:
            row = read_status(source, pid)
        except (Missing, Denied) as error:
            is_gone = isinstance(error, NoSuchProcess) or (source.is_live and isinstance(error, Missing))
            gone += is_gone
            refused.append(str(NoSuchProcess(pid) if is_gone else error))
            said.append(refused[-1])
            continue
        rows.append(row)
        said += _remarks(row)
    found = ProcessStatuses(rows, tuple(refused), gone)
    notes = tuple(line for row in found.distinct for line in _remarks(row))
    keys = {field: _column(field).key for field in found.fields}
    totals = {key: total_of(found.distinct, field) for field, key in keys.items()}
    totals |= {"threads": found.threads, "mappings": found.mappings}
    return Report("status", _table(found), found, totals, facts, notes, tuple(said), len(refused))


def _table(found: ProcessStatuses) -> Table:
    columns = {field: _column(field) for field in found.fields}
    rows = [
        {
            **row._asdict(),
            **{column.key: row.sizes.get(field) for field, column in columns.items()},
            "mappings_percent": row.mappings_percent,
        }
        for row in found.rows
    ]
    return table_of((*_BEFORE, *columns.values(), *_AFTER), rows)


def _column(field: str) -> Column:
    """Make the column of a size; one that came after this was written has the kernel's name."""
    known = STATUS_FIELDS.get(field)
    return Column(known.key if known else key_of(field), field, known.help if known else "", "bytes")


COLUMNS = (*_BEFORE, *map(_column, STATUS_FIELDS), *_AFTER)


def _remarks(row: StatusRow) -> Iterator[str]:
    """Say what the user of the figures must know."""
    if row.is_from_smaps:
        yield f"{row.pid}: the source has no status: sizes are sums over smaps"
    if row.is_near_limit:
        yield (
            f"{row.pid}: {row.mappings} of {row.max_map_count} mappings ({row.mappings_percent:.0f} %): "
            "mmap fails at 100 % (vm.max_map_count)"
        )


def total_of(rows: Sequence[StatusRow], key: str) -> int | None:
    """Add up one size; shared pages count once for each process. Peaks have no sum."""
    known = [row.sizes[key] for row in rows if key in row.sizes]
    return sum(known) if known and key not in PEAKS else None

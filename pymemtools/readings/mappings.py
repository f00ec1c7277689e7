"""Read the mappings of one process: from maps, or with their numbers from smaps."""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing, NoSuchProcess
from pymemtools.models.map_kinds import kinds_of
from pymemtools.procfs.maps import Mappings, MapsReader
from pymemtools.procfs.smaps.table import Numbers, SmapsReader, SmapsTable
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.status import parse_status_number
from pymemtools.readings.process import ALIVE, life_of
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.base import ProcessFiles, Source

Columns = abc.Mapping[str, Numbers]
Wanted = Callable[[str], bool]  # which numbers of smaps, by the kernel's name
ALL: Wanted = lambda key: True
_MAX_CMDLINE = 131_071  # bytes that procps takes


class ProcessMaps(NamedTuple):
    """One process and its mappings."""

    pid: int  # of the process, also where a thread's was asked for
    title: bytes  # the command line with blanks, or ``[comm]``
    stack: int | None  # an address within the main stack
    mappings: Mappings
    columns: Columns  # the mappings' numbers, in bytes; see SmapsTable
    counts: frozenset[str]
    kinds: Sequence[str]  # what each mapping is for, see map_kinds; empty until told()
    problem: str | None  # why the mappings could not be read
    note: str | None  # what the reader should know of them

    def told(self) -> ProcessMaps:
        """Tell the kinds of the mappings, which takes all of them, in their order."""
        return self._replace(kinds=kinds_of(self.mappings, self.stack))

    def take(self, order: Iterable[int]) -> ProcessMaps:
        """Choose mappings by their places, in that order."""
        places = list(order)
        return self._replace(
            mappings=self.mappings.take(places),
            columns={key: [column[i] for i in places] for key, column in self.columns.items()},
            kinds=[self.kinds[i] for i in places] if self.kinds else self.kinds,
        )


def read_maps(source: Source, pid: int, wanted: Wanted | None = None) -> ProcessMaps:
    """Read a process's mappings from maps, or with ``wanted`` numbers from smaps.

    A capture without maps (smemcap takes none) has the same lines in smaps. Raises Missing when there is no such
    process, or none any more; a process whose mappings may not be read is given with the ``problem``.
    """

    def fill(files: ProcessFiles, empty: ProcessMaps) -> ProcessMaps:
        return _without_numbers(files, empty) if wanted is None else _with_numbers(files, empty, wanted)

    return read_steadily(source, pid, lambda files, stat: _read(files, stat, fill, is_live=source.is_live))


def read_rollup(source: Source, pid: int) -> ProcessMaps:
    """Read a process's sums from smaps_rollup, as one mapping: the kernel adds up at a fraction of smaps's cost.

    Where there is none (Linux before 4.14, smemcap) they are summed from smaps. Raises Missing when there is no such
    process.
    """

    def read(files: ProcessFiles, stat: Stat | None) -> ProcessMaps:
        maps = _read(files, stat, _sums, is_live=source.is_live)
        if stat is None or not maps.mappings:
            return maps
        return maps._replace(columns={"Size": [stat.vsize], **maps.columns})

    return read_steadily(source, pid, read)


def _read(
    files: ProcessFiles,
    stat: Stat | None,
    fill: Callable[[ProcessFiles, ProcessMaps], ProcessMaps],
    *,
    is_live: bool,
) -> ProcessMaps:
    stack = stat.startstack or None if stat is not None else None
    empty = ProcessMaps(
        pid=_tgid(files),
        title=_title(files, stat),
        stack=stack,
        mappings=Mappings(),
        columns={},
        counts=frozenset(),
        kinds=(),
        problem=None,
        note=None,
    )
    if life_of(stat) != ALIVE:
        return empty
    try:
        found = fill(files, empty)
    except Missing as error:
        if is_live:
            raise
        return empty._replace(problem=_reason(error, files.pid))
    except Denied as error:
        return empty._replace(problem=_reason(error, files.pid))
    if is_live and not found.mappings and stat is not None and stat.vsize:
        raise NoSuchProcess(files.pid)  # it is on its way out
    return found


def _sums(files: ProcessFiles, empty: ProcessMaps) -> ProcessMaps:
    try:
        return _with_numbers(files, empty, ALL, "smaps_rollup")
    except Missing:
        maps = _with_numbers(files, empty, ALL)
    if not maps.mappings:
        return maps
    known = {key: [value for value in column if value is not None] for key, column in maps.columns.items()}
    columns = {key: [sum(values)] for key, values in known.items() if key not in maps.counts}
    note = maps.note or f"{files.pid}: no smaps_rollup: the figures are sums over smaps"
    return maps._replace(mappings=maps.mappings.take([0]), columns=columns, note=note)


def _without_numbers(files: ProcessFiles, empty: ProcessMaps) -> ProcessMaps:
    where = f"{files.pid}/maps"
    reader = MapsReader(where)
    try:
        for chunk in files.chunks("maps"):
            reader.feed(chunk)
    except Missing:
        if reader.mappings:
            raise
        return _with_numbers(files, empty, lambda key: False)
    note = f"{where} is cut short: its last mapping is left out" if reader.cut_short else None
    return empty._replace(mappings=reader.mappings, note=note)


def _with_numbers(files: ProcessFiles, empty: ProcessMaps, wanted: Wanted, name: str = "smaps") -> ProcessMaps:
    table = read_smaps(files, wanted, name)
    note = f"{files.pid}/{name} is cut short: its last mapping is left out" if table.cut_short else None
    return empty._replace(mappings=table.mappings, columns=table.columns, counts=table.counts, note=note)


def read_smaps(files: ProcessFiles, wanted: Wanted, name: str = "smaps") -> SmapsTable:
    """Read smaps, or smaps_rollup, as a table. Raises Missing, Denied or ParseError."""
    reader = SmapsReader(wanted, f"{files.pid}/{name}")
    for chunk in files.chunks(name):
        reader.feed(chunk)
    return reader.finish()


def _tgid(files: ProcessFiles) -> int:
    """Give the process of a thread; /proc/TID of a thread is there, though not listed."""
    try:
        return parse_status_number(files.read("status"), "Tgid") or files.pid
    except (Missing, Denied):
        return files.pid


def _title(files: ProcessFiles, stat: Stat | None) -> bytes:
    """Give the command line as procps's pmap does: blanks for NULs and newlines, ``?`` for one emptied by its process.

    A kernel thread and a zombie have none, and are called by their names. These rules, other than those of
    readings.process, are that program's.
    """
    try:
        cmdline = files.read("cmdline")[:_MAX_CMDLINE]
    except (Missing, Denied):
        cmdline = b""
    if not cmdline:
        if stat is None:
            return b"?"
        return b"[%s]%s" % (stat.comm, b" <defunct>" if stat.state == "Z" else b"")
    text = cmdline.rstrip(b"\0")
    if cmdline.endswith(b" "):  # a title that its process wrote over argv and environment
        text = text[:-1]
    if not text:
        return b"?"
    return text.replace(b"\0", b" ").replace(b"\n", b" ")


def _reason(error: MemtoolsError, pid: int) -> str:
    return str(error).removeprefix(f"{pid}/")

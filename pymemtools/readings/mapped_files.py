"""Read which files are mapped, by whom and with how much memory: of a capture too, as smaps tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing, NotRecorded, ParseError
from pymemtools.procfs.smaps.table import SmapsTable
from pymemtools.procfs.stat import Stat
from pymemtools.readings.mappings import read_smaps
from pymemtools.readings.process import ALIVE, identify
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.attended import while_reading
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.units import plus

_FIELDS = ("Pss", "Rss", "Anonymous")


class FileMapper(NamedTuple):
    """A process that maps a file; bytes, of all its mappings of it, None where the kernel does not tell."""

    pid: int
    name: str
    pss: int | None
    rss: int | None
    anonymous: int | None  # copies of pages, which are the process's own since it wrote to them


class MappedFile(NamedTuple):
    """A file, as the first process that maps it calls it."""

    path: str
    device: str  # ``major:minor``, hexadecimal
    inode: int
    mappers: dict[int, FileMapper]  # by PID


class MappedFiles(NamedTuple):
    """All of them, and how many processes told of them."""

    files: list[MappedFile]
    processes: int  # with memory
    unreadable: int
    reason: str


def read_mapped(source: Source, pids: Sequence[int]) -> MappedFiles:
    """Read the smaps of processes. Those without memory, and those that end meanwhile, are left out."""
    files: dict[tuple[bytes, int], MappedFile] = {}
    processes, refused = 0, []
    with while_reading(source, len(pids)):
        for pid in pids:
            try:
                told = read_steadily(source, pid, _read)
            except Missing:
                continue
            except MemtoolsError as error:
                told = _Told("", None, str(error))
            if told is None:
                continue
            processes += 1
            if told.table is None:
                refused.append(told.refused.rpartition(": ")[2])
            else:
                _take(files, pid, told.name, told.table)
    reason = next((reason for reason, _ in Counter(refused).most_common(1)), "")
    return MappedFiles(list(files.values()), processes, len(refused), reason)


class _Told(NamedTuple):
    """What one process tells: a table, or why it does not."""

    name: str
    table: SmapsTable | None
    refused: str = ""


def _read(files: ProcessFiles, stat: Stat | None) -> _Told | None:
    process = identify(files, stat)
    if process.life != ALIVE:
        return None
    name = process.name if stat is not None else process.command.partition(" ")[0].rpartition("/")[2]
    has_memory = not process.command.startswith(("[", "?")) if stat is None else stat.has_memory
    try:
        table = read_smaps(files, _FIELDS.__contains__)
    except Missing as error:
        why = error.reason if isinstance(error, NotRecorded) else "no smaps"
        return _Told(name, None, why) if has_memory else None
    except (Denied, ParseError) as error:
        return _Told(name, None, str(error))
    if table.mappings:
        return _Told(name, table)
    return _Told(name, None, "smaps is empty") if has_memory else None


def _take(files: dict[tuple[bytes, int], MappedFile], pid: int, name: str, table: SmapsTable) -> None:
    nothing = [None] * len(table.mappings)
    columns = [table.columns.get(field, nothing) for field in _FIELDS]
    for mapping, *amounts in zip(table.mappings, *columns):
        if not mapping.inode:
            continue
        path = mapping.name.decode("utf-8", "surrogateescape")
        file = files.setdefault(
            (mapping.device, mapping.inode), MappedFile(path, mapping.device.decode(), mapping.inode, {})
        )
        before = file.mappers.get(pid, FileMapper(pid, name, 0, 0, 0))
        file.mappers[pid] = FileMapper(pid, name, *map(plus, before[2:], amounts))

"""Read which files processes have open or mapped, and with how much PSS they map each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.probes.file_walk import Place
from pymemtools.probes.open_files import may_open_mapped, open_files
from pymemtools.readings.cached_files import CachedFile
from pymemtools.readings.mappings import ProcessMaps, read_maps
from pymemtools.sources.attended import while_reading
from pymemtools.sources.base import Source

_DELETED = " (deleted)"


class Mapper(NamedTuple):
    """A process that maps a file; pss in bytes, of all its mappings of it, None where the kernel does not tell."""

    pid: int
    name: str
    pss: int | None


class Used(NamedTuple):
    """The files of processes."""

    places: dict[str, Place]  # by link or name, each file that is open or mapped
    mappers: dict[tuple[str, int], dict[int, Mapper]]  # by device or path, and inode
    processes: int
    unreadable: int
    reason: str


def read_used(source: Source, pids: Sequence[int], *, opened: bool) -> Used:
    """Read which files are mapped, and with ``opened`` also which are open. Processes that end are left out."""
    with while_reading(source, len(pids)):
        return _used(source, pids, opened=opened)


def _used(source: Source, pids: Sequence[int], *, opened: bool) -> Used:
    used = Used({}, {}, 0, 0, "")
    by_range = opened and may_open_mapped()
    for pid in pids:
        try:
            maps = read_maps(source, pid, lambda key: key == "Pss")
            name = _name(source, pid)
            links = open_files(pid) if opened else []
        except Missing:
            continue
        except (MemtoolsError, OSError) as error:
            if not isinstance(error, (FileNotFoundError, ProcessLookupError)):
                used = _refused(used, _reason(error))
            continue
        if maps.problem is not None:
            used = _refused(used, maps.problem.partition(": ")[2] or maps.problem)
            continue
        used = used._replace(processes=used.processes + 1)
        _take_mappings(used, maps, name, by_range=by_range, opened=opened)
        for link, target in links:
            used.places.setdefault(link if target.endswith(_DELETED) else target, Place(0, link, target, False))
    return used


def mappers_of(used: Used, file: CachedFile, path: str) -> list[Mapper]:
    """Give those who map a file, of the most PSS first; ``path`` is its absolute name.

    Where st_dev is another than that of maps (overlayfs, btrfs), name and inode tell.
    """
    found = used.mappers.get((file.device, file.inode)) or used.mappers.get((path, file.inode)) or {}
    return sorted(found.values(), key=lambda mapper: (-(mapper.pss or 0), mapper.pid))


def _take_mappings(used: Used, maps: ProcessMaps, name: str, *, by_range: bool, opened: bool) -> None:
    column = maps.columns.get("Pss")
    for place, mapping in enumerate(maps.mappings):
        if not mapping.inode:
            continue
        path = mapping.name.decode("utf-8", "surrogateescape")
        pss = None if column is None else column[place]
        for key in ((mapping.device.decode(), mapping.inode), (path, mapping.inode)):
            others = used.mappers.setdefault(key, {})
            before = others.get(maps.pid)
            others[maps.pid] = Mapper(maps.pid, name, pss if before is None or pss is None else pss + (before.pss or 0))
        if opened and path.startswith("/"):
            link = f"/proc/{maps.pid}/map_files/{mapping.start:x}-{mapping.end:x}"
            known_as = f"{path}{mapping.device.decode()}:{mapping.inode}" if path.endswith(_DELETED) else path
            if by_range or not path.endswith(_DELETED):
                used.places.setdefault(known_as, Place(0, link if by_range else path, path, False))


def _name(source: Source, pid: int) -> str:
    with source.process(pid) as files:
        return files.read("comm").rstrip(b"\n").decode("utf-8", "surrogateescape")


def _refused(used: Used, reason: str) -> Used:
    return used._replace(processes=used.processes + 1, unreadable=used.unreadable + 1, reason=used.reason or reason)


def _reason(error: Exception) -> str:
    if isinstance(error, Denied):
        return str(error).rpartition(": ")[2]
    return str(getattr(error, "strerror", None) or error)

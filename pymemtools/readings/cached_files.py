"""Read what is cached of files and trees: file system by file system, each with a time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.probes.file_walk import DONE, PROBLEM, ROW, Looks, Place, Sums, Walk
from pymemtools.probes.page_cache import PAGE, CacheCounter
from pymemtools.probes.worker import HungError, within
from pymemtools.procfs.mountinfo import Mount, parse_mountinfo
from pymemtools.sources.base import Source
from pymemtools.units import times

_WITHOUT_CACHE = frozenset(
    (
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs", "fusectl"),
        *("mqueue", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs"),
    )
)


class CachedFile(NamedTuple):
    """One file; sizes in bytes, of the page cache whole pages; None is unknown."""

    path: str
    size: int
    in_cache: int | None
    dirty: int | None
    writeback: int | None
    evicted_bytes: int | None
    recently_evicted: int | None
    method: str | None  # cachestat or mincore
    device: str  # ``major:minor``, hexadecimal as in maps
    inode: int
    cells: tuple[tuple[int, int], ...] | None  # pieces along the file: pages in the cache, all pages
    place: int  # of the path that named it, or its tree

    @property
    def pages(self) -> int:
        """Give the pages that the whole file takes."""
        return -(-self.size // PAGE)

    @property
    def cached_pages(self) -> int:
        """Give the pages in the cache; none where that is not known."""
        return (self.in_cache or 0) // PAGE


class Problem(NamedTuple):
    """What could not be looked at, and why."""

    path: str
    reason: str
    place: int


class Survey(NamedTuple):
    """What was found."""

    files: list[CachedFile]
    sums: dict[int, Sums]  # by place
    problems: list[Problem]
    hung: list[tuple[str, str]]  # mount points whose files were skipped, and why
    skipped: set[int]  # places there


class Reach(NamedTuple):
    """How far to go."""

    most: int | None = None
    cells: int = 0
    crosses: bool = False
    seconds: float = 5.0  # without an answer of a file system
    program: str = ""  # fincore, vmtouch: whose rules decide what counts


Told = Callable[[Sums], None]


def read_mounts(source: Source) -> list[Mount]:
    """Read what is mounted; nothing where that is not told."""
    try:
        return parse_mountinfo(source.read("self/mountinfo"))
    except MemtoolsError:
        return []


def survey(places: Sequence[Place], mounts: Sequence[Mount], reach: Reach, told: Told = lambda sums: None) -> Survey:
    """Look at files and trees, one file system after the other, each in a process of its own.

    ``told`` hears the sums so far. What is mounted within a tree belongs to it where it is of the same file system, or
    with ``crosses``, but for file systems that have nothing to cache.
    """
    found = Survey([], {place.number: Sums() for place in places}, [], [], set())
    points = {mount.point: mount for mount in mounts}
    for device, group in _by_device(places, points, crosses=reach.crosses).items():
        outside = frozenset(point for point, mount in points.items() if mount.device != device)
        looks = Looks(reach.most, reach.cells, outside, reach.program == "vmtouch", reach.program == "fincore")
        try:
            _look(within(reach.seconds, _messages(group, looks)), found, told)
        except HungError as error:
            found.hung.append((_point_of(group[0].path, points), str(error)))
            found.skipped.update(place.number for place in group if place in places)
    found.problems.sort(key=lambda problem: problem.place)
    if reach.most is not None:
        found.files.sort(key=lambda file: (file.in_cache is None, -(file.in_cache or 0), -file.size, file.path))
        del found.files[reach.most :]
    return found


def _look(messages: Iterable[Any], found: Survey, told: Told) -> None:
    """Take the messages of one worker into what was found."""
    for kind, number, *rest in messages:
        if kind == ROW:
            found.files.append(_file(number, *rest))
        elif kind == PROBLEM:
            found.problems.append(Problem(rest[0], rest[1], number))
        elif kind == DONE:
            found.sums[number] = total((found.sums[number], Sums(*rest)))
        else:
            told(total((*found.sums.values(), Sums(*rest))))


def _messages(group: Sequence[Place], looks: Looks) -> Iterator[Any]:
    """Make the walk only where it is done: in the other process."""
    yield from Walk(looks, CacheCounter()).messages(group)


def total(sums: Iterable[Sums]) -> Sums:
    """Add up."""
    columns = list(zip(*sums))
    return Sums(*map(sum, columns)) if columns else Sums()


def _file(number: int, shown: str, device: int, inode: int, size: int, *rest: Any) -> CachedFile:
    *counts, method, cells = rest
    cached, dirty, writeback, evicted, recently = (times(each, PAGE) for each in counts)
    amounts = (cached, dirty, writeback, evicted, recently)
    who = (_device(device), inode, None if cells is None else tuple(cells), number)
    return CachedFile(shown, size, *amounts, method, *who)


def _device(number: int) -> str:
    """Write st_dev as maps does; include/linux/kdev_t.h, new_encode_dev()."""
    major = number >> 8 & 0xFFF | number >> 32 & 0xFFFFF000
    minor = number & 0xFF | number >> 12 & 0xFFFFFF00
    return f"{major:02x}:{minor:02x}"


def _by_device(places: Sequence[Place], points: Mapping[str, Mount], *, crosses: bool) -> dict[str, list[Place]]:
    """Put together what is on one file system, as the paths tell, which asks none of them."""
    groups: dict[str, list[Place]] = {}
    for place in places:
        mount = points.get(_point_of(place.path, points))
        groups.setdefault(mount.device if mount else "", []).append(place)
        start = place.path if place.path.endswith("/") else f"{place.path}/"
        for point, mount in points.items() if crosses else ():
            if point.startswith(start) and point != start and mount.kind not in _WITHOUT_CACHE:
                shown = f"{place.shown.rstrip('/')}/{point[len(start) :]}"
                groups.setdefault(mount.device, []).append(Place(place.number, point, shown))
    return groups


def _point_of(path: str, points: Mapping[str, Mount]) -> str:
    """Give the mount point that a path is below."""
    while path and path not in points:
        path = path.rpartition("/")[0]
    return path or "/"

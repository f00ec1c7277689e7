"""Walk files and trees, and count what of each file is in the page cache.

Only regular files are opened: what a directory's entry or lstat calls another kind may wait for a writer, or start a
device. They are opened without waiting, never followed within trees, and looked at again once they are open.
"""

from __future__ import annotations

import os
import stat
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from heapq import heappush, heapreplace
from typing import Any, NamedTuple

from pymemtools.probes.page_cache import PAGE, CacheCounter, Resident

_LOOK = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_REGULAR = stat.S_IFREG >> 12
_ABOVE_ALL = (1 << 64, 0)
_fstat = os.fstat
_DEEPEST = 300  # directories that are open at a time, where they are entered as they are met; vmtouch has a limit, too
_KEEP_ALIVE = 0.2  # seconds between messages
ROW, SUMS, DONE, PROBLEM = "row", "sums", "done", "problem"


class Place(NamedTuple):
    """A file or a tree to be looked at."""

    number: int  # of the path that the user named
    path: str  # how it is opened; a link is followed
    shown: str  # how it is called
    is_named: bool = True  # else found: then only a file counts, and what is gone is no news


class Looks(NamedTuple):
    """How to look."""

    most: int | None = None  # files with the most pages in the cache; None is all
    cells: int = 0  # pieces of the bar
    outside: frozenset[str] = frozenset()  # mount points that are not entered
    as_vmtouch: bool = (
        False  # in the order of directories; no links, and several names count as one, several mounts not
    )
    as_fincore: bool = False  # each name counts


class Sums(NamedTuple):
    """Of one place: of files known to the cache's counters all, of others only their number and size."""

    files: int = 0
    directories: int = 0
    size: int = 0  # bytes
    pages: int = 0
    cached: int = 0  # pages, as all below
    dirty: int = 0
    writeback: int = 0
    evicted: int = 0
    recently_evicted: int = 0
    unknown: int = 0  # files
    by_cachestat: int = 0  # files
    unopened: int = 0  # files, of those unknown: nothing of them is counted
    huge: int = 0  # files, of those unknown: pages of hugetlbfs are no page cache


class Walk:
    """Looks at places one after the other; a file with several names, or seen by several mounts, counts once."""

    def __init__(self, looks: Looks, cache: CacheCounter | None = None) -> None:
        self._looks = looks
        self._cache = cache or CacheCounter()
        self._seen: dict[int, set[int]] = defaultdict(set)  # inodes by device: a tuple for each file would cost more
        self._rows: list[tuple[tuple[int, int], str, Any]] = []  # a heap
        self._resident = self._cache.resident
        self._least = (-2, 0)  # what a row must be above, in pages and size, to be among the most
        self._told = time.monotonic()
        self._place = 0
        self._sums = [0] * len(Sums._fields)

    def messages(self, places: Sequence[Place]) -> Iterator[Any]:
        """Give plain tuples: what they are, the number of the place, and the rest."""
        for place in places:
            self._place = place.number
            self._sums = [0] * len(Sums._fields)
            try:
                yield from self._named(place)
            except OSError as error:
                if place.is_named or not isinstance(error, (FileNotFoundError, ProcessLookupError)):
                    if not place.is_named:
                        self._cannot_open()
                    yield (PROBLEM, place.number, place.shown, os.strerror(error.errno or 0))
            yield (DONE, place.number, *self._sums)
        yield from (row for _, _, row in self._rows)

    def _named(self, place: Place) -> Iterator[Any]:
        looks = self._looks
        kind = os.stat(place.path, follow_symlinks=not looks.as_vmtouch).st_mode
        if stat.S_ISDIR(kind) and place.is_named and not looks.as_fincore:
            fd = os.open(place.path, _LOOK | os.O_DIRECTORY)
            try:
                real = os.readlink(f"/proc/self/fd/{fd}")
            finally:
                os.close(fd)
            yield from self._tree(place.path, place.shown, real)
        elif stat.S_ISREG(kind):
            fd = os.open(place.path, _LOOK)
            try:
                row = self._file(fd, place.shown)
            finally:
                os.close(fd)
            if row is not None:
                yield row
        elif place.is_named and not (stat.S_ISDIR(kind) and looks.as_fincore):
            yield (PROBLEM, place.number, place.shown, "not a regular file")

    def _tree(self, path: str, shown: str, real: str, depth: int = 0) -> Iterator[Any]:
        """Walk a tree, directories in the order of their names, or as vmtouch does each where it is met."""
        todo = [(path, shown, real)]
        while todo:
            path, shown, real = todo.pop()
            try:
                fd = os.open(path, _LOOK | os.O_DIRECTORY)
            except OSError as error:
                yield (PROBLEM, self._place, shown, os.strerror(error.errno or 0))
                continue
            try:
                if self._looks.as_vmtouch and self._is_again(fd):
                    continue
                self._sums[1] += 1
                below = yield from self._directory(fd, path, shown, real, depth)
            except OSError as error:
                yield (PROBLEM, self._place, shown, os.strerror(error.errno or 0))
                continue
            finally:
                os.close(fd)
            todo += self._entered(sorted(below, reverse=True), path, shown, real)

    def _is_again(self, fd: int) -> bool:
        """Tell whether a directory was seen before, as vmtouch does: by its links, of which most have two."""
        status = os.fstat(fd)
        seen = self._seen[status.st_dev]
        is_again = status.st_ino in seen
        if status.st_nlink > 1:
            seen.add(status.st_ino)
        return is_again

    def _entered(self, names: Iterable[str], path: str, shown: str, real: str) -> Iterator[tuple[str, str, str]]:
        """Give the directories that are entered: by what they are opened, how they are called, where they are."""
        for name in names:
            place = _joined(real, name)
            if place not in self._looks.outside:
                yield _joined(path, name), _joined(shown, name), place

    def _directory(
        self, directory: int, path: str, shown: str, real: str, depth: int
    ) -> Generator[Any, None, list[str]]:
        """Look at the files of a directory; return the names of those in it."""
        below = []
        flags = _LOOK | os.O_NOFOLLOW
        open_, close, look, is_file = os.open, os.close, self._file, os.DirEntry.is_file
        start = shown if shown.endswith("/") else f"{shown}/"
        with os.scandir(directory) as entries:
            for entry in entries:
                name = entry.name
                if is_file(entry, follow_symlinks=False):
                    try:
                        fd = open_(name, flags, dir_fd=directory)
                    except OSError as error:
                        self._cannot_open()
                        yield (PROBLEM, self._place, start + name, os.strerror(error.errno or 0))
                        continue
                    try:
                        row = look(fd, start + name)
                    finally:
                        close(fd)
                    if row is not None:
                        yield row
                elif entry.is_dir(follow_symlinks=False):
                    if not self._looks.as_vmtouch:
                        below.append(name)
                    elif depth < _DEEPEST:
                        for each in self._entered([name], path, shown, real):
                            yield from self._tree(*each, depth + 1)
                    else:
                        yield (PROBLEM, self._place, start + name, f"is more than {_DEEPEST} directories deep")
        if time.monotonic() - self._told > _KEEP_ALIVE:
            self._told = time.monotonic()
            yield (SUMS, self._place, *self._sums)
        return below

    def _file(self, fd: int, shown: str) -> tuple[Any, ...] | None:
        """Count one file; give its row, where all rows are wanted."""
        looks, status = self._looks, _fstat(fd)
        size, inode, seen = status.st_size, status.st_ino, self._seen[status.st_dev]
        if (inode in seen and not looks.as_fincore) or status.st_mode >> 12 != _REGULAR:
            return None
        if not looks.as_vmtouch or status.st_nlink > 1:
            seen.add(inode)
        found = self._resident(fd, status)
        cached, dirty, writeback, evicted, recently, _ = found
        sums = self._sums
        sums[0] += 1
        sums[2] += size
        if cached is None:
            sums[9] += 1
            sums[12] += self._cache.is_huge(status.st_dev)
            cached = -1
        else:
            sums[3] += -(-size // PAGE)
            sums[4] += cached
            if dirty is not None:
                sums[10] += 1
                if dirty or writeback or evicted:  # of most files nothing
                    sums[5] += dirty
                    sums[6] += writeback or 0
                    sums[7] += evicted or 0
                    sums[8] += recently or 0
        if looks.most is None:
            return self._row(fd, status, found, shown)
        if (cached, size) > self._least:
            self._keep((cached, size), shown, self._row(fd, status, found, shown))
        return None

    def _cannot_open(self) -> None:
        """Count a file of which we are told no more than its name."""
        self._sums[9] += 1
        self._sums[11] += 1

    def _keep(self, rank: tuple[int, int], shown: str, row: Any) -> None:
        """Put a file among those with the most, in place of the one with the least."""
        most, rows = self._looks.most or 0, self._rows
        if len(rows) < most:
            heappush(rows, (rank, shown, row))
        elif most:
            heapreplace(rows, (rank, shown, row))
        if len(rows) == most:
            self._least = rows[0][0] if rows else _ABOVE_ALL

    def _row(self, fd: int, status: os.stat_result, found: Resident, shown: str) -> tuple[Any, ...]:
        cells = self._cache.cells(fd, status, self._looks.cells) if self._looks.cells else None
        return (ROW, self._place, shown, status.st_dev, status.st_ino, status.st_size, *found, cells)


def _joined(path: str, name: str) -> str:
    return path + name if path.endswith("/") else f"{path}/{name}"

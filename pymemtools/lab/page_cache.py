"""Read files twice, and see where the bytes come from."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.control.page_cache import evict_open
from pymemtools.errors import MemtoolsError
from pymemtools.lab.experiment import Experiment, nothing_in_the_way
from pymemtools.lab.own_file import made, place
from pymemtools.lab.stage import Stage
from pymemtools.probes.page_cache import PAGE, CacheCounter
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.reports.lab.page_cache import COLUMNS, CacheTrial, passes_of, trial_report
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.reports.what_if.asked import ask
from pymemtools.sources.base import Source

_MARGIN = 16 << 20
_MOST_FILES = 50_000
_PIECE = 1 << 20
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_DISK = 600.0  # seconds: a disk may be slow


def _plan(source: Source, request: CacheTrial) -> Plan:
    size = sum(size for _, size in _chosen(request).files) if request.directory is not None else request.size
    if size == 0:
        raise CannotRun(f"lab page-cache: cannot run here: {request.directory}: no file that can be read")
    predicted = passes_of(ask(source), size)
    if predicted[-1].misses > predicted[-1].error_bound:
        raise CannotRun(
            "lab page-cache: will not run now: the page cache has no room for all of it (--size reads less)"
        )
    what = f"the files in {request.directory}" if request.directory is not None else "a file of our own"
    happens = (
        f"The pages of {what} are taken out of the page cache, which loses nothing, and it is read twice.",
        "The first reading comes from the disk, and the kernel keeps the pages; the second finds them in memory. "
        "free sinks by them, available does not: they can be taken back at any time.",
    )
    own = request.size if request.directory is None else 0
    return Plan(happens, _MARGIN, own, _DISK, place() if own else "", [each.misses for each in predicted])


class _Chosen(NamedTuple):
    """Files by path and size, and how many others there are that would have to be read."""

    files: Sequence[tuple[str, int]]
    left_out: int


def _chosen(request: CacheTrial) -> _Chosen:
    """Choose files, in order, each by one of its names, until there are enough bytes."""
    left, left_out = request.size, 0
    files: list[tuple[str, int]] = []
    seen: set[int] = set()
    for path, found in _regular(request.directory or ""):
        if found.st_ino in seen or found.st_size == 0:
            continue
        seen.add(found.st_ino)
        if found.st_size <= left and len(files) < _MOST_FILES and os.access(path, os.R_OK):
            left -= found.st_size
            files.append((path, found.st_size))
        else:
            left_out += 1
    return _Chosen(files, left_out)


def _regular(top: str) -> Iterator[tuple[str, os.stat_result]]:
    """Walk the regular files of one file system, in order."""
    try:
        device = os.stat(top).st_dev
        os.listdir(top)
    except OSError as error:
        raise MemtoolsError(f"lab page-cache: {top}: {os.strerror(error.errno or 0)}") from None
    for path, directories, names in os.walk(top):
        directories[:] = sorted(name for name in directories if _device(os.path.join(path, name)) == device)
        for name in sorted(names):
            full = os.path.join(path, name)
            try:
                found = os.lstat(full)
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode) and found.st_dev == device:
                yield full, found


def _device(path: str) -> int | None:
    try:
        return os.lstat(path).st_dev
    except OSError:
        return None


class _Trial:
    """The files, which are opened for each look."""

    def __init__(self, stage: Stage, files: Sequence[tuple[str, int]], own: int | None) -> None:
        self._stage = stage
        self._files = files
        self._own = own
        self._counter = CacheCounter()
        self._buffer = bytearray(_PIECE)
        self.method: str | None = None

    def _opened(self) -> Iterator[int]:
        if self._own is not None:
            yield self._own
        for path, _ in self._files:
            try:
                fd = os.open(path, _OPEN)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EACCES, errno.ELOOP):
                    continue
                raise MemtoolsError(f"{path}: {os.strerror(error.errno or 0)}") from None
            try:
                yield fd
            finally:
                os.close(fd)

    def evict(self) -> None:
        """Take all out of the page cache, as far as nobody maps it."""
        for fd in self._opened():
            try:
                evict_open(fd, os.fstat(fd).st_size)
            except OSError as error:
                reason = os.strerror(error.errno or 0)
                raise CannotRun(f"lab page-cache: cannot run here: a file cannot be evicted: {reason}") from None

    def read(self) -> int:
        """Read all; give how many bytes that were."""
        whole = 0
        for fd in self._opened():
            at = 0
            while count := os.preadv(fd, [self._buffer], at):
                at += count
            whole += at
        return whole

    def show(
        self, step: str, read: int | None, seconds: float | None, disk: int | None, model: int | None
    ) -> int | None:
        """Look where the pages are; give how many bytes of them are in the cache."""
        in_cache = self._in_cache()
        info = parse_meminfo(self._stage.source.read("meminfo"))
        self._stage.row(
            step=step,
            seconds=seconds,
            read=read,
            from_disk=disk,
            predicted_misses=model,
            in_cache=in_cache,
            cached=info.get("Cached"),
            free=info.get("MemFree"),
        )
        return in_cache

    def _in_cache(self) -> int | None:
        pages = 0
        for fd in self._opened():
            found = self._counter.resident(fd, os.fstat(fd))
            if found.cached is None:
                return None
            self.method, pages = found.method, pages + found.cached
        return pages * PAGE


def _run(request: CacheTrial, stage: Stage) -> Mapping[str, Any]:
    chosen = _chosen(request) if request.directory is not None else _Chosen([], 0)
    files = chosen.files
    own = None if request.directory is not None else made(stage, request.size, "page-cache")
    sizes = [size for _, size in files] or [request.size]
    trial = _Trial(stage, files, own)
    trial.evict()
    trial.show("not in memory", None, None, None, None)
    _read_twice(trial, stage)
    if chosen.left_out:
        stage.note(f"files that cannot be read, or are larger than --size leaves room for: {chosen.left_out}, left out")
    if files and _chosen(request).files != files:
        raise CannotRun("lab page-cache: cannot be judged: files changed while they were read")
    return {
        "files": len(sizes),
        "size": sum(sizes),
        "whole_pages": sum(-(-size // PAGE) * PAGE for size in sizes),
        "directory": request.directory,
        "method": trial.method,
    }


def _read_twice(trial: _Trial, stage: Stage) -> None:
    for step, model in zip(("first reading", "second reading"), stage.predicted):
        start, before = time.perf_counter(), _from_disk(stage.source)
        read = trial.read()
        seconds, after = round(time.perf_counter() - start, 4), _from_disk(stage.source)
        disk = None if before is None or after is None else after - before
        if trial.show(step, read, seconds, disk, model) == 0:
            raise CannotRun("lab page-cache: cannot run here: this file system keeps nothing in the page cache")
        if step == "first reading" and disk == 0:
            stage.note("nothing came from a disk the first time: this file system is in memory, or counts elsewhere")


def _from_disk(source: Source) -> int | None:
    """Give the bytes that we have had fetched from disks; None where the kernel does not count them."""
    try:
        lines = dict(line.split(b": ") for line in source.read("self/io").splitlines())
        return int(lines[b"read_bytes"])
    except (MemtoolsError, KeyError, ValueError):
        return None


EXPERIMENT = Experiment("page-cache", COLUMNS, nothing_in_the_way, _plan, _run, trial_report)

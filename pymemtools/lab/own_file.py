"""A file of our own, without a name: it is gone when nobody has it open."""

from __future__ import annotations

import os

from pymemtools.control.page_cache import evict_open
from pymemtools.lab.stage import Stage
from pymemtools.probes.page_cache import PAGE, CacheCounter
from pymemtools.reports.lab.plan import CannotRun

_PIECE = 1 << 20


def place() -> str:
    """Give the directory that it goes to. Raises CannotRun where that takes no file."""
    lasting, other = "/var/tmp", "/tmp"  # noqa: S108 (for a file without a name; /tmp may be memory)
    found = os.environ.get("TMPDIR") or (lasting if os.access(lasting, os.W_OK) else other)
    if not (os.path.isdir(found) and os.access(found, os.W_OK | os.X_OK, effective_ids=True)):
        raise CannotRun(f"lab: cannot run here: no file can be made in {found}: TMPDIR names another place")
    return found


def made(stage: Stage, size: int, name: str) -> int:
    """Write a file of so many bytes, to the disk, too; ``name`` is the experiment. Raises CannotRun."""
    fd, piece = stage.temporary(place()), os.urandom(_PIECE)
    try:
        at = 0
        while at < size:
            at += os.pwrite(fd, piece[: size - at], at)
        os.fsync(fd)
    except OSError as error:
        raise CannotRun(f"lab {name}: cannot run here: {place()}: {os.strerror(error.errno or 0)}") from None
    return fd


def path_of(fd: int) -> str:
    """Give a path by which our programs open it, too."""
    return f"/proc/{os.getpid()}/fd/{fd}"


def cached(fd: int) -> int | None:
    """Give how many bytes of it are in the page cache; None where nothing tells."""
    pages = CacheCounter().resident(fd, os.fstat(fd)).cached
    return None if pages is None else pages * PAGE


def evict(fd: int, name: str) -> None:
    """Take it out of the page cache. Raises CannotRun where that takes nothing out."""
    try:
        evict_open(fd, os.fstat(fd).st_size)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise CannotRun(f"lab {name}: cannot run here: a file cannot be evicted: {reason}") from None
    if cached(fd):
        raise CannotRun(f"lab {name}: cannot run here: files in {place()} stay in memory: TMPDIR names another place")

"""Read a live process whole or not at all: one that dies or calls exec meanwhile leaves short files and no error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from pymemtools.errors import Denied, Missing, NoSuchProcess
from pymemtools.procfs.stat import Stat, parse_stat
from pymemtools.procfs.status import stat_by_status
from pymemtools.sources.base import ProcessFiles, Source

_T = TypeVar("_T")
_TRIES = 20  # until a new program is all mapped, which takes about a millisecond


def read_steadily(source: Source, pid: int, read: Callable[[ProcessFiles, Stat | None], _T]) -> _T:
    """Call ``read`` between two looks at the process's stat, and give its result only when both show one process.

    After an exec, which mixes two address spaces, it is called once more, and again until the new program is all
    mapped; where that takes for ever (its file system hangs) there is but the little it has. A copy does not change,
    and may lack stat. Raises Missing when the process is gone, or going, or will not keep still, Denied when it may not
    be opened.
    """
    if not source.is_live:
        with source.process(pid) as files:
            return read(files, _stat_of_copy(files))
    changes = 0
    for tries_left in reversed(range(_TRIES)):
        with source.process(pid) as files:
            text, before = _look(files)
            if before is not None and before.is_dead and (before.threads or 0) > 1:
                files = _other_thread(source, files)
                text, before = _look(files)
            if before is not None and before.is_exiting:
                break
            result = read(files, before)
            if before is not None and (before.is_kernel_thread or before.is_dead):
                return result
            text_after = _stat_text(files)
        after = before if text_after == text else _parsed(text_after, pid)
        if before is None or after is None or after.is_dead:
            break
        is_same = after.same_image(before)
        if is_same and not (after.is_in_exec and tries_left):
            return result
        changes += not is_same and not before.is_in_exec
        if changes > 1:
            break
    raise NoSuchProcess(pid)


class _ThreadFiles:
    """The files of a process as one of its threads has them."""

    def __init__(self, process: ProcessFiles, tid: str) -> None:
        self.pid = process.pid
        self._process = process
        self._directory = f"task/{tid}"

    def read(self, name: str) -> bytes:
        return self._process.read(f"{self._directory}/{name}")

    def chunks(self, name: str) -> Iterator[bytes]:
        return self._process.chunks(f"{self._directory}/{name}")

    def uid(self) -> int | None:
        return self._process.uid()


def _other_thread(source: Source, files: ProcessFiles) -> ProcessFiles:
    """Find a thread that lives on after the main thread.

    Of such a process /proc/PID shows no more than of a zombie, though all its memory is there. It could hide that way.
    """
    for tid in source.names(f"{files.pid}/task"):
        thread = _ThreadFiles(files, tid)
        _, stat = _look(thread)
        if stat is not None and not stat.is_dead:
            return thread
    return files


def _look(files: ProcessFiles) -> tuple[bytes, Stat | None]:
    text = _stat_text(files)
    return text, _parsed(text, files.pid)


def _stat_text(files: ProcessFiles) -> bytes:
    """Read stat, which a process that is gone no longer has."""
    try:
        return files.read("stat")
    except Missing:
        return b""


def _stat_of_copy(files: ProcessFiles) -> Stat | None:
    """Take what a copy tells: stat, or where it has none, or one too short for the sizes, status; or the name alone."""
    stat = _parsed(_copied(files, "stat"), files.pid)
    if stat is None or stat.vsize is None:
        stat = stat_by_status(_copied(files, "status"), files.pid, stat)
        if stat is not None and stat.vsize == 0 and _has_mappings(files):  # whoever kept a part of status
            stat = stat._replace(vsize=None)
    comm = b"" if stat is not None else _copied(files, "comm").removesuffix(b"\n")
    return Stat(files.pid, comm, "?") if comm else stat


def _has_mappings(files: ProcessFiles) -> bool:
    try:
        return any(files.chunks("smaps"))
    except (Missing, Denied):
        return False


def _copied(files: ProcessFiles, name: str) -> bytes:
    try:
        return files.read(name)
    except (Missing, Denied):
        return b""


def _parsed(text: bytes, pid: int) -> Stat | None:
    return parse_stat(text, f"{pid}/stat") if text else None

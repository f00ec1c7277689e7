"""Write a file whole or not at all, and never over another one unless told to."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import BinaryIO

from pymemtools.errors import MemtoolsError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def write_new_file(path: str, data: bytes, *, force: bool) -> None:
    """Write ``data`` to a new file. Raises MemtoolsError."""
    with new_file(path, force=force) as file:
        file.write(data)


def check_new_file(path: str, *, force: bool) -> None:
    """Refuse what write_new_file() would, before something is begun that takes long. Raises MemtoolsError."""
    with _told(path):
        _remove(_reserved(path, force=force, mode=0o600))


def replace_file(path: str, data: bytes, *, mode: int) -> None:
    """Put ``data`` in the place of a file, or of none: who reads it sees the old or the new one, after a crash, too.

    It has this very mode, whatever the umask. Raises MemtoolsError.
    """
    with new_file(path, force=True, mode=mode) as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _keep_name(os.path.dirname(path) or ".")


def _keep_name(folder: str) -> None:
    """Bring the names of a folder to the disk, as far as its file system can."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)


@contextmanager
def new_file(path: str, *, force: bool, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a new file beside ``path``, which gets the name when all went well; otherwise nothing of it is left.

    Without ``force`` an existing file or symbolic link of that name is refused, atomically; with it, replaced.
    Raises MemtoolsError, also for what fails within the block when it is a system error.
    """
    with new_path(path, force=force, mode=mode) as temporary, open(temporary, "wb") as file:
        yield file


@contextmanager
def new_path(path: str, *, force: bool, mode: int = 0o600) -> Iterator[str]:
    """Give the path of an empty file beside ``path``, for who writes by name; all else is as of new_file()."""
    with _told(path):
        temporary = _reserved(path, force=force, mode=mode)
        with removed(temporary):
            yield temporary
            _give_name(temporary, path, force=force)


def _reserved(path: str, *, force: bool, mode: int) -> str:
    """Make the empty file beside ``path``."""
    # Not by our number alone: in a container it is the same each time, and what was left by one killed would stay.
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    if not force and os.path.lexists(path):
        raise FileExistsError
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode))
    return temporary


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Have system errors tell of a file by its own name. Raises MemtoolsError."""
    try:
        yield
    except FileExistsError:
        raise MemtoolsError(f"{path}: exists already (--force replaces it)") from None
    except OSError as error:
        raise MemtoolsError(f"{path}: {os.strerror(error.errno or 0)}") from None


@contextmanager
def removed(path: str) -> Iterator[None]:
    """Remove a file, or a folder, in the end, whatever ends us: an error, or a signal, which ends us as it would have.

    Whoever has one to be removed around it is told of the signal, too.
    """

    def end(number: int, frame: FrameType | None) -> None:
        _remove(path)
        signal.signal(number, before.get(signal.Signals(number)) or signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        _remove(path)
        for number, handler in before.items():
            signal.signal(number, handler)


def _give_name(temporary: str, path: str, *, force: bool) -> None:
    if force:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        if os.path.lexists(path):  # a file system without hard links: as near as one can get
            raise FileExistsError from None
        os.rename(temporary, path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        import shutil

        gone = f"{path}.gone"  # so that nobody can put anything more into it by its name
        os.rename(path, gone)
        shutil.rmtree(gone, ignore_errors=True)

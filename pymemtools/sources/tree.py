"""A /proc tree in the file system: the live one, or a copy in a directory."""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.sources.base import Facts, kernel_release, parse_passwd, parse_pid

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CHUNK = 64 * 1024
# One readv() of many small pieces: the kernel gives at most a page of smaps for each piece, whatever its size, and a
# piece larger than what is left of its page when a record no longer fits ends the call. 3 KiB leave room for a record.
_PIECE, _PIECES = 3072, 64
_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENOTDIR, errno.ELOOP})
_REFUSED = frozenset({errno.EACCES, errno.EPERM})


def live(proc: str = "/proc") -> Tree:
    """Open the machine we run on."""
    return Tree(proc, "/", is_live=True)


def directory(path: str) -> Tree:
    """Open a directory that holds a /proc tree, either itself or in ``proc/``."""
    proc = os.path.join(path, "proc")
    if not os.path.isdir(proc):
        proc, root = path, path
    else:
        root = path
    if os.path.samefile(proc, "/proc") or _same_device(proc, "/proc"):
        return live(proc)
    tree = Tree(proc, root, is_live=False, path=path)
    if not tree.looks_like_proc():
        raise Missing(f"{path}: no /proc tree in it (neither meminfo nor a process)")
    return tree


def _same_device(path: str, other: str) -> bool:
    try:
        return os.stat(path).st_dev == os.stat(other).st_dev and os.path.ismount(path)
    except OSError:
        return False


class Tree:
    """A /proc tree that the file system shows at ``proc``; the machine's other files are below ``root``."""

    def __init__(self, proc: str, root: str, *, is_live: bool, path: str | None = None) -> None:
        self._proc = proc
        self._root = root
        self._path = path
        self.is_live = is_live
        self._facts: Facts | None = None
        self._users: dict[int, str | None] = {}
        self._buffers: list[_Buffer] = []  # to be used again: one for each thread that reads
        self._passwd: dict[int, str] | None = None
        try:
            self._fd = os.open(proc, _DIRECTORY)
        except OSError as error:
            _refuse(error, proc)
        weakref.finalize(self, os.close, self._fd)

    def looks_like_proc(self) -> bool:
        """Tell whether there is a meminfo or a process in it."""
        return os.path.exists(os.path.join(self._proc, "meminfo")) or bool(self.pids())

    @property
    def facts(self) -> Facts:
        """Tell what is known of the machine studied."""
        if self._facts is None:
            try:
                kernel = kernel_release(self.read("version"))
            except MemtoolsError:
                kernel = None
            page_size = os.sysconf("SC_PAGE_SIZE") if self.is_live else None
            self._facts = Facts("live" if self.is_live else "directory", self._path, kernel, page_size, None)
        return self._facts

    def read(self, path: str) -> bytes:
        """Read a file below /proc or, with a leading ``/``, of the machine. Raises Missing or Denied."""
        if path.startswith("/"):
            return _read(self._root.rstrip("/") + path, None, path)
        return _read(path, self._fd, path if self.is_live else os.path.join(self._proc, path))

    def names(self, path: str) -> list[str]:
        """List a directory; empty when there is none."""
        base = self._root.rstrip("/") + path if path.startswith("/") else os.path.join(self._proc, path)
        try:
            return sorted(os.listdir(base))
        except OSError:
            return []

    def pids(self) -> list[int]:
        """List the processes in ascending order."""
        return sorted(pid for pid in map(parse_pid, os.listdir(self._fd)) if pid is not None)

    @contextmanager
    def process(self, pid: int) -> Iterator[TreeProcess]:
        """Open one process; everything is then read through one directory descriptor, so PID reuse cannot mix two."""
        try:
            fd = os.open(str(pid), _DIRECTORY, dir_fd=self._fd)
        except OSError as error:
            _refuse(error, str(pid))
        try:
            yield TreeProcess(pid, fd, self.is_live, self._buffers)
        finally:
            os.close(fd)

    def user_name(self, uid: int) -> str | None:
        """Name a user of the machine studied: by the name service when live, else by the copy's own etc/passwd."""
        if uid not in self._users:
            self._users[uid] = self._look_up(uid)
        return self._users[uid]

    def _look_up(self, uid: int) -> str | None:
        if self.is_live:
            import pwd

            try:
                return pwd.getpwuid(uid).pw_name
            except (KeyError, OverflowError):
                return None
        if self._passwd is None:
            try:
                self._passwd = parse_passwd(self.read("/etc/passwd"))
            except MemtoolsError:
                self._passwd = {}
        return self._passwd.get(uid)


class _Buffer:
    """Memory to read into, whole and as the pieces of one readv()."""

    def __init__(self) -> None:
        self.whole = memoryview(bytearray(_PIECE * _PIECES))
        self.pieces = [self.whole[i * _PIECE : (i + 1) * _PIECE] for i in range(_PIECES)]


class TreeProcess:
    """One /proc/PID directory, held by its descriptor."""

    def __init__(self, pid: int, fd: int, is_live: bool, buffers: list[_Buffer]) -> None:
        self.pid = pid
        self._fd = fd
        self._is_live = is_live
        self._buffers = buffers

    def read(self, name: str) -> bytes:
        """Read a small file whole. Raises Missing or Denied."""
        return _read(name, self._fd, f"{self.pid}/{name}")

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read a file in pieces of up to 192 KiB. Raises Missing or Denied."""
        where = f"{self.pid}/{name}"
        try:
            fd = os.open(name, _READ, dir_fd=self._fd)
        except OSError as error:
            _refuse(error, where)
        buffer = self._buffers.pop() if self._buffers else _Buffer()
        try:
            while size := os.readv(fd, buffer.pieces):
                yield bytes(buffer.whole[:size])
        except OSError as error:
            _refuse(error, where)
        finally:
            os.close(fd)
            self._buffers.append(buffer)

    def uid(self) -> int | None:
        """Tell the owner: the live directory's, or what a copied status says, or else the copy's owner."""
        if not self._is_live:
            from pymemtools.sources.status import effective_uid

            try:
                uid = effective_uid(self.read("status"))
            except MemtoolsError:
                uid = None
            if uid is not None:
                return uid
        return os.fstat(self._fd).st_uid


def _read(path: str, dir_fd: int | None, where: str) -> bytes:
    try:
        fd = os.open(path, _READ, dir_fd=dir_fd)
    except OSError as error:
        _refuse(error, where)
    try:
        parts = []
        while part := os.read(fd, _CHUNK):
            parts.append(part)
        return b"".join(parts)
    except OSError as error:
        _refuse(error, where)
    finally:
        os.close(fd)


def _refuse(error: OSError, where: str) -> NoReturn:
    if error.errno in _GONE:
        raise Missing(f"{where}: {os.strerror(error.errno or 0)}") from None
    if error.errno in _REFUSED:
        raise Denied(f"{where}: {os.strerror(error.errno or 0)}") from None
    raise MemtoolsError(f"{where}: {error.strerror}") from None

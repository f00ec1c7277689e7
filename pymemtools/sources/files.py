"""Read files below a directory descriptor; in a copy, without following what its maker may have put there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import NoReturn

from pymemtools.errors import Denied, MemtoolsError, Missing, ParseError
from pymemtools.sources.base import MAX_WHOLE
from pymemtools.units import exact_size

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PASSAGE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_CHUNK = 64 * 1024
# One readv() of many small pieces: the kernel gives at most a page of smaps for each piece, whatever its size, and a
# piece larger than what is left of its page when a record no longer fits ends the call. 3 KiB leave room for a record.
_PIECE, _PIECES = 3072, 64
_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EISDIR})
_REFUSED = frozenset({errno.EACCES, errno.EPERM})


class Directory:
    """A directory, held by its descriptor.

    ``follows`` is for the kernel's own file systems. Below a copy, no symbolic link is followed and nothing but regular
    files is read: a link may lead to this machine's files, and a FIFO or a device never ends.
    """

    __slots__ = ("_name", "fd", "follows")

    def __init__(self, fd: int, name: str, *, follows: bool) -> None:
        self.fd = fd
        self.follows = follows
        self._name = name

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor, which otherwise happens with the object's end."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def read(self, path: str) -> bytes:
        """Read a small file whole. Raises Missing or Denied."""
        fd = self._open(path)
        try:
            first = os.read(fd, _CHUNK)
            part = os.read(fd, _CHUNK)
            if not part:
                return first
            parts = [first, part]
            size = len(first) + len(part)
            while part := os.read(fd, _CHUNK):
                parts.append(part)
                size += len(part)
                if size > MAX_WHOLE and not self.follows:
                    raise ParseError(self._where(path), None, f"more than {exact_size(MAX_WHOLE)}")
            return b"".join(parts)
        except OSError as error:
            refuse(error, self._where(path))
        finally:
            os.close(fd)

    def chunks(self, path: str, buffers: list[Buffer]) -> Iterator[bytes]:
        """Read a file in pieces of up to 192 KiB. Raises Missing or Denied."""
        fd = self._open(path)
        buffer = buffers.pop() if buffers else Buffer()
        try:
            while size := os.readv(fd, buffer.pieces):
                yield bytes(buffer.whole[:size])
        except OSError as error:
            refuse(error, self._where(path))
        finally:
            os.close(fd)
            buffers.append(buffer)

    def is_empty(self, path: str) -> bool:
        """Tell whether a file can be read but has nothing in it; not to be asked of the kernel's own file systems."""
        try:
            fd = self._open(path)
        except MemtoolsError:
            return False
        size = os.fstat(fd).st_size
        os.close(fd)
        return size == 0

    def names(self, path: str = "") -> list[str]:
        """List a directory; empty when there is none."""
        try:
            fd = self._walk((path or ".").split("/"))
        except (OSError, MemtoolsError):
            return []
        try:
            return sorted(os.listdir(fd))
        except OSError:
            return []
        finally:
            os.close(fd)

    def directory(self, name: str, known_as: str | None = None) -> Directory:
        """Open a directory in this one, by which name messages call it. Raises Missing or Denied."""
        try:
            fd = os.open(name, _DIRECTORY | (0 if self.follows else os.O_NOFOLLOW), dir_fd=self.fd)
        except OSError as error:
            refuse(error, self._where(name))
        return Directory(fd, known_as or self._where(name), follows=self.follows)

    def _open(self, path: str) -> int:
        try:
            if self.follows:
                return os.open(path, _READ, dir_fd=self.fd)
            return self._open_regular(path)
        except OSError as error:
            if error.errno == errno.ELOOP and not self.follows:
                raise Missing(f"{self._where(path)}: a symbolic link, which is not followed") from None
            refuse(error, self._where(path))

    def _open_regular(self, path: str) -> int:
        *folders, name = path.split("/")
        parent = self._walk(folders) if folders else self.fd
        try:
            fd = os.open(name, _READ | os.O_NOFOLLOW, dir_fd=parent)
        finally:
            if parent != self.fd:
                os.close(parent)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise Missing(f"{self._where(path)}: not a regular file")
        return fd

    def _walk(self, folders: list[str]) -> int:
        """Open a directory further down, one step at a time, and never upwards."""
        if ".." in folders:
            raise Missing(f"{self._where('/'.join(folders))}: not below the source")
        if self.follows:
            return os.open("/".join(folders), _DIRECTORY, dir_fd=self.fd)
        fd = os.dup(self.fd)
        for folder in folders:
            try:
                below = os.open(folder, _DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            finally:
                os.close(fd)
            fd = below
        return fd

    def _where(self, path: str) -> str:
        return f"{self._name}/{path}"


class Buffer:
    """Memory to read into, whole and as the pieces of one readv()."""

    def __init__(self) -> None:
        self.whole = memoryview(bytearray(_PIECE * _PIECES))
        self.pieces = [self.whole[i * _PIECE : (i + 1) * _PIECE] for i in range(_PIECES)]


def open_directory(path: str, *, follows: bool, is_listed: bool = True) -> Directory:
    """Open a directory by its path, which the user gave and whose links are followed. Raises Missing or Denied.

    One that need not be listed need not be readable, only open to those who know its files.
    """
    try:
        return Directory(os.open(path, _DIRECTORY if is_listed else _PASSAGE), path.rstrip("/"), follows=follows)
    except OSError as error:
        refuse(error, path)


def refuse(error: OSError, where: str) -> NoReturn:
    """Raise what a system error means for the user: Missing, Denied, or a plain error."""
    reason = f"{where}: {os.strerror(error.errno or 0)}"
    if error.errno in _GONE:
        raise Missing(reason) from None
    if error.errno in _REFUSED:
        raise Denied(reason) from None
    raise MemtoolsError(reason) from None

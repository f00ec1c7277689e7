"""Take files out of the page cache, or read them into it."""

from __future__ import annotations

import os
import stat

from pymemtools.control.reasons import why_not
from pymemtools.errors import Denied, MemtoolsError

STEP = 2 << 20  # bytes read ahead at once: the kernel cuts larger requests without a word
_LOOK = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def evict(path: str) -> None:
    """Write a file's dirty pages, and ask the kernel to drop it; mapped and locked pages stay. Raises Denied."""
    fd, size = _opened(path)
    try:
        evict_open(fd, size)
    except OSError as error:
        raise Denied(f"{path}: not evicted: {why_not(error)}") from None
    finally:
        os.close(fd)


def evict_open(fd: int, size: int) -> None:
    """Do so with a file that is open. Raises OSError."""
    os.fdatasync(fd)
    os.posix_fadvise(fd, 0, size, os.POSIX_FADV_DONTNEED)


def load(path: str, most: int) -> tuple[int, int]:
    """Start to read a file, at most so many bytes of it; give how many were asked for, and its size. Raises Denied."""
    fd, size = _opened(path)
    asked = 0
    try:
        while asked < min(size, most):
            length = min(STEP, size - asked, most - asked)
            os.posix_fadvise(fd, asked, length, os.POSIX_FADV_WILLNEED)
            asked += length
    except OSError as error:
        raise Denied(f"{path}: not loaded: {why_not(error)}") from None
    finally:
        os.close(fd)
    return asked, size


def _opened(path: str) -> tuple[int, int]:
    """Open a regular file, and nothing else, without waiting; give its size, too. Raises MemtoolsError."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise MemtoolsError(f"{path}: not a regular file")
        fd = os.open(path, _LOOK)
    except OSError as error:
        raise Denied(f"{path}: {os.strerror(error.errno or 0)}") from None
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise MemtoolsError(f"{path}: not a regular file")
    return fd, status.st_size

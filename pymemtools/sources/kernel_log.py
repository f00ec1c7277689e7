"""The kernel's ring buffer, as dmesg prints it."""

from __future__ import annotations

import os
import time

from pymemtools.errors import Denied
from pymemtools.units import whole_number

_RECORD = 8192  # bytes; the kernel writes no longer ones (CONSOLE_EXT_LOG_MAX)


def read_kernel_log(path: str = "/dev/kmsg") -> bytes:
    """Give the messages with their times, ``[   12.345678] text``. Raises Denied.

    Source: Documentation/ABI/testing/dev-kmsg.
    """
    fd = _opened(path)
    try:
        return _read_on(fd, path)
    finally:
        os.close(fd)


class NewMessages:
    """The messages that come from now on."""

    def __init__(self, path: str = "/dev/kmsg") -> None:
        """Begin behind the last message there is. Raises Denied."""
        self._path = path
        self._fd = _opened(path)
        os.lseek(self._fd, 0, os.SEEK_END)

    def read(self) -> bytes:
        """Give those that have come since the last reading. Raises Denied."""
        return _read_on(self._fd, self._path)


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        advice = "; run as root" if os.geteuid() else ""
        raise Denied(f"{path}: {os.strerror(error.errno or 0)}{advice}") from None


def _read_on(fd: int, path: str) -> bytes:
    """Read messages until there is none that was not read."""
    lines = []
    while True:
        try:
            record = os.read(fd, _RECORD)
        except BlockingIOError:
            break
        except BrokenPipeError:  # older messages were overwritten meanwhile: the next read goes on behind them
            continue
        except OSError as error:
            raise Denied(f"{path}: {os.strerror(error.errno or 0)}") from None
        if not record:
            break
        lines.append(_line(record))
    return b"".join(lines)


def started_at() -> float:
    """Tell when this machine was started, in seconds since 1970, by the clock of its messages, which sleep stops."""
    return time.time() - time.monotonic()


def running_kernel() -> str:
    """Give the release of the kernel that runs."""
    return os.uname().release


def _line(record: bytes) -> bytes:
    r"""Turn ``priority,number,microseconds,flags;text`` and its tags into a line, or several where the text is.

    >>> _line(b"6,812,3000100,-;active_anon:5\\x0a free:7\n SUBSYSTEM=mm\n")
    b'[    3.000100] active_anon:5\n[    3.000100]  free:7\n'
    """
    head, _, text = record.partition(b";")
    fields = head.split(b",")
    microseconds = (whole_number(fields[2]) if len(fields) > 2 else None) or 0
    message = text.split(b"\n", 1)[0]
    when = b"[%5d.%06d] " % divmod(microseconds, 1_000_000)
    return b"".join(b"%b%b\n" % (when, line) for line in message.split(b"\\x0a"))  # the kernel escapes a backslash, too

"""Read the memory of a process of this machine by its addresses: /proc/PID/mem.

It stays that of the program that it was opened for: after exec, or the process's end, there is nothing in it. Nobody is
stopped; the kernel asks for the rights of a debugger (ptrace(2), PTRACE_MODE_ATTACH_FSCREDS).
Source: fs/proc/base.c, mem_rw().
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pymemtools.errors import DeniedProcess, NoSuchProcess


class ProcessMemory:
    """The memory of one process; reading makes its pages look used."""

    def __init__(self, pid: int) -> None:
        try:
            self._fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError):
            raise NoSuchProcess(pid) from None
        except OSError as error:
            raise DeniedProcess(pid, f"mem: {error.strerror}") from None

    def read(self, address: int, size: int) -> bytes | None:
        """Read so many bytes, or as many as there are before what is not there any more; None: all of it is gone."""
        try:
            return os.pread(self._fd, size, address) or None
        except OSError:
            return b""

    def close(self) -> None:
        os.close(self._fd)


@contextmanager
def process_memory(pid: int) -> Iterator[ProcessMemory]:
    """Open it. Raises NoSuchProcess or Denied."""
    memory = ProcessMemory(pid)
    try:
        yield memory
    finally:
        memory.close()

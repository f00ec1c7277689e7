"""Clear the bits by which the kernel knows which pages of a process were used, or written to."""

from __future__ import annotations

import errno
import os

from pymemtools.control.reasons import why_not
from pymemtools.errors import DeniedProcess, Missing, NoSuchProcess

_REFERENCED, _SOFT_DIRTY = b"1", b"4"


class ClearRefs:
    """/proc/PID/clear_refs, opened before anything is measured. Raises NoSuchProcess, Missing or Denied.

    Source: fs/proc/task_mmu.c, clear_refs_write().
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        try:
            self._fd = os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError):
            if os.path.exists(f"/proc/{pid}"):
                raise Missing(f"{pid}: this kernel has no clear_refs: --method idle may do") from None
            raise NoSuchProcess(pid) from None
        except OSError as error:
            raise DeniedProcess(pid, f"cannot clear its bits: {why_not(error)}") from None

    def clear_referenced(self) -> None:
        """Clear the accessed bits of all its pages, which does not flush the TLB."""
        self._write(_REFERENCED)

    def clear_soft_dirty(self) -> bool:
        """Clear its soft-dirty bits, where there are some, and flush the TLB; tell whether this kernel does that."""
        try:
            self._write(_SOFT_DIRTY)
        except Missing:
            return False
        return True

    def _write(self, what: bytes) -> None:
        try:
            os.write(self._fd, what)
        except ProcessLookupError:
            raise NoSuchProcess(self._pid) from None
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise Missing(f"{self._pid}: this kernel does not clear such bits") from None
            raise DeniedProcess(self._pid, f"cannot clear its bits: {why_not(error)}") from None

    def close(self) -> None:
        os.close(self._fd)

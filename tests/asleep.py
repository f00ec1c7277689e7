"""A process that has done all it was told to: its memory is the same at every look from then on."""

import ctypes
import time
from pathlib import Path

_PR_SET_THP_DISABLE = 41  # include/uapi/linux/prctl.h
_PATIENCE = 120.0  # seconds, for a machine that is busy with something else


def wait_until_asleep(pid: int) -> None:
    """Wait until a process waits: what it says before that it says while it still touches memory."""
    last = time.monotonic() + _PATIENCE
    while (state := state_of(pid)) != "S":
        assert state not in "ZX", f"{pid} has ended"
        assert time.monotonic() < last, f"{pid} is {state} all the time"
        time.sleep(0.002)


def without_huge_pages() -> None:
    """Have khugepaged, which works when it likes, leave our memory alone, and that of the program that we become."""
    ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def state_of(pid: int) -> str:
    """Give the letter that the kernel has for what a process does."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0].decode()

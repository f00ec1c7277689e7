"""What all programs begin with, and the C library as they call it."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
from typing import Any

PAGE = mmap.PAGESIZE
RW = mmap.PROT_READ | mmap.PROT_WRITE
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.malloc.restype = libc.sbrk.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
libc.madvise.argtypes = libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
libc.malloc.argtypes = (ctypes.c_size_t,)
libc.sbrk.argtypes = (ctypes.c_ssize_t,)
_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Be killed when the parent ends, or end at once where it has ended already."""
    libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def settle_in(parent: int) -> None:
    """Die with the parent, in a session of our own, first of all when memory is short; leave no core behind."""
    die_with(parent)
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def map_anonymous(size: int, access: int = RW) -> int | None:
    """Map private anonymous memory; None where that is refused."""
    start: int | None = libc.mmap(None, size, access, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    return None if start == ctypes.c_void_p(-1).value else start


def why() -> str:
    """Say why the last call failed."""
    return os.strerror(ctypes.get_errno())


def write(start: int, count: int, stride: int = PAGE) -> None:
    """Write a byte at each of so many places."""
    for address in range(start, start + count * stride, stride):
        ctypes.memset(address, 1, 1)


def read(start: int, count: int, stride: int = PAGE) -> None:
    """Read a byte at each of so many places."""
    at = ctypes.c_ubyte.from_address
    for address in range(start, start + count * stride, stride):
        at(address).value  # noqa: B018 (reading is the point)


def tell(answer: Any) -> None:
    """Write a line."""
    os.write(1, json.dumps(answer).encode() + b"\n")

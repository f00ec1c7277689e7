"""A program that asks for memory block by block, touches it as it is told, and goes on until it is stopped."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import sys

PAGE = mmap.PAGESIZE
POPULATE_READ, POPULATE_WRITE = 22, 23  # madvise(2), Linux 5.14
THP_DISABLE = 41  # prctl(2): a huge page for each first touch would be another experiment
libc = ctypes.CDLL(None, use_errno=True)
libc.malloc.restype = libc.mmap.restype = ctypes.c_void_p
libc.malloc.argtypes = (ctypes.c_size_t,)
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def settle_in(parent: int) -> None:
    """Die with the parent, in a session of our own, first of all when memory is short; leave no core behind."""
    libc.prctl(1, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc.prctl(THP_DISABLE, ctypes.c_ulong(1), 0, 0, 0)
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def allocate(via: str, size: int) -> int | None:
    """Ask for a block by malloc() or mmap()."""
    if via == "malloc":
        block: int | None = libc.malloc(size)
        return block
    block = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    return None if block == ctypes.c_void_p(-1).value else block


def touch(how: str, via: str, block: int, size: int) -> None:
    """Write a byte to each page, or read one."""
    if how == "none":
        return
    if via == "mmap" and libc.madvise(block, size, POPULATE_WRITE if how == "write" else POPULATE_READ) == 0:
        return
    for address in range(block, block + size, PAGE):
        if how == "write":
            ctypes.memset(address, 1, 1)
        else:
            ctypes.c_ubyte.from_address(address).value  # noqa: B018 (reading is the point)


def main() -> None:
    """Take the arguments, say that we are ready, wait until we are in our group, and begin."""
    parent, via, how, block_size, step, most = sys.argv[1:]
    settle_in(int(parent))
    os.write(1, b'"ready"\n')
    size, next_stop, asked = int(block_size), 0, 0
    while asked < int(most):
        if asked >= next_stop:  # tell, and stand still to be looked at
            os.write(1, json.dumps({"asked": asked}).encode() + b"\n")
            os.read(0, 4096)
            next_stop += int(step)
        block = allocate(via, size)
        if block is None:
            os.write(1, json.dumps({"asked": asked, "refused": os.strerror(ctypes.get_errno())}).encode() + b"\n")
            return
        touch(how, via, block, size)
        asked += size
    os.write(1, json.dumps({"asked": asked, "done": True}).encode() + b"\n")
    os.read(0, 4096)


if __name__ == "__main__":
    main()

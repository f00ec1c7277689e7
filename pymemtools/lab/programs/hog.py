"""A program that asks for memory block by block, touches it as it is told, and goes on until it is stopped."""

from __future__ import annotations

import ctypes
import os
import resource
import sys

from pymemtools.lab.programs.base import PAGE, libc, map_anonymous, read, settle_in, tell, why, write

POPULATE_READ, POPULATE_WRITE = 22, 23  # madvise(2), Linux 5.14
THP_DISABLE = 41  # prctl(2): a huge page for each first touch would be another experiment


def allocate(via: str, size: int) -> int | None:
    """Ask for a block by malloc() or mmap()."""
    if via == "malloc":
        block: int | None = libc.malloc(size)
        return block
    return map_anonymous(size)


def touch(how: str, via: str, block: int, size: int) -> None:
    """Write a byte to each page, or read one."""
    if how == "none":
        return
    if via == "mmap" and libc.madvise(block, size, POPULATE_WRITE if how == "write" else POPULATE_READ) == 0:
        return
    (write if how == "write" else read)(block, -(-size // PAGE))


def limit_addresses(more: int) -> int:
    """Set RLIMIT_AS to so many bytes more than we have now; give it, and 0 where nothing is to be limited."""
    if not more:
        return 0
    with open("/proc/self/statm", encoding="ascii") as file:
        limit = int(file.read().split()[0]) * PAGE + more
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    return limit


def main() -> None:
    """Take the arguments, say that we are ready, wait until we are in our group, and begin."""
    parent, via, how, block_size, step, most, addresses = sys.argv[1:]
    settle_in(int(parent))
    limit = limit_addresses(int(addresses))
    libc.prctl(THP_DISABLE, ctypes.c_ulong(1), 0, 0, 0)
    tell("ready")
    size, next_stop, asked = int(block_size), 0, 0
    while asked < int(most):
        if asked >= next_stop:  # tell, and stand still to be looked at
            tell({"asked": asked, "limit": limit})
            os.read(0, 4096)
            next_stop += int(step)
        block = allocate(via, size)
        if block is None:
            reason, number = why(), ctypes.get_errno()
            hard = resource.getrlimit(resource.RLIMIT_AS)[1]
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))  # to tell it takes memory
            tell({"asked": asked, "refused": reason, "errno": number})
            os.read(0, 4096)
            return
        touch(how, via, block, size)
        asked += size
    tell({"asked": asked, "done": True})
    os.read(0, 4096)


if __name__ == "__main__":
    main()

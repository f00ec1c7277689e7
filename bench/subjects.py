"""Processes to be measured on: many of them, and one with many mappings."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PROCESSES = 1000


@contextmanager
def children(start: Callable[[], list[int]]) -> Iterator[list[int]]:
    """Run processes for as long as the block lasts, and give their PIDs."""
    pids = start()
    try:
        time.sleep(1)
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


def sleepers() -> list[int]:
    """Start half of the processes as small programs, half as forks of this one."""
    pids = [subprocess.Popen(["sleep", "infinity"]).pid for _ in range(PROCESSES // 2)]
    return pids + [_fork(signal.pause) for _ in range(PROCESSES // 2)]


def mapper(mappings: int) -> Callable[[], list[int]]:
    """Make what starts a process with so many mappings, each a page that was touched, and stops it."""

    def work() -> None:
        protect = ctypes.CDLL(None).mprotect
        pages = mmap.mmap(-1, mappings * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        first = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        for page in range(mappings):
            pages[page * 4096] = 1
            if page % 2:  # unlike its neighbours, or the kernel merges them
                protect(ctypes.c_void_p(first + page * 4096), 4096, mmap.PROT_READ)
        os.kill(os.getpid(), signal.SIGSTOP)

    def start() -> list[int]:
        pid = _fork(work)
        os.waitpid(pid, os.WUNTRACED)  # until it has them all
        return [pid]

    return start


@contextmanager
def written_tree(mappings: int) -> Iterator[str]:
    """Write a /proc of one process, 100, of so many mappings, as ``mapper`` makes them."""
    numbers = "".join(
        f"{name + ':':<16}{value:8} kB\n"
        for name, value in (
            *(("Size", 4), ("KernelPageSize", 4), ("MMUPageSize", 4), ("Rss", 4), ("Pss", 4), ("Shared_Clean", 0)),
            *(("Shared_Dirty", 0), ("Private_Clean", 0), ("Private_Dirty", 4), ("Referenced", 4), ("Anonymous", 4)),
            *(("KSM", 0), ("LazyFree", 0), ("AnonHugePages", 0), ("ShmemPmdMapped", 0), ("FilePmdMapped", 0)),
            *(("Shared_Hugetlb", 0), ("Private_Hugetlb", 0), ("Swap", 0), ("SwapPss", 0), ("Locked", 0)),
        )
    )
    with TemporaryDirectory() as folder:
        process = Path(folder) / "100"
        process.mkdir()
        with open(process / "maps", "w") as maps, open(process / "smaps", "w") as smaps:
            for i in range(mappings):
                start = 0x7F0000000000 + i * 4096
                line = f"{start:x}-{start + 4096:x} r{'-w'[i % 2]}-p 00000000 00:00 0 \n"
                maps.write(line)
                smaps.write(f"{line}{numbers}THPeligible:    0\nVmFlags: rd wr mr mw me ac sd \n")
        yield folder


def _fork(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(1)
    return pid

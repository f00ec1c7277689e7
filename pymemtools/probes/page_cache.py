"""How much of an open file is in the page cache: by cachestat(2), elsewhere by mincore(2).

cachestat (Linux 6.5) counts without mapping the file. It is refused in containers whose seccomp profile does not know
it (EPERM), and on overlayfs it counts an empty mapping: there mincore counts, which maps the file by windows. Since
Linux 5.2 mincore calls every page of a file resident that one neither owns nor may write: of those nothing is known.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from pymemtools.probes.worker import alive

CACHESTAT, MINCORE = "cachestat", "mincore"
WINDOW = 1 << 30  # bytes mapped at once
PAGE = os.sysconf("SC_PAGE_SIZE")
_OVERLAYFS, _HUGETLBFS = 0x794C7630, 0x958458F6  # f_type of statfs(2)
_CAP_FOWNER = 3


class Resident(NamedTuple):
    """Pages of a file; None is unknown."""

    cached: int | None = None
    dirty: int | None = None
    writeback: int | None = None
    evicted: int | None = None  # that were in the cache, and left a trace there
    recently_evicted: int | None = None  # whose return would tell of too little memory
    method: str | None = None


UNKNOWN = Resident()
_new = tuple.__new__  # a third of the time of _make(), a hundred thousand times
Cachestat = Callable[[int, int, int], "list[int] | None"]


class CacheCounter:
    """Counts pages of files; ``cachestat(fd, offset, length)`` gives five counts, or None where it is refused."""

    def __init__(self, cachestat: Cachestat | None = None) -> None:
        import ctypes

        self._ctypes = ctypes
        self._libc: Any = ctypes.PyDLL(None)
        self._cachestat = cachestat or _cachestat(ctypes, self._libc)
        self._kinds: dict[int, int | None] = {}  # f_type by st_dev
        self._libc.mmap.restype = ctypes.c_void_p

    def resident(self, fd: int, status: os.stat_result) -> Resident:
        """Count the pages of a whole file."""
        try:
            kind = self._kinds[status.st_dev]
        except KeyError:
            kind = self._kind(fd, status.st_dev)
        if kind == _HUGETLBFS:
            return UNKNOWN
        if kind != _OVERLAYFS:
            counts = self._cachestat(fd, 0, 0)
            if counts is not None:
                return _new(Resident, (*counts, CACHESTAT))
        if not may_ask(fd, status):
            return UNKNOWN
        cached = self._mincore(fd, 0, status.st_size)
        return UNKNOWN if cached is None else Resident(cached, method=MINCORE)

    def is_huge(self, device: int) -> bool:
        """Tell whether the files that were counted there are hugetlbfs's, of which no pages are counted."""
        return self._kinds.get(device) == _HUGETLBFS

    def cells(self, fd: int, status: os.stat_result, most: int) -> list[tuple[int, int]] | None:
        """Cut a file into at most so many pieces of equal length; give the pages in the cache and all of each."""
        pages = -(-status.st_size // PAGE)
        each = 1 if pages <= most else pages // most + 1
        kind = self._kind(fd, status.st_dev)
        by_mincore = kind == _OVERLAYFS or (pages > 0 and self._cachestat(fd, 0, 1) is None)
        if kind == _HUGETLBFS or (by_mincore and not may_ask(fd, status)):
            return None
        found = []
        for first in range(0, pages, each):
            there = min(each, pages - first)
            count = self._mincore if by_mincore else self._first
            cached = count(fd, first * PAGE, there * PAGE)
            if cached is None:
                return None
            found.append((cached, there))
        return found

    def _first(self, fd: int, offset: int, length: int) -> int | None:
        counts = self._cachestat(fd, offset, length)
        return None if counts is None else counts[0]

    def _kind(self, fd: int, device: int) -> int | None:
        """Tell the kind of file system, which is the same of all files with that st_dev."""
        if device not in self._kinds:
            buffer = (self._ctypes.c_ulong * 32)()  # struct statfs begins with f_type, a long (s390: 32 bits of it)
            failed = self._libc.fstatfs(fd, buffer)
            kind = buffer[0] & 0xFFFFFFFF if os.uname().machine != "s390x" else buffer[0] >> 32
            self._kinds[device] = None if failed else kind
        return self._kinds[device]

    def _mincore(self, fd: int, start: int, length: int) -> int | None:
        """Count resident pages by mapping window after window; None where the file cannot be mapped."""
        ctypes, libc = self._ctypes, self._libc
        total = 0
        for offset in range(start, start + length, WINDOW):
            size = min(WINDOW, start + length - offset)
            address = libc.mmap(None, ctypes.c_size_t(size), 1, 1, fd, ctypes.c_longlong(offset))
            if address in (None, ctypes.c_void_p(-1).value):
                return None
            flags = bytearray(-(-size // PAGE))
            view = (ctypes.c_ubyte * len(flags)).from_buffer(flags)
            failed = libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), view)
            libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(size))
            if failed:
                return None
            del view
            total += len(flags) - flags.count(0)
            alive()
        return total


def may_ask(fd: int, status: os.stat_result) -> bool:
    """Tell whether mincore answers truly: mm/mincore.c, can_do_mincore(): owner, CAP_FOWNER or write permission."""
    if status.st_uid == os.geteuid() or os.access(f"/proc/self/fd/{fd}", os.W_OK, effective_ids=True):
        return True
    return status.st_uid != 65534 and _has_capability(_CAP_FOWNER)


def _has_capability(bit: int) -> bool:
    with open("/proc/self/status", "rb") as file:
        line = next((line for line in file if line.startswith(b"CapEff:")), b"CapEff: 0")
    return bool(int(line.split()[1], 16) >> bit & 1)


def _number() -> int:
    """Give the number of the system call, the same on all architectures but these."""
    import struct

    machine = os.uname().machine
    if machine == "alpha":
        return 561
    if machine.startswith("mips"):
        return 5451 if struct.calcsize("P") == 8 else 4451
    return 451


def _cachestat(ctypes: Any, libc: Any) -> Cachestat:
    """Make the call: ``cachestat(fd, {offset, length}, counts, 0)``; length 0 is to the end."""
    area, everything, counts = (ctypes.c_uint64 * 2)(), (ctypes.c_uint64 * 2)(), (ctypes.c_uint64 * 5)()
    where, whole, there = map(ctypes.byref, (area, everything, counts))
    numbers = memoryview(counts).cast("B").cast("Q")
    call, number, flags = libc.syscall, ctypes.c_long(_number()), ctypes.c_long(0)

    def cachestat(fd: int, offset: int, length: int) -> list[int] | None:
        if not length:
            return None if call(number, fd, whole, there, flags) else numbers.tolist()
        area[:] = (offset, length)
        return None if call(number, fd, where, there, flags) else numbers.tolist()

    return cachestat

"""A program that accesses memory as it must not, in a copy of itself that it traces, and tells what the kernel said.

A handler of Python's would be no use: the C function returns to the instruction that faults, for ever.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

from pymemtools.lab.programs.base import PAGE, RW, die_with, libc, settle_in, tell, why

PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS, PTRACE_GETSIGINFO = 0, 7, 0x4200, 0x4202
EXITKILL = 0x100000
GUARD_INSTALL = 102  # madvise(2), Linux 6.13
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
libc.ptrace.restype = ctypes.c_long


class Lacking(Exception):
    """Say what this machine lacks for a case."""


def mapped(access: int, fd: int = -1) -> int:
    """Map a page with such access."""
    kind = mmap.MAP_SHARED if fd >= 0 else mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    start: int | None = libc.mmap(None, PAGE, access, kind, fd, 0)
    if start is None or start == ctypes.c_void_p(-1).value:
        raise Lacking(why())
    return start


def hole() -> int:
    """Give an address where a page was."""
    start = mapped(RW)
    libc.munmap(start, PAGE)
    return start


def text() -> int:
    """Give an address in the code of the C library."""
    return ctypes.cast(libc.getpid, ctypes.c_void_p).value or 0


def kernel() -> int:
    """Give an address of the kernel's."""
    if struct.calcsize("P") == 4:
        return 0xF0000000
    return 0xFFFFFFFF81000000 if os.uname().machine == "x86_64" else 0xFFFF800008000000


def noncanonical() -> int:
    """Give an address that is none: neither a program's nor the kernel's. arm64 ignores the topmost byte."""
    if struct.calcsize("P") == 4:
        raise Lacking("32 bits have no such addresses")
    return 1 << 62 if os.uname().machine == "x86_64" else 1 << 54


def tagged() -> int:
    """Give a good address with a bit set in its topmost byte."""
    if struct.calcsize("P") == 4:
        raise Lacking("32 bits leave no bit of an address to spare")
    return mapped(RW) | 0x2A << 56


def beyond_eof() -> int:
    """Map a page of a file that has none."""
    file = os.memfd_create("empty")
    start = mapped(RW, file)
    os.close(file)
    return start


def below_stack() -> int:
    """Give an address farther below the top of the stack than it may grow."""
    limit = resource.getrlimit(resource.RLIMIT_STACK)[0]
    if not 0 < limit < 1 << 40:
        raise Lacking("the stack may grow without limit")
    with open("/proc/self/maps") as file:
        ranges = [line.split() for line in file]
    ends = {line[-1]: int(line[0].split("-")[1], 16) for line in ranges}
    address = ends["[stack]"] - limit - (1 << 20)
    for line in ranges:
        start, end = (int(word, 16) for word in line[0].split("-"))
        if start <= address < end:
            raise Lacking("another mapping is there")
    return address


def guarded() -> int:
    """Give a page that is a guard, without a mapping of its own."""
    start = mapped(RW)
    if libc.madvise(start, PAGE, GUARD_INSTALL):
        raise Lacking(f"MADV_GUARD_INSTALL: {why()} (Linux 6.13)")
    return start


def keyed() -> int:
    """Give a page with a protection key that forbids all."""
    start = mapped(RW)
    if not hasattr(libc, "pkey_alloc"):
        raise Lacking("the C library knows no protection keys")
    key = libc.pkey_alloc(0, 1)
    if key < 0:
        raise Lacking(f"pkey_alloc: {why()}")
    libc.pkey_mprotect(ctypes.c_void_p(start), ctypes.c_size_t(PAGE), RW, key)
    return start


ADDRESSES: dict[str, Callable[[], int]] = {
    "null": lambda: 0,
    "low": lambda: PAGE,
    "hole": hole,
    "none": lambda: mapped(0),
    "read-only": lambda: mapped(mmap.PROT_READ),
    "text": text,
    "data": lambda: mapped(RW),
    "kernel": kernel,
    "no-address": noncanonical,
    "tagged": tagged,
    "beyond-eof": beyond_eof,
    "below-stack": below_stack,
    "guard": guarded,
    "pkey": keyed,
}


def access(how: str, address: int) -> None:
    """Read a byte, write one, or call what is there."""
    if how == "read":
        ctypes.c_ubyte.from_address(address).value  # noqa: B018 (reading is the point)
    elif how == "write":
        ctypes.c_ubyte.from_address(address).value = 1
    else:
        ctypes.CFUNCTYPE(None)(address)()


def try_it(case: str, how: str) -> dict[str, Any]:
    """Let a copy of us access what is meant, and look at the signal that stops it."""
    try:
        address = ADDRESSES[case]()
    except Lacking as error:
        return {"lacks": str(error)}
    me = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with(me)
        if libc.ptrace(PTRACE_TRACEME, 0, None, None) == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
            access(how, address)
            os._exit(0)
        os._exit(1)
    return {"address": address, **watched(pid)}


def watched(pid: int) -> dict[str, Any]:
    """Let a traced process go on to its fault; give what the kernel tells of it: none when it ends well."""
    status = os.waitpid(pid, 0)[1]
    if not os.WIFSTOPPED(status):
        return {"error": "ptrace of a child of one's own is refused here"}
    libc.ptrace(PTRACE_SETOPTIONS, pid, None, EXITKILL)
    libc.ptrace(PTRACE_CONT, pid, None, None)
    status = os.waitpid(pid, 0)[1]
    if not os.WIFSTOPPED(status):
        return {"signal": None, "code": None, "told": None}
    info = ctypes.create_string_buffer(128)
    libc.ptrace(PTRACE_GETSIGINFO, pid, None, ctypes.addressof(info))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    number, _, code = struct.unpack_from("=iii", info)  # MIPS has the last two the other way round
    place, size = (16, "Q") if struct.calcsize("P") == 8 else (12, "I")
    return {"signal": number, "code": code, "told": struct.unpack_from(f"={size}", info, place)[0]}


def main() -> None:
    """Say that we are ready, and try each case that a line names."""
    settle_in(int(sys.argv[1]))
    tell("ready")
    while line := os.read(0, 4096):
        tell(try_it(*json.loads(line)))


if __name__ == "__main__":
    main()

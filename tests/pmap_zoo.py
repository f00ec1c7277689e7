"""A process that holds every kind of mapping, for tests of pmap: it says what it could make, and stops itself."""

import ctypes
import os
import signal
import sys
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = LIBC.shmat.restype = ctypes.c_void_p
LIBC.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
PRIVATE, SHARED, FIXED, ANONYMOUS, NORESERVE, HUGETLB = 0x02, 0x01, 0x10, 0x20, 0x4000, 0x40000
NONE, READ, WRITE = 0, 1, 2
PAGE, MIB = 4096, 1 << 20
FAILED = ctypes.c_void_p(-1).value


def area(size: int, protection: int = READ | WRITE, flags: int = PRIVATE | ANONYMOUS, fd: int = -1, at: int = 0) -> int:
    """Map memory; 0 when the kernel refuses."""
    address = LIBC.mmap(at or None, size, protection, flags | (FIXED if at else 0), fd, 0)
    return 0 if address in (None, FAILED) else address


def file_area(path: str, size: int, flags: int = PRIVATE) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(fd, size)
    address = area(size, READ | WRITE, flags, fd)
    os.close(fd)
    return address


def touch(address: int, size: int) -> None:
    ctypes.memset(address, 1, size)


def main(folder: str, small: int) -> None:
    file_area(f"{folder}/kept file", 3 * PAGE)
    touch(file_area(f"{folder}/gone", 5 * PAGE, SHARED), PAGE)
    os.unlink(f"{folder}/gone")
    file_area(f"{folder}/(deleted)", PAGE)
    memory = os.memfd_create("zoo/with slash")
    os.ftruncate(memory, 4 * PAGE)
    touch(area(4 * PAGE, READ | WRITE, SHARED, memory), PAGE)
    touch(area(9 * PAGE, READ | WRITE, SHARED | ANONYMOUS), 2 * PAGE)
    segment = LIBC.shmget(0, 7 * PAGE, 0o1600)
    if segment >= 0:
        address = LIBC.shmat(segment, None, 0)
        LIBC.shmctl(segment, 0, None)  # IPC_RMID: it goes with the process
        touch(address, PAGE)
    huge = area(2 * MIB, READ | WRITE, PRIVATE | ANONYMOUS | HUGETLB)
    if huge:
        touch(huge, PAGE)
    reserve = area(192 * MIB, NONE, PRIVATE | ANONYMOUS | NORESERVE)
    arena = (reserve + 64 * MIB - 1) // (64 * MIB) * (64 * MIB)
    area(132 * 1024, READ | WRITE, PRIVATE | ANONYMOUS | NORESERVE, at=arena)
    area(1 << 40, NONE, PRIVATE | ANONYMOUS | NORESERVE)
    named = area(16 * PAGE)
    # PR_SET_VMA, PR_SET_VMA_ANON_NAME
    name = ctypes.c_char_p(b"zoo: name/with slash")
    LIBC.prctl(0x53564D41, 0, ctypes.c_ulong(named), ctypes.c_ulong(16 * PAGE), name)
    guarded = area(16 * PAGE)
    LIBC.madvise(ctypes.c_void_p(guarded), PAGE, 102)  # MADV_GUARD_INSTALL, Linux 6.13
    many = area(small * PAGE)
    for page in range(many, many + small * PAGE, PAGE):
        if page // PAGE % 3:
            touch(page, PAGE)
        if page // PAGE % 2:
            LIBC.mprotect(ctypes.c_void_p(page), PAGE, READ)
    locked = area(3 * PAGE)
    LIBC.mlock(ctypes.c_void_p(locked), 3 * PAGE)
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""What a mapping is for: heap, stack, thread stack, malloc arena, text of a file ... told by its place and its likes.

The kernel names few of them; the rest shows in how glibc and the dynamic linker lay memory out, hence in neighbours.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from itertools import islice

from pymemtools.cells import Memo
from pymemtools.procfs.maps import Mappings

KINDS = {
    "heap": "memory of malloc that brk gave",
    "stack": "the main thread's stack",
    "thread stack": "a thread's stack, with its guard",
    "malloc arena": "a heap that malloc made for threads, with what it reserves for growth",
    "anon": "other anonymous memory",
    "reserve": "addresses kept free: mapped, but not accessible",
    "guard region": "anonymous memory with guard regions in it (MADV_GUARD_INSTALL)",
    "text": "program code of a file",
    "rodata": "read-only data of a file",
    "relro": "data of a file that is read-only once the program is linked",
    "data": "writable data of a file",
    "bss": "data of a file that starts as zeros",
    "shm": "shared memory",
    "hugetlb": "huge pages of hugetlbfs",
    "vdso": "code and data that the kernel lends",
    "device": "memory of a device or of the kernel",
}
_MAX_GUARD = 1 << 20  # bytes; glibc's is a page, and who asks for more asks for little
_OF_THE_KERNEL = re.compile(rb"\[(vdso|vvar|vvar_vclock|vsyscall|vectors|sigpage|uprobes)\]")
_THREAD_STACK = re.compile(rb"\[stack:[0-9]+\]|\[anon: glibc: pthread stack|\[anon:(stack_and_tls|thread stack)")
_ARENA = re.compile(rb"\[anon: glibc: malloc arena")
_HEAP = re.compile(rb"\[heap\]|\[anon: glibc: (loader )?malloc\]|\[anon:(libc_malloc|scudo)")
_BSS = re.compile(rb"\[anon:\.bss\]")
_SHARED = re.compile(rb"/dev/shm/|/dev/ashmem/|/SYSV[0-9a-f]{8}|/memfd:|/dev/zero \(deleted\)|\[anon_shmem:")
_HUGE = re.compile(rb"/anon_hugepage|/dev/hugepages/|/\[anon_hugepage\]")
_DEVICE = re.compile(rb"/dev/|anon_inode:|socket:|/\[aio\]|/dmabuf:|/drm ")
_PRIVATE_ZERO = b"/dev/zero"  # MAP_PRIVATE makes it anonymous memory; MAP_SHARED has ``(deleted)``
_GO_HEAP = 0xC0_0000_0000  # where Go reserves 64 MiB at once, as glibc does; runtime/malloc.go


def kinds_of(mappings: Mappings, stack: int | None = None) -> list[str]:
    """Tell the kind of each mapping of one process, given in order of addresses; ``stack`` is in its main stack.

    Guards and reservations beside thread stacks and arenas are of these kinds too.
    """
    known: Memo[tuple[bytes, bytes, bytes], str] = Memo(lambda key: _alone(*key))
    kinds = list(map(known.__getitem__, zip(mappings.names, mappings.perms, mappings.vmflags)))
    if stack is not None:
        _tell_stack(mappings, kinds, stack)
    _tell_by_neighbours(mappings, kinds)
    _tell_relro(mappings, kinds)
    return kinds


def _tell_stack(mappings: Mappings, kinds: list[str], stack: int) -> None:
    i = bisect(mappings.starts, stack) - 1
    is_there = i >= 0 and stack < mappings.ends[i]
    if is_there and _is_anonymous(mappings.names[i]) and kinds[i] not in ("hugetlb", "vdso"):
        kinds[i] = "stack"


def _tell_by_neighbours(mappings: Mappings, kinds: list[str]) -> None:
    starts, ends, perms = mappings.starts, mappings.ends, mappings.perms
    arena_size = (1 << 20) if ends and ends[-1] <= 1 << 32 else (64 << 20)
    told = [
        i
        for i, (before, access) in enumerate(zip(kinds, islice(perms, 1, None)), 1)
        if before in ("data", "reserve") or access == b"---p"
    ]  # few of very many mappings: the rest is not looked at twice
    for i in told:
        if ends[i - 1] != starts[i]:
            continue
        before, kind = kinds[i - 1], kinds[i]
        if before == "data" and kind == "anon" and _is_program(mappings, i - 1) and perms[i] == perms[i - 1]:
            kinds[i] = "bss"
        elif perms[i] == b"---p" and before in ("anon", "malloc arena") and _is_arena(mappings, i - 1, arena_size):
            kinds[i - 1] = kinds[i] = "malloc arena"
        elif before == "reserve" and kind == "anon" and _is_guarded_stack(mappings, i - 1):
            kinds[i - 1] = kinds[i] = "thread stack"
        elif before == "reserve" and kind == "thread stack" and ends[i - 1] - starts[i - 1] <= _MAX_GUARD:
            kinds[i - 1] = "thread stack"


def _alone(name: bytes, perms: bytes, vmflags: bytes) -> str:
    """Tell the kind as far as the mapping itself shows it."""
    flags = vmflags.split()
    if b"ht" in flags or _HUGE.match(name):
        return "hugetlb"
    if _is_anonymous(name):
        return _anonymous(name, perms, flags)
    if _SHARED.match(name):
        return "shm"
    if _DEVICE.match(name) or b"pf" in flags or b"io" in flags:
        return "device"
    if perms[2:3] == b"x":
        return "text"
    if perms[1:2] == b"w":
        return "data"
    return "rodata" if perms[:1] == b"r" else "reserve"


def _is_anonymous(name: bytes) -> bool:
    return not name or name.startswith(b"[") or name == _PRIVATE_ZERO


def _anonymous(name: bytes, perms: bytes, flags: Sequence[bytes]) -> str:
    if _OF_THE_KERNEL.fullmatch(name):
        return "vdso"
    if name == b"[stack]":
        return "stack"
    for kind, pattern in (("thread stack", _THREAD_STACK), ("malloc arena", _ARENA), ("heap", _HEAP), ("bss", _BSS)):
        if pattern.match(name):
            return kind
    if perms[3:] == b"s" or _SHARED.match(name):
        return "shm"
    if perms[:3] == b"---":
        return "reserve"
    if b"gu" not in flags:
        return "anon"
    # From 2.42 on glibc has its guards this way; and from 6.7 on the kernel keeps huge pages out of MAP_STACK.
    return "thread stack" if b"nh" in flags else "guard region"


def _is_program(mappings: Mappings, data: int) -> bool:
    """Tell the data of a program or library, which lies behind its code, from a file that is merely mapped."""
    return data > 0 and mappings.names[data - 1] == mappings.names[data]


def _is_arena(mappings: Mappings, used: int, size: int) -> bool:
    """Tell glibc's new_heap(): aligned to its size, readable and writable as far as used, the rest inaccessible."""
    start, end = mappings.starts[used], mappings.ends[used + 1]
    return (
        mappings.perms[used] == b"rw-p"
        and not mappings.names[used + 1]
        and start % size == 0
        and end % size == 0
        and end - start <= 8 * size
        and start != _GO_HEAP
    )


def _is_guarded_stack(mappings: Mappings, guard: int) -> bool:
    """Tell glibc's allocate_stack(): all mapped without access, and opened but for the guard at the low end.

    What is kept free with MAP_NORESERVE (``nr``), as Java's and Node's heaps, is no guard.
    """
    names = mappings.names
    is_small = mappings.ends[guard] - mappings.starts[guard] <= _MAX_GUARD
    is_guard = is_small and not names[guard] and b"nr" not in mappings.vmflags[guard].split()
    return is_guard and not names[guard + 1] and mappings.perms[guard + 1][:2] == b"rw"


def _tell_relro(mappings: Mappings, kinds: list[str]) -> None:
    """Find the part of a data segment that the linker made read-only: the last one before the writable rest.

    It was writable, so it is accounted (``ac``), which read-only data is not. Where flags are unknown it is told from
    read-only data by there being two such mappings, or none before the text (an older link editor's layout).
    """
    names, perms = mappings.names, mappings.perms
    for i in range(1, len(kinds)):
        if kinds[i] != "data" or kinds[i - 1] != "rodata" or names[i - 1] != names[i]:
            continue
        if mappings.ends[i - 1] != mappings.starts[i]:
            continue
        if flags := mappings.vmflags[i - 1]:
            is_relro = b"ac" in flags.split()
        else:
            before = [perms[j][:3] for j in range(max(i - 4, 0), i - 1) if names[j] == names[i - 1]]
            is_relro = before[-1:] == [b"r--"] or (before[-1:] == [b"r-x"] and before[-2:-1] != [b"r--"])
        if is_relro:
            kinds[i - 1] = "relro"

"""What a mapping is for: heap, stack, thread stack, malloc arena, text of a file ... told by its place and its likes.

The kernel names few of them; the rest shows in how glibc and the dynamic linker lay memory out, hence in neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pymemtools.procfs.maps import Mapping

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


def kinds_of(mappings: Sequence[Mapping], stack: int | None = None) -> list[str]:
    """Tell the kind of each mapping of one process, given in order of addresses; ``stack`` is in its main stack.

    Guards and reservations beside thread stacks and arenas are of these kinds too.
    """
    kinds = [_alone(mapping, stack) for mapping in mappings]
    arena_size = (1 << 20) if mappings and mappings[-1].end <= 1 << 32 else (64 << 20)
    for i in range(1, len(mappings)):
        before, after = mappings[i - 1], mappings[i]
        if before.end != after.start:
            continue
        if (
            kinds[i] == "anon"
            and kinds[i - 1] == "data"
            and _is_program(mappings, i - 1)
            and after.perms == before.perms
        ):
            kinds[i] = "bss"
        elif _is_arena(before, after, arena_size) and kinds[i - 1] in ("anon", "malloc arena"):
            kinds[i - 1] = kinds[i] = "malloc arena"
        elif kinds[i - 1] == "reserve" and kinds[i] == "anon" and _is_guarded_stack(before, after):
            kinds[i - 1] = kinds[i] = "thread stack"
        elif kinds[i - 1] == "reserve" and kinds[i] == "thread stack" and before.size <= _MAX_GUARD:
            kinds[i - 1] = "thread stack"
    _tell_relro(mappings, kinds)
    return kinds


def _alone(mapping: Mapping, stack: int | None) -> str:
    """Tell the kind as far as the mapping itself shows it."""
    name, flags = mapping.name, mapping.vmflags.split()
    if b"ht" in flags or _HUGE.match(name):
        return "hugetlb"
    if not name or name.startswith(b"[") or name == _PRIVATE_ZERO:
        return _anonymous(mapping, stack, flags)
    if _SHARED.match(name):
        return "shm"
    if _DEVICE.match(name) or b"pf" in flags or b"io" in flags:
        return "device"
    if mapping.perms[2:3] == b"x":
        return "text"
    if mapping.perms[1:2] == b"w":
        return "data"
    return "rodata" if mapping.perms[:1] == b"r" else "reserve"


def _anonymous(mapping: Mapping, stack: int | None, flags: Sequence[bytes]) -> str:
    name = mapping.name
    if _OF_THE_KERNEL.fullmatch(name):
        return "vdso"
    if name == b"[stack]" or (stack is not None and mapping.start <= stack < mapping.end):
        return "stack"
    for kind, pattern in (("thread stack", _THREAD_STACK), ("malloc arena", _ARENA), ("heap", _HEAP), ("bss", _BSS)):
        if pattern.match(name):
            return kind
    if mapping.is_shared or _SHARED.match(name):
        return "shm"
    if mapping.perms[:3] == b"---":
        return "reserve"
    if b"gu" not in flags:
        return "anon"
    # From 2.42 on glibc has its guards this way; and from 6.7 on the kernel keeps huge pages out of MAP_STACK.
    return "thread stack" if b"nh" in flags else "guard region"


def _is_program(mappings: Sequence[Mapping], data: int) -> bool:
    """Tell the data of a program or library, which lies behind its code, from a file that is merely mapped."""
    return data > 0 and mappings[data - 1].name == mappings[data].name


def _is_arena(used: Mapping, reserved: Mapping, size: int) -> bool:
    """Tell glibc's new_heap(): aligned to its size, readable and writable as far as used, the rest inaccessible."""
    return (
        used.perms == b"rw-p"
        and reserved.perms == b"---p"
        and not reserved.name
        and used.start % size == 0
        and reserved.end % size == 0
        and reserved.end - used.start <= 8 * size
        and used.start != _GO_HEAP
    )


def _is_guarded_stack(guard: Mapping, stack: Mapping) -> bool:
    """Tell glibc's allocate_stack(): all mapped without access, and opened but for the guard at the low end.

    What is kept free with MAP_NORESERVE (``nr``), as Java's and Node's heaps, is no guard.
    """
    is_guard = guard.size <= _MAX_GUARD and not guard.name and b"nr" not in guard.vmflags.split()
    return is_guard and not stack.name and stack.perms[:2] == b"rw"


def _tell_relro(mappings: Sequence[Mapping], kinds: list[str]) -> None:
    """Find the part of a data segment that the linker made read-only: the last one before the writable rest.

    It was writable, so it is accounted (``ac``), which read-only data is not. Where flags are unknown it is told from
    read-only data by there being two such mappings, or none before the text (an older link editor's layout).
    """
    for i in range(1, len(mappings)):
        relro, data = mappings[i - 1], mappings[i]
        if kinds[i - 1] != "rodata" or kinds[i] != "data" or relro.name != data.name or relro.end != data.start:
            continue
        if relro.vmflags:
            is_relro = b"ac" in relro.vmflags.split()
        else:
            before = [mapping.perms[:3] for mapping in mappings[max(i - 4, 0) : i - 1] if mapping.name == relro.name]
            is_relro = before[-1:] == [b"r--"] or (before[-1:] == [b"r-x"] and before[-2:-1] != [b"r--"])
        if is_relro:
            kinds[i - 1] = "relro"

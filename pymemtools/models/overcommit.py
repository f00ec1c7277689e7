"""How much memory the kernel promises: CommitLimit, what is charged to it, and the largest mapping it still grants.

Amounts are in pages but where the name or the docstring says otherwise. Source: mm/util.c, in old kernels mm/mmap.c:
vm_commit_limit(), __vm_enough_memory(); mm/mmap.c, accountable_mapping(); kernel/fork.c, dup_mmap().
"""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import Missing
from pymemtools.models.release import Version, since

HEURISTIC, ALWAYS, NEVER = 0, 1, 2  # vm.overcommit_memory: OVERCOMMIT_GUESS, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER


class Memory(NamedTuple):
    """What the test goes by, in pages, None where nobody told; the last five only count before 5.2."""

    ram: int
    swap: int | None
    committed: int | None  # Committed_AS
    limit: int | None  # CommitLimit
    admin_reserve: int = 0  # vm.admin_reserve_kbytes and user_reserve_kbytes, since 3.10
    user_reserve: int = 0
    free: int | None = None
    file: int | None = None  # nr_file_pages: with the swap cache and shared memory
    shmem: int | None = None
    slab: int | None = None  # reclaimable
    swap_free: int | None = None
    total_reserve: int | None = None


class Caller(NamedTuple):
    """The process that asks."""

    total_vm: int  # pages of its address space: /proc/PID/statm, first field
    is_admin: bool  # has CAP_SYS_ADMIN


def commit_limit(ram: int, swap: int, hugetlb: int, ratio: int, kbytes: int = 0, *, page_size: int = 4096) -> int:
    """Give CommitLimit in bytes: a share of RAM without the hugetlb pool, or ``kbytes``, and all swap.

    >>> commit_limit(1 << 30, 7 << 30, 0, 30) >> 20
    7475

    It is printed in every mode and enforced with overcommit_memory=2. overcommit_kbytes came with 3.14.
    """
    pages = kbytes * 1024 // page_size if kbytes else (ram - hugetlb) // page_size * ratio // 100
    return pages * page_size + swap


def charge(
    pages: int, mode: int, *, writable: bool = True, shared: bool = False, file: bool = False, noreserve: bool = False
) -> int:
    """Give what a mapping adds to Committed_AS, in any mode: only the test differs.

    >>> charge(4, HEURISTIC), charge(4, NEVER, writable=False), charge(4, NEVER, noreserve=True)
    (4, 0, 4)

    Private memory counts when it can be written, and a private mapping that mprotect() lets be written counts from
    then on. Shared memory without a file counts once, for all who map it. MAP_NORESERVE is heeded but in mode 2.
    Source: accountable_mapping(); for shared memory mm/shmem.c, shmem_acct_size().
    """
    if noreserve and mode != NEVER:
        return 0
    if shared:
        return 0 if file else pages
    return pages if writable else 0


def largest_mapping(mode: int, memory: Memory, caller: Caller, version: Version | None = None) -> int | None:
    """Give the largest mapping, of what charge() counts, that is granted now; None: the address space is the limit.

    It is a test of each call alone in mode 0: several mappings of this size may be had. In mode 2 the kernel reads a
    counter that is up to slack() off. Raises Missing where the rule needs figures that are not known.
    """
    if mode == ALWAYS:
        return None
    if mode == HEURISTIC:
        return max(_heuristic(memory, caller, version), 0)
    return max(allowed(memory, caller, version) - _known(memory.committed, "Committed_AS") - 1, 0)


def allowed(memory: Memory, caller: Caller, version: Version | None = None) -> int:
    """Give what Committed_AS must stay below in mode 2 for this caller.

    Less than CommitLimit by the reserve for root where the caller is not, and by a 32nd of the caller's own address
    space, capped since 3.10: so that one process cannot take all.
    """
    limit = _known(memory.limit, "CommitLimit")
    if not since(version, (3, 10)):
        swap = _known(memory.swap, "SwapTotal")
        share = limit - swap
        share -= 0 if caller.is_admin else share // 32
        return share + swap - caller.total_vm // 32
    own = min(caller.total_vm // 32, memory.user_reserve)
    return limit - (0 if caller.is_admin else memory.admin_reserve) - own


def slack(ram: int, cpus: int, mode: int = NEVER, version: Version | None = None) -> int:
    """Give how far off the counter may be that mode 2 tests: each processor keeps up to a batch to itself.

    >>> slack(123994, 1)
    484

    Source: mm/mm_init.c, mm_compute_batch(): since 3.11 a 256th of RAM over all processors, since 5.9 a quarter while
    the mode is not 2.
    """
    divisor = 4 if mode != NEVER and since(version, (5, 9)) else 256
    sized = ram // cpus // divisor if since(version, (3, 11)) else 0
    return cpus * max(cpus * 2, 32, sized)


def _known(pages: int | None, field: str) -> int:
    if pages is None:
        raise Missing(f"meminfo: no {field} field")
    return pages


_MANY = 1 << 51  # pages of 8 KiB are all that 64 bits can number


def extremes(memory: Memory) -> tuple[Memory, Memory]:
    """Put in for what nobody told what lets the kernel grant least, and what lets it grant most.

    >>> least, most = extremes(Memory(ram=100, swap=None, committed=7, limit=50, swap_free=3))
    >>> least.swap, most.swap > 1 << 40, most.limit
    (3, True, 50)
    """
    used = memory.ram - (memory.free or 0)
    swap_free = _MANY if memory.swap is None else memory.swap
    least = Memory(
        ram=memory.ram,
        swap=memory.swap_free or 0,
        committed=_MANY,
        limit=0,
        admin_reserve=0,
        user_reserve=0,
        free=0,
        file=0,
        shmem=used,
        slab=0,
        swap_free=0,
        total_reserve=memory.ram,
    )
    most = Memory(
        ram=memory.ram,
        swap=_MANY,
        committed=0,
        limit=_MANY,
        admin_reserve=0,
        user_reserve=0,
        free=memory.ram,
        file=used,
        shmem=0,
        slab=used,
        swap_free=swap_free,
        total_reserve=0,
    )
    unknown = [key for key, pages in memory._asdict().items() if pages is None]
    low, high = (memory._replace(**{key: getattr(each, key) for key in unknown}) for each in (least, most))
    return low, high


def lacking(mode: int, memory: Memory, version: Version | None) -> list[str]:
    """Name what nobody told of what the test of a mode goes by."""
    if mode == NEVER:
        needed = {"CommitLimit": memory.limit, "Committed_AS": memory.committed}
    elif mode == HEURISTIC and since(version, (5, 2)):
        needed = {"SwapTotal": memory.swap}
    else:
        names = ("MemFree", "Cached", "Shmem", "SReclaimable", "SwapFree", "zoneinfo")
        needed = dict(zip(names, memory[6:]))
    return [name for name, pages in needed.items() if pages is None]


def forks(charged: int, memory: Memory, caller: Caller, version: Version | None = None) -> int | None:
    """Say how often a process can fork in mode 2 while its children live; None: without limit.

    ``charged`` is what is accounted of it (VmFlags ``ac``), which each child is charged again. Source: dup_mmap().
    """
    return max(largest_mapping(NEVER, memory, caller, version) or 0, 0) // charged if charged else None


def granted(
    mode: int,
    size: int,
    count: int,
    memory: Memory,
    caller: Caller,
    version: Version | None = None,
    *,
    own: bool = False,
) -> int:
    """Say how many of ``count`` mappings of ``size`` pages are granted, one after the other.

    Mode 2 adds up, the others test each alone. ``own``: all by the caller itself, whose address space grows with them.
    """
    if mode != NEVER:
        largest = largest_mapping(mode, memory, caller, version)
        return count if largest is None or size <= largest else 0
    low, high = 0, count
    committed = _known(memory.committed, "Committed_AS")
    while low < high:
        middle = (low + high + 1) // 2
        before = memory._replace(committed=committed + (middle - 1) * size)
        grown = caller._replace(total_vm=caller.total_vm + (middle - 1) * size) if own else caller
        if size <= (largest_mapping(NEVER, before, grown, version) or 0):
            low = middle
        else:
            high = middle - 1
    return low


def _heuristic(memory: Memory, caller: Caller, version: Version | None) -> int:
    """Give the largest of mode 0: since 5.2 what RAM and swap there is, before what could be freed."""
    if since(version, (5, 2)):
        return memory.ram + _known(memory.swap, "SwapTotal")
    *_, free, file, shmem, slab, swap_free, reserve = memory
    if free is None or file is None or slab is None or swap_free is None or reserve is None:
        raise Missing("mode 0 before Linux 5.2: free, file and slab pages, free swap or the zones are not known")
    if not since(version, (3, 0)):
        found = file + swap_free + slab
        found -= 0 if caller.is_admin else found // 32
        left = max(free - reserve, 0)
        return found + left - (0 if caller.is_admin else left // 32) - 1
    found = free + file - (shmem or 0) + swap_free + slab
    if found <= reserve:
        return 0
    found -= reserve
    if not caller.is_admin:
        found -= memory.admin_reserve if since(version, (3, 10)) else found // 32
    return found - 1


def rule(mode: int, version: Version | None = None) -> str:
    """Name the rule that largest_mapping() goes by."""
    where = "mm/util.c, __vm_enough_memory()"
    if mode == ALWAYS:
        return f"mode 1 refuses nothing ({where})"
    if mode == NEVER:
        if not since(version, (3, 10)):
            return f"mode 2 before Linux 3.10: Committed_AS stays below CommitLimit less 1/32 for root ({where})"
        return f"mode 2: Committed_AS stays below CommitLimit, less the reserves ({where})"
    if since(version, (5, 2)):
        return f"mode 0 since Linux 5.2: one request above RAM and swap is refused ({where})"
    if not since(version, (3, 0)):
        return f"mode 0 before Linux 3.0: page cache, free swap, reclaimable slab and free pages ({where})"
    return f"mode 0 before Linux 5.2: what is free and what could be freed, less the reserves ({where})"

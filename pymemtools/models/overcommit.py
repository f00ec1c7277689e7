"""How much memory the kernel promises. Source: mm/util.c, vm_commit_limit() and __vm_enough_memory()."""

from __future__ import annotations


def commit_limit(ram: int, swap: int, hugetlb: int, ratio: int, kbytes: int = 0, *, page_size: int = 4096) -> int:
    """Give CommitLimit in bytes: a share of RAM without the hugetlb pool, or ``kbytes``, and all swap.

    >>> commit_limit(1 << 30, 7 << 30, 0, 30) >> 20
    7475

    It is printed in every mode and enforced with overcommit_memory=2. overcommit_kbytes came with 3.14.
    """
    pages = kbytes * 1024 // page_size if kbytes else (ram - hugetlb) // page_size * ratio // 100
    return pages * page_size + swap

"""Does this kernel keep soft-dirty bits? It does where a page of ours that was just written to has one."""

from __future__ import annotations

import mmap
import os
import sys

_SOFT_DIRTY = 1 << 55


def has_soft_dirty() -> bool:
    """Ask of a page of our own. Source: fs/proc/task_mmu.c, pte_to_pagemap_entry()."""
    import ctypes

    with mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory[0] = 1
        view = ctypes.c_char.from_buffer(memory)
        address = ctypes.addressof(view)
        del view
        try:
            fd = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            word = os.pread(fd, 8, address // mmap.PAGESIZE * 8)
        finally:
            os.close(fd)
        return bool(int.from_bytes(word, sys.byteorder) & _SOFT_DIRTY)

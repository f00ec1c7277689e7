"""Which parts of an address space have pages, by PAGEMAP_SCAN (Linux 6.7): what a sparse terabyte costs nothing to ask.

Source: fs/proc/task_mmu.c, do_pagemap_scan(); include/uapi/linux/fs.h, struct pm_scan_arg.
"""

from __future__ import annotations

from array import array

_SCAN = 0xC0606610  # _IOWR('f', 16, struct pm_scan_arg), the same number where directions are encoded otherwise
_PRESENT, _SWAPPED = 8, 16
_WORDS = 12  # of the argument, of 64 bits
_START, _END, _VECTOR, _LENGTH, _ANY_OF, _RETURNED = 2, 3, 5, 6, 10, 11
_REGIONS = 1024


def populated(fd: int, start: int, end: int) -> list[tuple[int, int]] | None:
    """Give the ranges, start and end, in which pages are present or swapped; None where the kernel cannot tell.

    ``fd`` is of an open /proc/PID/pagemap.
    """
    from fcntl import ioctl

    vector = array("Q", bytes(24 * _REGIONS))  # start, end, categories
    found: list[tuple[int, int]] = []
    while start < end:
        argument = array("Q", bytes(8 * _WORDS))
        argument[0], argument[_START], argument[_END] = 8 * _WORDS, start, end
        argument[_VECTOR], argument[_LENGTH] = vector.buffer_info()[0], _REGIONS
        argument[_ANY_OF] = argument[_RETURNED] = _PRESENT | _SWAPPED
        try:
            count = ioctl(fd, _SCAN, argument, True)
        except OSError:
            return None
        for place in range(0, 3 * count, 3):
            first, last = vector[place], vector[place + 1]
            if found and found[-1][1] == first:
                found[-1] = (found[-1][0], last)
            else:
                found.append((first, last))
        # What it says of where it stopped is not true where the last range filled the room: it is from before that.
        start = found[-1][1] if count == _REGIONS else end
    return found

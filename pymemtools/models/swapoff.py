"""What swapoff costs: every page in use is read back, one after the other, and must find room in RAM.

Source: mm/swapfile.c, try_to_unuse(), unuse_mm(), mm/shmem.c, shmem_unuse(), Linux 5.1 and later: page tables and
shared memory are searched for entries, each is read (with read-ahead, as a fault would) and its slot freed. How fast
that goes is up to the disk and to how the entries lie on it: so all times are intervals.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

# Bytes a second: a rotating disk that seeks for each cluster of read-ahead, and a fast one read in order.
DISK_RATES = (512 << 10, 2 << 30)
RAM_RATES = (100 << 20, 4 << 30)  # what is compressed in RAM: of a slow processor, and of a fast one


class Kept(NamedTuple):
    """Swapped pages that are kept in places of one kind, in bytes and bytes a second."""

    size: int
    rates: tuple[int, int]
    ram: int = 0  # that the place itself takes, and gives back by and by


class Swapoff(NamedTuple):
    """What it would take; intervals are the least and the most."""

    size: int  # bytes to read back
    ram: tuple[int, int]  # bytes of RAM that they need
    seconds: tuple[float, float]
    fits: bool | None  # None: perhaps


def swapoff(kept: Iterable[Kept], cached: int, available: int | None) -> Swapoff:
    """Add up what bringing all back takes, but for what is in the swap cache, against what is available in RAM.

    >>> swapoff([Kept(8 << 20, (1 << 20, 4 << 20))], 2 << 20, 64 << 20)
    Swapoff(size=6291456, ram=(6291456, 6291456), seconds=(1.5, 8.0), fits=True)

    Pages that come back from RAM free what they took there, sooner or later:

    >>> swapoff([Kept(8 << 20, (1 << 20, 8 << 20), ram=2 << 20)], 0, 7 << 20)
    Swapoff(size=8388608, ram=(6291456, 8388608), seconds=(1.0, 8.0), fits=None)
    """
    kept = [each for each in kept if each.size]
    size = max(sum(each.size for each in kept) - cached, 0)
    ram = (max(size - sum(each.ram for each in kept), 0), size)
    spared = cached / min((each.rates[1] for each in kept), default=1)  # of the slowest, if that is where they are
    shortest = max(sum(each.size / each.rates[1] for each in kept) - spared, 0.0)
    longest = sum(each.size / each.rates[0] for each in kept) if size else 0.0
    fits = None if available is None or ram[0] <= available < ram[1] else ram[1] <= available
    return Swapoff(size, ram, (shortest, longest), fits)

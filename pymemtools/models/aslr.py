"""By how many bits addresses are random: what the kernel promises, and what addresses that were seen tell.

Source: fs/binfmt_elf.c, load_elf_binary(); mm/util.c, randomize_stack_top(); arch/x86/mm/mmap.c, arch_mmap_rnd();
arch/x86/kernel/process.c, arch_randomize_brk(); STACK_RND_MASK of x86 and arm64; Linux 6.1 and 6.12.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import gcd, log2
from typing import NamedTuple

from pymemtools.models.release import Version, since

PROGRAM, HEAP, LIBRARIES, STACK = "program", "heap", "libraries", "stack"
REGIONS = (PROGRAM, HEAP, LIBRARIES, STACK)
RISK = 1e-6  # that an interval does not hold the truth
_MOST_BITS = 64.0
_STACK_BITS = {"x86_64": 22, "aarch64": 18}  # of pages of 4 KiB
_BRK_BITS = 30 - 12  # a GiB of pages of 4 KiB
_OLD_BRK_BITS = 25 - 12  # of x86_64 before Linux 6.9, and before stable releases that have it, too


class Layout(NamedTuple):
    """What decides how random the addresses of a program are."""

    machine: str  # as uname(2) has it
    page_size: int
    randomize: int  # kernel.randomize_va_space
    mmap_bits: int | None  # vm.mmap_rnd_bits: only root may read it
    is_position_independent: bool
    version: Version | None


class Bits(NamedTuple):
    """Bits of entropy of an address, at the least and at the most."""

    least: float
    most: float


class Randomness(NamedTuple):
    """What addresses that were seen tell of how random they are."""

    step: int | None  # all are whole numbers of so many bytes apart; None where all are the same
    distinct: int
    bits: Bits


def promised(region: str, layout: Layout) -> Bits | None:
    """Give the bits by which the kernel moves a region, in pages; None where it is not known.

    The heap is counted from the program, behind which it begins.

    >>> promised("stack", Layout("x86_64", 4096, 2, None, True, (6, 1, 0)))
    Bits(least=22, most=22)
    """
    if layout.randomize == 0:
        return Bits(0, 0)
    if region == HEAP:
        return _of_heap(layout)
    if region == PROGRAM and not layout.is_position_independent:
        return Bits(0, 0)
    if layout.machine not in _STACK_BITS:
        return None
    bits = layout.mmap_bits if region in (PROGRAM, LIBRARIES) else _STACK_BITS[layout.machine] - _coarser(layout)
    return None if bits is None else Bits(bits, bits)


def _of_heap(layout: Layout) -> Bits | None:
    if layout.randomize == 1:
        return Bits(0, 0)
    if layout.machine not in _STACK_BITS:
        return None
    most = _BRK_BITS - _coarser(layout)
    is_old = layout.machine == "x86_64" and not since(layout.version, (6, 9))
    return Bits(_OLD_BRK_BITS if is_old else most, most)


def _coarser(layout: Layout) -> int:
    return layout.page_size.bit_length() - 13


def randomness(addresses: Sequence[int]) -> Randomness:
    """Estimate by the range of at least two addresses how many places there are to choose from.

    All places are taken to be equally likely. There are at least as many as the range is wide; and so many at the most
    that a range as narrow as this is still to be expected once in a million times. Equal addresses tell less: among
    many places none is met twice.

    >>> randomness([0x1000, 0x1000, 0x1000]).bits.least
    0.0
    """
    least = min(addresses)
    step = reduce(gcd, (address - least for address in addresses))
    spread = (max(addresses) - least) // step if step else 0
    low, high = log2(spread + 1), _MOST_BITS
    start = low
    while high - low > 0.001:
        middle = (low + high) / 2
        low, high = (middle, high) if _chance(spread, middle, len(addresses)) > RISK else (low, middle)
    return Randomness(step or None, len({*addresses}), Bits(start, high))


def _chance(spread: int, bits: float, count: int) -> float:
    """Give the probability that of ``count`` choices among 2**bits places none is further from another than that."""
    places = 2**bits
    wide, narrow = ((spread + 1) / places) ** count, (spread / places) ** count
    return float((places - spread) * (wide - narrow) + narrow)

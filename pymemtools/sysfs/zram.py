"""/sys/block/zramN/mm_stat and bd_stat: what a compressed device in RAM stores, and the RAM that takes."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt

_BACKING_UNIT = 4096  # whatever the page size
_TELLING = 1 << 20  # bytes: of fewer, a fresh device's first pages and the allocator's own are most


class Zram(NamedTuple):
    """One device, in bytes."""

    stored: int  # uncompressed: pages of one value (which take no RAM) and incompressible ones among them
    ram: int  # that the allocator holds, its own waste included
    limit: int | None  # of ram; None: none
    written_back: int = 0  # of stored, what is on the backing device instead of in RAM

    @property
    def ratio(self) -> float | None:
        """Give the RAM that a byte stored takes, at most 1; None where too little is stored to tell."""
        in_ram = self.stored - self.written_back
        return min(self.ram / in_ram, 1.0) if in_ram >= _TELLING else None


def parse_mm_stat(text: bytes, file: str = "mm_stat") -> Zram:
    """Read the memory of a device. Raises ParseError.

    >>> parse_mm_stat(b" 4194304 1500000 2097152 0 2097152 100 0 0 0\\n").ratio
    0.5

    Source: drivers/block/zram/zram_drv.c, mm_stat_show() (Linux 4.1): orig_data_size, compr_data_size,
    mem_used_total, mem_limit, mem_used_max, same_pages, pages_compacted, and more with each version.
    """
    words = text.split()
    if len(words) < 4 or not all(word.isdigit() and len(word) < 20 for word in words[:4]):
        raise ParseError(file, None, f"expected sizes, got {excerpt(text)}")
    stored, _, ram, limit = (int(word) for word in words[:4])
    return Zram(stored, ram, limit or None)


def parse_bd_stat(text: bytes, file: str = "bd_stat") -> int:
    """Give the bytes on the backing device, which mm_stat counts as stored. Raises ParseError.

    >>> parse_bd_stat(b"  256  0  256\\n")
    1048576

    Source: drivers/block/zram/zram_drv.c, bd_stat_show() (Linux 5.0), zram_free_page().
    """
    words = text.split()
    if not words or not words[0].isdigit() or len(words[0]) > 15:
        raise ParseError(file, None, f"expected blocks, got {excerpt(text)}")
    return int(words[0]) * _BACKING_UNIT

"""/proc/kpageflags, a word of flags for each page frame, and how many frames have which word: a histogram.

24 GiB of memory have 6 million words, of which about a hundred are distinct. Source: fs/proc/page.c,
stable_page_flags(); include/uapi/linux/kernel-page-flags.h and include/linux/kernel-page-flags.h, Linux 2.6.31 to 7.2.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping

from pymemtools.errors import ParseError, excerpt

NAMES = {  # by bit, as the kernel's header calls them
    **dict(enumerate(("locked", "error", "referenced", "uptodate", "dirty", "lru", "active", "slab", "writeback"))),
    **dict(enumerate(("reclaim", "buddy", "mmap", "anon", "swapcache", "swapbacked", "compound_head"), 9)),
    **dict(enumerate(("compound_tail", "huge", "unevictable", "hwpoison", "nopage", "ksm", "thp"), 16)),
    23: "offline",  # from Linux 3.18 on balloon, since 5.1 (ca215086b14b) whatever is not to be used
    24: "zero_page",  # Linux 4.0
    25: "idle",  # Linux 4.3
    26: "pgtable",  # Linux 4.18 (1d40a5ea01d5)
    # For who works on the kernel; these may move.
    **dict(enumerate(("reserved", "mlocked", "owner_2", "private", "private_2", "owner_private", "arch"), 32)),
    39: "uncached",  # of ia64, until Linux 6.9
    40: "softdirty",
    41: "arch_2",
    42: "arch_3",
}
_OLD_NAMES = {23: ("balloon", (5, 1)), 34: ("mappedtodisk", (6, 12))}
REFERENCED, UPTODATE, DIRTY, LRU, ACTIVE, SLAB, WRITEBACK = (1 << bit for bit in range(2, 9))
BUDDY, MMAP, ANON, SWAPCACHE, SWAPBACKED, HEAD, TAIL, HUGE, UNEVICTABLE = (1 << bit for bit in range(10, 19))
HWPOISON, NOPAGE, KSM, THP, OFFLINE, ZERO_PAGE, IDLE, PGTABLE = (1 << bit for bit in range(19, 27))
RESERVED, MLOCKED = 1 << 32, 1 << 33
# What a tail takes from its head. Since Linux 6.10 the kernel tells a tail's flags as its head's; before, a tail in the
# page cache has none but its own, which say that it is huge or mapped, and in old kernels not even slab's has any.
_CACHED = UPTODATE | LRU | ACTIVE | WRITEBACK | SWAPCACHE | SWAPBACKED | UNEVICTABLE
_INHERITED = _CACHED | SLAB | ANON | HUGE | KSM | PGTABLE
_TELLING = _INHERITED | BUDDY | OFFLINE | ZERO_PAGE | RESERVED | NOPAGE | HWPOISON
_SIZE = 8  # bytes of a word
_LINE = re.compile(rb"([0-9a-f]{1,16})[ \t]+([0-9]{1,15})")
HEADER = "# /proc/kpageflags: flags of page frames, and how many frames have them\n"


def flag_names(word: int, version: tuple[int, int, int] | None = None) -> list[str]:
    """Name the flags of a word, lowest first; bits of kernels to come by their number.

    >>> flag_names(1 << 5 | 1 << 23 | 1 << 63), flag_names(1 << 23, (4, 19, 0))
    (['lru', 'offline', 'bit_63'], ['balloon'])
    """
    return [_name(bit, version) for bit in range(64) if word >> bit & 1]


def _name(bit: int, version: tuple[int, int, int] | None) -> str:
    old, until = _OLD_NAMES.get(bit, ("", (0, 0)))
    return old if version is not None and version < until else NAMES.get(bit, f"bit_{bit}")


class FlagTally:
    """Counts words, block after block in the order of frames, with what a head tells given to its tails.

    >>> from array import array
    >>> tally = FlagTally()
    >>> tally.add(array("Q", [HEAD | LRU, TAIL, TAIL]).tobytes())
    >>> tally.counts == {HEAD | LRU: 1, TAIL | LRU: 2}
    True
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self._last = memoryview(b"").cast("Q")  # the block before

    def add(self, block: bytes) -> None:
        """Count a block, whole words in the order of this machine."""
        words = memoryview(block).cast("Q")
        counts = Counter(words)
        bare = [word for word in counts if word & TAIL and not word & _TELLING]
        for word in bare:
            self._give_to_tails(block, words, word, counts)
        self.counts.update(+counts)
        self._last = words

    def _give_to_tails(self, block: bytes, words: memoryview, word: int, counts: Counter[int]) -> None:
        """Count each run of one word, that of tails that tell nothing, as what its head makes of it."""
        needle = word.to_bytes(_SIZE, sys.byteorder)
        place = block.find(needle)
        while place >= 0:
            start, is_between = divmod(place, _SIZE)
            end = start + 1
            if not is_between:
                while end < len(words) and words[end] == word:
                    end += 1
                given = self._head_of(words, start) & _INHERITED
                if given:
                    counts[word] -= end - start
                    counts[word | given] += end - start
            place = block.find(needle, place + 1 if is_between else end * _SIZE)

    def _head_of(self, words: memoryview, place: int) -> int:
        """Give the head of the compound page that the tail at this place is of; 0 if it has none."""
        for before in (words[:place], self._last):
            for word in reversed(before):
                if not word & TAIL:
                    return word if word & HEAD else 0
        return 0


def histogram_lines(counts: Mapping[int, int]) -> Iterator[str]:
    """Write a histogram as captures keep it: after a comment a line a word, in hexadecimal, the most frequent first.

    >>> list(histogram_lines({0x400: 7}))[1:]
    ['0000000000000400 7\\n']
    """
    yield HEADER
    for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{word:016x} {count}\n"


def parse_histogram(text: bytes, file: str = "kpageflags.hist") -> dict[int, int]:
    """Read what histogram_lines() wrote; the same word again is added. Raises ParseError."""
    counts: Counter[int] = Counter()
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line or line.startswith(b"#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(file, number, f"expected 'FLAGS FRAMES', got {excerpt(line)}")
        counts[int(match[1], 16)] += int(match[2])
    if not counts:
        raise ParseError(file, None, "no frame in it")
    return dict(counts)

"""Where glibc takes memory from: the heap of its main arena or a mapping of its own, and which pages that dirties.

Source: malloc/malloc.c of glibc, sysmalloc() and _int_free(). Exact for the first thread of a program that frees what
it allocated last, or nothing; other threads have arenas of their own, and holes in the heap are not filled here. Other
C libraries (musl, jemalloc, tcmalloc) have other rules.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

Version = tuple[int, int]
DEFAULT_THRESHOLD = 128 << 10  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_TOP_PAD to begin with
MOST_MAPPINGS = 65536
_NOW: Version = (2, 41)


class Build(NamedTuple):
    """What a build of glibc fixes, in bytes."""

    word: int  # SIZE_SZ: of size_t
    align: int  # MALLOC_ALIGNMENT
    tcache: int = 0  # what a thread's cache takes of the heap at the first call; none before 2.26
    page_size: int = 4096

    @property
    def least(self) -> int:
        """Give MINSIZE, that of the smallest chunk."""
        return self.pad(4 * self.word)

    @property
    def threshold_max(self) -> int:
        """Give DEFAULT_MMAP_THRESHOLD_MAX, up to which the threshold follows what is freed."""
        return 512 << 10 if self.word == 4 else 32 << 20

    def pad(self, size: int) -> int:
        """Round up to the alignment of chunks."""
        return -(-size // self.align) * self.align

    def chunk(self, request: int) -> int:
        """Give the size of the chunk for a request.

        >>> Build(8, 16).chunk(131048), Build(4, 8).chunk(3)
        (131056, 16)
        """
        return max(self.pad(request + self.word), self.least)


def build(bits: int = 64, version: Version = _NOW, *, i386: bool = False, page_size: int = 4096) -> Build:
    """Give the build for an architecture: chunks are aligned to two words, on i386 to 16 bytes from 2.26 on.

    >>> build(64, (2, 36)).tcache, build(32, (2, 13)).align
    (640, 8)
    """
    word = bits // 8
    align = 16 if i386 and version >= (2, 26) else 2 * word
    bins = 76 if version >= (2, 42) else 64
    count = 0 if version < (2, 26) else 1 if version < (2, 30) else 2  # bytes to count a bin's chunks in
    return Build(word, align, bins * (count + word) if count else 0, page_size)


class Granted(NamedTuple):
    """An allocation; where a mapping lies is the kernel's choice."""

    pointer: int | None
    request: int
    size: int  # of the chunk, or of the mapping
    is_mapped: bool


class Footprint:
    """Pages written to."""

    def __init__(self, page_size: int) -> None:
        self.pages = 0
        self._page_size = page_size
        self._firsts: list[int] = []  # of runs of pages, which do not touch
        self._lasts: list[int] = []

    def write(self, start: int, end: int) -> None:
        """Count the pages of the bytes ``start`` to ``end`` that are new."""
        first, last = start // self._page_size, (end - 1) // self._page_size
        if self._firsts and self._firsts[-1] <= first <= self._lasts[-1]:  # as nearly always: heaps grow at their end
            self.pages += max(last - self._lasts[-1], 0)
            self._lasts[-1] = max(last, self._lasts[-1])
            return
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        for i in range(low, high):
            self.pages -= self._lasts[i] + 1 - self._firsts[i]
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high], self._lasts[low:high] = [first], [last]
        self.pages += last + 1 - first

    def cut(self, end: int) -> None:
        """Forget the pages from an address on, which the process gave back."""
        page = end // self._page_size
        while self._lasts and self._lasts[-1] >= page:
            first, last = self._firsts.pop(), self._lasts.pop()
            self.pages -= last + 1 - max(first, page)
            if first < page:
                self._firsts.append(first)
                self._lasts.append(page - 1)


class Heap:
    """The main arena of a process, and its mappings, from the first call on."""

    def __init__(
        self,
        build: Build,
        start: int = 0,
        *,
        threshold: int | None = None,
        top_pad: int = DEFAULT_THRESHOLD,
        held: int = 0,
    ) -> None:
        """Begin at ``start``, with so much ``held`` of the system. A ``threshold`` that is set stays: mallopt(3)."""
        self.build = build
        self.start = start
        self.brk = start + held
        self.threshold = DEFAULT_THRESHOLD if threshold is None else threshold
        self.mapped = self.regions = self.most_mapped = 0
        self.in_use = 0  # bytes of chunks, and of mappings
        self.headers = Footprint(build.page_size)  # written by malloc() itself
        self.written = Footprint(build.page_size)  # and by a program that writes to all it asked for
        self._top = start
        self._top_pad = top_pad
        self._trim = DEFAULT_THRESHOLD
        self._is_dynamic = threshold is None and top_pad == DEFAULT_THRESHOLD
        self._cached: dict[int, list[int]] = {}
        self._is_begun = False
        self._map_pages = self._map_written = 0

    @property
    def system(self) -> int:
        """Give the bytes that the arena has of the system."""
        return self.brk - self.start

    @property
    def resident_untouched(self) -> int:
        """Give the pages that are resident though nobody wrote to the memory: those with chunk headers.

        Reading does not add to them: untouched pages are the kernel's page of zeros.
        """
        return self.headers.pages + self._map_pages

    @property
    def resident_written(self) -> int:
        """Give the pages that are resident once all memory was written to."""
        return self.written.pages + self._map_written

    def malloc(self, request: int) -> Granted:
        """Allocate so many bytes. Raises ValueError for more than PTRDIFF_MAX, where malloc() fails."""
        if not 0 <= request < 1 << 8 * self.build.word - 1:
            raise ValueError(f"malloc({request}) fails: more than half of the address space")
        if not self._is_begun:
            self._is_begun = True
            if self.build.tcache:
                self._take(self.build.tcache)
        return self._take(request)

    def free(self, granted: Granted) -> None:
        """Free the latest allocation. Small ones are kept for the next request of their size."""
        self.in_use -= granted.size
        if granted.pointer is None:
            self._unmap(granted)
        elif granted.size <= self._most_cached():
            self._cached.setdefault(granted.size, []).append(granted.pointer)
        else:
            self._top = granted.pointer - 2 * self.build.word
            self._give_back()

    def _take(self, request: int) -> Granted:
        size = self.build.chunk(request)
        if self._cached.get(size):
            pointer = self._cached[size].pop()
        elif self.brk - self._top >= size + self.build.least:
            pointer = self._carve(size)
        elif size >= self.threshold and self.regions < MOST_MAPPINGS:
            return self._map(request, size)
        else:
            self._grow(size)
            pointer = self._carve(size)
        self.in_use += size
        self.written.write(pointer - self.build.word, pointer + request)
        self.written.write(self._top + self.build.word, self._top + 2 * self.build.word)
        return Granted(pointer, request, size, False)

    def _carve(self, size: int) -> int:
        """Take a chunk from the top, which writes two headers: its own and that of what remains."""
        word = self.build.word
        for header in (self._top, self._top + size):
            self.headers.write(header + word, header + 2 * word)
        self._top += size
        return self._top - size + 2 * word

    def _grow(self, size: int) -> None:
        size = self._page_up(size + self._top_pad + self.build.least - (self.brk - self._top))
        if self.system:
            self.brk += size
            return
        shift = -(self._top + 2 * self.build.word) % self.build.align  # to where pointers are aligned: a page more
        self._top += shift
        self.brk = self._page_up(self.brk + shift + size)

    def _map(self, request: int, size: int) -> Granted:
        word, align = self.build.word, self.build.align
        size = self._page_up(size + word + (align - 1 if align != 2 * word else 0))
        self.mapped += size
        self.in_use += size
        self.regions += 1
        self.most_mapped = max(self.most_mapped, self.mapped)
        self._map_pages += 1
        self._map_written += self._pages_of_mapping(request)
        return Granted(None, request, size, True)

    def _unmap(self, granted: Granted) -> None:
        """Unmap; from now on chunks up to this size come from the heap, which is trimmed later."""
        self.mapped -= granted.size
        self.regions -= 1
        self._map_pages -= 1
        self._map_written -= self._pages_of_mapping(granted.request)
        if self._is_dynamic and self.threshold < granted.size <= self.build.threshold_max:
            self.threshold = granted.size
            self._trim = 2 * granted.size

    def _pages_of_mapping(self, request: int) -> int:
        return self._page_up(request + 2 * self.build.word) // self.build.page_size

    def _give_back(self) -> None:
        """Trim the top. Source: systrim()."""
        free = self.brk - self._top
        if free < self._trim:
            return
        surplus = max(free - self.build.least - 1 - self._top_pad, 0)
        self.brk -= surplus // self.build.page_size * self.build.page_size
        self.headers.cut(self.brk)
        self.written.cut(self.brk)

    def _most_cached(self) -> int:
        """Give the largest chunk that free() keeps aside: in the thread's cache, before that in a fast bin."""
        return self.build.least + 63 * self.build.align if self.build.tcache else 16 * self.build.word

    def _page_up(self, size: int) -> int:
        return -(-size // self.build.page_size) * self.build.page_size

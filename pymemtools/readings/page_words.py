"""The words of a pagemap where a process may have pages: of a sparse terabyte the kernel is asked which these are."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.errors import Missing
from pymemtools.probes.pagemap_scan import populated
from pymemtools.sources.page_files import PageFile, page_size

_MOST = 1 << 17  # words read at once
_GAP = 256  # pages that are not there, and whose words cost less than a call more
_LAST = 1 << 63  # behind it is [vsyscall], which is no memory of the process


def page_words(pagemap: PageFile, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Read the words of a mapping's pages, with the number of the first page of each piece.

    Before Linux 6.7 these are all its pages. Raises Missing where the process has that memory no more.
    """
    size = page_size()
    for first, last in _spans(pagemap, start, end, _GAP * size):
        for at in range(first // size, last // size, _MOST):
            words = pagemap.words(at, min(_MOST, last // size - at))
            if not words and end <= _LAST:
                raise Missing("")
            yield at, words


def _spans(pagemap: PageFile, start: int, end: int, gap: int) -> Iterator[tuple[int, int]]:
    """Give the ranges that have pages, those that are close together as one."""
    ranges = populated(pagemap.fd, start, end)
    if ranges is None:
        yield start, end
    if not ranges:
        return
    first, last = ranges[0]
    for following, its_end in ranges:
        if following - last > gap:
            yield first, last
            first = following
        last = its_end
    yield first, last

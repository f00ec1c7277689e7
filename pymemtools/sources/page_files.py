"""The files of /proc that are read at a place: pagemap, and for root kpageflags and kpagecount. Of a live machine."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pymemtools.errors import Denied, DeniedProcess, Missing

_WORD = 8
_MOST = 1 << 17  # words read at once
_OF_PROCESS = re.compile(r"/proc/([1-9][0-9]{0,9})/(.+)", re.ASCII)


class PageFile:
    """One of those files; words are 64 bits, in the order of this machine."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError):
            raise Missing(f"{path}: not there") from None
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> Denied:
        of_process = _OF_PROCESS.fullmatch(self._path)
        if of_process is None:
            return Denied(f"{self._path}: {error.strerror}")
        return DeniedProcess(int(of_process[1]), f"{of_process[2]}: {error.strerror}")

    @property
    def fd(self) -> int:
        """Give its descriptor, for calls that ask in other ways."""
        return self._fd

    def close(self) -> None:
        os.close(self._fd)

    def words(self, first: int, count: int) -> bytes:
        """Read words from the given one on; fewer where the file ends, as that of a process does with it."""
        parts = []
        while count:
            try:
                part = os.pread(self._fd, min(count, _MOST) * _WORD, first * _WORD)
            except OSError as error:
                raise self._refused(error) from None
            if not part:
                break
            parts.append(part)
            first += len(part) // _WORD
            count -= len(part) // _WORD
        return b"".join(parts)

    def at(self, places: Iterable[int]) -> dict[int, int]:
        """Read single words; neighbours are read at once."""
        found: dict[int, int] = {}
        for first, count in _runs(sorted(set(places))):
            values = array("Q", self.words(first, count))
            found.update(zip(range(first, first + count), values))
        return found


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """Give runs of consecutive numbers as the first one and how many."""
    start = 0
    for i in range(1, len(places) + 1):
        if i == len(places) or places[i] != places[i - 1] + 1:
            yield places[start], i - start
            start = i


@contextmanager
def page_file(name: str) -> Iterator[PageFile]:
    """Open ``PID/pagemap``, ``kpageflags`` or ``kpagecount`` of this machine, or a file of that kind elsewhere.

    A pagemap stays that of the memory it was opened for: after exec, or the process's end, it reads as empty.
    """
    file = PageFile(name if name.startswith("/") else f"/proc/{name}")
    try:
        yield file
    finally:
        file.close()


def page_size() -> int:
    """Give the page size of this machine, in bytes."""
    return os.sysconf("SC_PAGESIZE")

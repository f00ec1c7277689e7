"""Which of an archive's members are which files of which process: columns of numbers, since there may be very many."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import reduce
from operator import and_

from pymemtools.sources.archive.member_names import PROCESS_FILES
from pymemtools.sources.archive.sparse import Sparse
from pymemtools.sources.archive.stored import Stored

_FILES = sorted(PROCESS_FILES)
_NUMBERS = {name: number for number, name in enumerate(_FILES)}
_NONE = -1  # in a column


class Processes:
    """The files of processes and the owners of these, processes in their order in the archive.

    Members are chained, from the last of a process to its first; mostly they are one behind the other.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}  # by PID: where a process is in the columns of processes
        self._last = array("i")  # member
        self._has = array("i")  # a bit for each of its files
        self._directory_uids = array("q")
        self._file_uids = array("q")
        self._before = array("i")  # the member before it, of the same process
        self._files = bytearray()  # which file it is
        self._sizes = array("q")  # bytes
        self._places = array("q")
        self._sparse: dict[int, Sparse] = {}  # by member
        self.pid = self._number = _NONE  # the process whose members come now
        self.lacks_file_owner = True  # whether nothing said whose its files are

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __contains__(self, pid: int) -> bool:
        return pid in self._numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def enter(self, pid: int) -> None:
        """Note that there is a process, and that what comes next is its."""
        if pid == self.pid:
            return
        number = self._numbers.setdefault(pid, len(self._last))
        if number == len(self._last):
            self._last.append(_NONE)
            self._has.append(0)
            self._directory_uids.append(_NONE)
            self._file_uids.append(_NONE)
        self.pid, self._number = pid, number
        self.lacks_file_owner = self._file_uids[number] == _NONE

    def has(self, name: str) -> bool:
        """Tell whether the process has a file already."""
        return bool(self._has[self._number] >> _NUMBERS[name] & 1)

    def add(self, name: str, size: int, place: int, sparse: Sparse | None) -> None:
        """Note a file of the process."""
        file, number, member = _NUMBERS[name], self._number, len(self._files)
        self._has[number] |= 1 << file
        if sparse is not None:
            self._sparse[member] = sparse
        self._before.append(self._last[number])
        self._files.append(file)
        self._sizes.append(size)
        self._places.append(place)
        self._last[number] = member

    def own(self, uid: int, *, of_directory: bool) -> bool:
        """Note who owns the directory of the process, or its files; tell whether that is news."""
        uids = self._directory_uids if of_directory else self._file_uids
        is_news = uids[self._number] == _NONE
        if is_news:
            uids[self._number] = uid
        self.lacks_file_owner = self._file_uids[self._number] == _NONE
        return is_news

    def have_files(self) -> bool:
        """Tell whether any process has a file."""
        return bool(self._files)

    def have_bytes(self) -> bool:
        """Tell whether any file has bytes."""
        return any(self._sizes)

    def find(self, pid: int, name: str) -> Stored | None:
        """Find a file; None when it is not there."""
        number, file = self._numbers.get(pid), _NUMBERS.get(name)
        member = _NONE if number is None else self._last[number]
        while member != _NONE:
            if self._files[member] == file:
                return Stored(self._sizes[member], self._places[member], self._sparse.get(member))
            member = self._before[member]
        return None

    def owner(self, pid: int) -> int | None:
        """Tell who owned the directory of a process, or else its files."""
        number = self._numbers.get(pid)
        uids = () if number is None else (self._directory_uids[number], self._file_uids[number])
        return next((uid for uid in uids if uid != _NONE), None)

    def is_last_whole(self, least: frozenset[str]) -> bool:
        """Tell whether the last process has all files that each other one with any has, or at ``least`` those."""
        if not self._has:
            return True
        *others, last = self._has
        expected = reduce(and_, filter(None, others), ~0)
        if expected == ~0:
            expected = sum(1 << _NUMBERS[name] for name in least)
        return last & expected == expected

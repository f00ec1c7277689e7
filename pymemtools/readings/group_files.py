"""The memory controller's files of one control group, read one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.procfs.cgroup_memory import parse_amount, parse_limit, parse_stat
from pymemtools.sources.base import Source
from pymemtools.units import NEGATIVE, human_size

_T = TypeVar("_T")


class GroupFiles:
    """Reads the files of a group; None for what the kernel has no file of. Raises Denied or ParseError.

    Counters of groups have gone below 0 in many kernels, and are printed without a sign then: such are unknown.
    """

    def __init__(self, source: Source, directory: str) -> None:
        self._source = source
        self._directory = directory
        self.doubts: list[str] = []  # what was read and cannot be
        self.absent: list[str] = []  # files of limits that are not there

    def text(self, name: str) -> bytes | None:
        """Read a file as it is."""
        try:
            return self._source.read(f"{self._directory}/{name}")
        except Missing:
            return None

    def limit(self, name: str) -> int | None:
        """Read a limit in bytes; None for no limit, too, and where there is no such file, which is then ``absent``."""
        found = self.parsed(name, lambda text, file: (parse_limit(text, file),))
        if found is not None:
            return found[0]
        self.absent.append(name)
        return None

    def amount(self, name: str) -> int | None:
        """Read an amount in bytes, or a count."""
        amount = self.parsed(name, parse_amount)
        if amount is None or amount < NEGATIVE:
            return amount
        self._doubt(name, name, amount)
        return None

    def is_set(self, name: str) -> bool:
        """Tell whether a flag is."""
        return self.text(name) == b"1\n"

    def figures(self, name: str) -> Mapping[str, int]:
        """Read lines of a name and a figure; nothing without the file."""
        found = self.parsed(name, parse_stat) or {}
        if max(found.values(), default=0) < NEGATIVE:
            return found
        for key, figure in found.items():
            if figure >= NEGATIVE and not key.endswith("_limit"):  # of some kernels that is no limit
                self._doubt(name, key, figure)
        return {key: figure for key, figure in found.items() if figure < NEGATIVE}

    def _doubt(self, name: str, key: str, figure: int) -> None:
        where = f"{self._directory}/{name}" if key != name else self._directory
        self.doubts.append(f"{where}: {key} of {human_size(figure)} cannot be: it is taken as unknown")

    def parsed(self, name: str, parse: Callable[[bytes, str], _T | None]) -> _T | None:
        """Read a file that ``parse`` understands."""
        text = self.text(name)
        return None if text is None else parse(text, f"{self._directory}/{name}")


class ForgivingFiles(GroupFiles):
    """Reads those files of a group that it is known to have; what cannot be read is unknown, and the reason is kept."""

    def __init__(self, source: Source, directory: str, names: Collection[str]) -> None:
        super().__init__(source, directory)
        self._names = names
        self._texts: dict[str, bytes | None] = {}  # as read
        self.refused: MemtoolsError | None = None  # the first
        self.is_short = False  # a file that was there is gone, or will not be read: so it is when a group is removed

    def text(self, name: str) -> bytes | None:
        """Read a file as it is, once."""
        if name in self._names and name not in self._texts:
            self._texts[name] = None
            try:
                self._texts[name] = super().text(name)
            except MemtoolsError as error:
                self.refused = self.refused or error
            self.is_short = self.is_short or self._texts[name] is None
        return self._texts.get(name)

    def parsed(self, name: str, parse: Callable[[bytes, str], _T | None]) -> _T | None:
        """Read a file that ``parse`` understands."""
        try:
            return super().parsed(name, parse)
        except MemtoolsError as error:
            self.refused = self.refused or error
            return None

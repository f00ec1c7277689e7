"""What is asked of pmap: which processes, which of their mappings, which figures, in which order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.procfs.smaps.fields import key_of
from pymemtools.readings.mappings import ALL, Wanted
from pymemtools.report import plain_name
from pymemtools.reports.pmap.columns import is_number, key_among
from pymemtools.reports.pmap.table import MADE_OF, OF_MAPS

# What tells large mappings from small ones where nothing else was asked for.
FIGURES = ("size", "rss", "pss", "private_dirty", "swap")
ROLLUP_FIGURES = ("size", "rss", "pss", "pss_anon", "pss_file", "pss_shmem", "swap", "swap_pss")
# What -X leaves out, and -XX shows.
DROPPED = frozenset(
    (
        "anon_huge_pages",
        "kernel_page_size",
        "mmu_page_size",
        "shared_dirty",
        "private_dirty",
        "shared_clean",
        "private_clean",
    )
)


class PmapRequest(NamedTuple):
    """The question, checked before anything is read."""

    pids: tuple[int, ...]
    mode: str = ""  # "", "x", "d", "X" or "XX": procps's columns
    columns: tuple[str, ...] = ()  # instead of those of the mode
    full: bool = False  # whole paths, also where the column is the base name
    addresses: tuple[int, int] | None = None  # the first and the last one wanted
    name: re.Pattern[str] | None = None
    sort: str | None = None
    reverse: bool = False
    top: int | None = None
    group: str | None = None  # "path" or "kind"
    merge: bool = False  # several processes in one table
    rollup: bool = False  # sums alone
    compares: bool = False  # with another source, or with the last sample
    everything: bool = False  # every column there is, unless some were named

    @property
    def is_for_totals(self) -> bool:
        """Tell whether memory in use counts, which takes smaps, and not only what is mapped."""
        return bool(self.group) or self.compares

    @property
    def weight(self) -> str | None:
        """Name the column that rows are sorted by; None: they stay as they are."""
        is_sorted = self.sort is not None or self.top is not None or self.group or self.rollup
        return self.figure if is_sorted else None

    @property
    def figure(self) -> str:
        """Name the column that tells much from little: by it rows are sorted, and looks compared."""
        if self.sort is not None:
            return self.sort
        shown = [key for key in self.columns if is_number(key)]
        if shown:
            return "rss" if "rss" in shown else shown[0]
        return "rss" if self.mode in ("x", "X", "XX") or self.is_for_totals or self.rollup else "size"

    @property
    def wanted(self) -> Wanted | None:
        """Say which numbers of smaps to read; None: maps will do."""
        if self.mode == "X" and not self.everything and self.sort is None and not self.group:
            return lambda field: key_of(field) not in DROPPED
        if self.mode.startswith("X"):
            return ALL
        keys = {*self.columns, *([self.figure] if self.weight or self.compares else [])}
        if self.mode == "x":
            keys |= {"rss", "dirty"}
        if self.is_for_totals and not self.columns:
            keys |= set(FIGURES)
        keys -= OF_MAPS | {"mappings"}
        if not keys:
            return None
        names = {plain_name(name) for key in keys for name in (key, *MADE_OF.get(key, ()))}
        return lambda field: plain_name(field) in names

    @property
    def needs_kinds(self) -> bool:
        """Tell whether the kinds of mappings must be told."""
        return self.compares or self.everything or "kind" in (self.group, self.sort, *self.columns)

    @property
    def is_classic(self) -> bool:
        """Tell the layouts that procps has, too."""
        return not (self.columns or self.group or self.merge or self.rollup or self.compares)

    def among(self, fields: Iterable[str]) -> PmapRequest:
        """Give columns that are unknown here the keys of the kernel's ``fields``, once these are known."""
        columns = tuple(key_among(name, fields) for name in self.columns)
        return self._replace(columns=columns, sort=None if self.sort is None else key_among(self.sort, fields))

    @property
    def is_wide(self) -> bool:
        """Tell a table with columns of its own from those of procps's classic layouts."""
        return bool(self.columns or self.group) or self.mode.startswith("X")

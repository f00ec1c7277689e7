"""What the kernel tells of transparent huge pages: settings, each size's, and counters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.pagetypeinfo import parse_pageblock
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.free_blocks import read_free_blocks
from pymemtools.readings.page_size import page_size_of
from pymemtools.sources.base import Source
from pymemtools.units import whole_number

_ABOVE = "/sys/kernel/mm"
_FOLDER = f"{_ABOVE}/transparent_hugepage"
_SIZE = re.compile(r"hugepages-([0-9]{1,9})kB")
_MEMINFO = ("AnonHugePages", "ShmemHugePages", "ShmemPmdMapped", "FileHugePages", "FilePmdMapped")
_FILES = re.compile(r"(?!hugepages-|khugepaged|stats).*")  # and no folder
_STATS = re.compile(r"anon_fault_.*|nr_anon|s.*")  # what captures take
_KHUGEPAGED = f"{_FOLDER}/khugepaged"


class HugePageSize(NamedTuple):
    """Pages of one size (Linux 6.8), with their counts (6.10)."""

    size: int  # bytes
    enabled: str | None
    shmem_enabled: str | None
    stats: Mapping[str, int]


class HugePages(NamedTuple):
    """All there is; what a kernel does not have is not there, or None."""

    size: int | None  # bytes of the size that a page table of the second level maps
    page_size: int
    settings: Mapping[str, str]
    khugepaged: Mapping[str, str]
    sizes: list[HugePageSize]
    counters: Mapping[str, int]  # vmstat's thp_ ones
    amounts: Mapping[str, int]  # meminfo's, in bytes
    blocks: Mapping[tuple[int, str], list[int]]  # free, by node and zone, of 1, 2, 4 ... pages
    notes: tuple[str, ...]
    is_without: bool = False  # the kernel, or the machine, has none

    def setting(self, name: str) -> str | None:
        """Give what holds for the largest size: ``enabled`` or ``shmem_enabled``."""
        own = next((getattr(each, name) for each in self.sizes if each.size == self.size), None)
        value: str | None = self.settings.get(name) if own in (None, "inherit") else own
        return value


def read_huge_pages(source: Source) -> HugePages:
    """Read what there is of it."""
    page = page_size_of(source)
    page_size, notes = page.size, page.notes
    settings = _words(source, _FOLDER)
    known = whole_number(settings.get("hpage_pmd_size", ""))
    try:
        counters = {key: n for key, n in parse_vmstat(source.read("vmstat")).items() if key.startswith("thp_")}
    except MemtoolsError as error:
        counters = {}
        notes.append(str(error))
    free, amounts = read_free_blocks(source), _amounts(source)
    is_without = not settings and bool(source.names(_ABOVE))  # mm/huge_memory.c, hugepage_init()
    has_some = bool(amounts) and not is_without  # of a kernel without them a pageblock is something else
    return HugePages(
        size=known or (_pageblock(source, page_size) if has_some else None),
        page_size=page_size,
        settings=settings,
        khugepaged=_words(source, _KHUGEPAGED),
        sizes=_sizes(source),
        counters=counters,
        amounts=amounts,
        blocks=free.blocks,
        notes=(*notes, *free.notes),
        is_without=is_without,
    )


def _words(source: Source, folder: str, names: re.Pattern[str] = _FILES) -> dict[str, str]:
    """Read the files of a folder that have such names: of several words the chosen one."""
    found = {}
    for name in sorted(filter(names.fullmatch, source.names(folder))):
        try:
            text = source.read(f"{folder}/{name}").decode("utf-8", "surrogateescape")
        except MemtoolsError:
            continue
        found[name] = text.partition("[")[2].partition("]")[0] if "[" in text else text.strip()
    return found


def _sizes(source: Source) -> list[HugePageSize]:
    found = []
    for name in source.names(_FOLDER):
        match = _SIZE.fullmatch(name)
        if match is not None:
            words, stats = _words(source, f"{_FOLDER}/{name}"), _words(source, f"{_FOLDER}/{name}/stats", _STATS)
            counts = {key: whole_number(text) for key, text in stats.items()}
            numbers = {key: count for key, count in counts.items() if count is not None}
            size = int(match[1]) * 1024
            found.append(HugePageSize(size, words.get("enabled"), words.get("shmem_enabled"), numbers))
    return sorted(found)


def _pageblock(source: Source, page_size: int) -> int | None:
    """Take a pageblock for a huge page, which it is wherever there are huge pages, before hpage_pmd_size (4.10)."""
    try:
        return parse_pageblock(source.read("pagetypeinfo")) * page_size
    except MemtoolsError:
        return None


def _amounts(source: Source) -> dict[str, int]:
    try:
        meminfo = read_meminfo(source).meminfo
    except MemtoolsError:
        return {}
    return {key: meminfo[key] for key in _MEMINFO if key in meminfo}

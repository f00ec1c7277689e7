"""The page size of the machine that a copy of /proc was made on, which no file of it says in so many words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from pymemtools.errors import MemtoolsError
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.units import is_page_size

_OF_A_MAPPING = re.compile(rb"\nKernelPageSize: +([0-9]{1,9}) kB\n")
_COUNTER = re.compile(rb"^([A-Za-z_()]{1,40}):? +([0-9]{1,15})\b", re.MULTILINE)
_SAME = (  # fs/proc/meminfo.c, mm/vmstat.c; anonymous pages are not: huge ones were counted apart before 4.8
    *((b"MemFree", b"nr_free_pages"), (b"Mapped", b"nr_mapped"), (b"PageTables", b"nr_page_table_pages")),
    *((b"Active(anon)", b"nr_active_anon"), (b"Inactive(anon)", b"nr_inactive_anon")),
    *((b"Active(file)", b"nr_active_file"), (b"Inactive(file)", b"nr_inactive_file")),
    (b"SReclaimable", b"nr_slab_reclaimable"),
)
_ENOUGH_COUNTERS = 3
_ENOUGH_PAGES = 100
_TOLERANCE = 0.2
_VIRTUAL = 20  # of the words of stat behind the name: the size of the address space, in bytes; first in statm, in pages


def page_size_of(source: Source) -> int | None:
    """Tell the page size, in bytes: the smallest that the processes use, or else what their sizes say, or meminfo.

    None where none does. Source: fs/proc/task_mmu.c, KernelPageSize, since Linux 2.6.29.
    """
    return (
        _told_by_any(source, _smallest_in_smaps)
        or _told_by_any(source, _bytes_for_a_page_of_statm)
        or _told_by_meminfo(source)
        or _told_by_counters(source)
    )


def _told_by_meminfo(source: Source) -> int | None:
    """Know x86 and s390, which have but one size, by how the kernel maps itself (arch_report_meminfo()).

    powerpc has the same line, and one for 64 KiB.
    """
    try:
        text = source.read("meminfo")
    except MemtoolsError:
        return None
    return 4096 if b"\nDirectMap4k:" in text and b"\nDirectMap64k:" not in text else None


def _told_by_counters(source: Source) -> int | None:
    """Divide what meminfo has in KiB by the same in vmstat, in pages, as of sosreports of arm64 and powerpc.

    The two are read at different times, and a container's may be of different machines: all have to agree.
    """
    try:
        kib, pages = _counters(source.read("meminfo")), _counters(source.read("vmstat"))
    except MemtoolsError:
        return None
    both = [(kib[name] << 10, pages[key]) for name, key in _SAME if name in kib and pages.get(key, 0) >= _ENOUGH_PAGES]
    found = {_nearest_page_size(size / count) for size, count in both}
    return found.pop() if len(found) == 1 and len(both) >= _ENOUGH_COUNTERS else None


def _counters(text: bytes) -> dict[bytes, int]:
    return {name: int(number) for name, number in _COUNTER.findall(text)}


def _nearest_page_size(ratio: float) -> int | None:
    size = 1 << max(round(math.log2(ratio)), 0) if ratio > 0 else 0
    return size if is_page_size(size) and abs(ratio / size - 1) < _TOLERANCE else None


def _told_by_any(source: Source, tell: Callable[[ProcessFiles], int | None]) -> int | None:
    for pid in source.pids():
        try:
            with source.process(pid) as files:
                size = tell(files)
        except MemtoolsError:
            continue
        if size is not None:
            return size
    return None


def _smallest_in_smaps(files: ProcessFiles) -> int | None:
    """Look at the first mappings; there is no need to read more of a huge smaps."""
    head = next(iter(files.chunks("smaps")), b"")
    sizes = (int(kib) * 1024 for kib in _OF_A_MAPPING.findall(head))
    return min(filter(is_page_size, sizes), default=None)


def _bytes_for_a_page_of_statm(files: ProcessFiles) -> int | None:
    """Divide the same size in bytes and in pages (fs/proc/array.c); they may have been read at different times."""
    words = files.read("stat").rpartition(b")")[2].split()[_VIRTUAL:]
    pages = files.read("statm").split(None, 1)
    if not words or not pages or not (_is_count(words[0]) and _is_count(pages[0])):
        return None
    size, rest = divmod(int(words[0]), int(pages[0]))
    return size if rest == 0 and is_page_size(size) else None


def _is_count(word: bytes) -> bool:
    return word.isdigit() and len(word) <= 20 and word.strip(b"0") != b""

"""/proc/vmstat: counters of pages and events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.errors import ParseError
from pymemtools.units import times

_LINE = re.compile(r"^([a-z][a-z0-9_]*) (-?[0-9]{1,20})$", re.MULTILINE)


def parse_vmstat(text: bytes, file: str = "vmstat") -> dict[str, int]:
    """Map each counter to its value: ``nr_`` are pages now, the others events since boot. Raises ParseError.

    >>> parse_vmstat(b"nr_free_pages 7\\npgfault 3\\n")
    {'nr_free_pages': 7, 'pgfault': 3}

    Source: mm/vmstat.c, vmstat_show().
    """
    counters = {name: int(value) for name, value in _LINE.findall(text.decode("ascii", "replace"))}
    if not counters:
        raise ParseError(file, None, "no counter in it")
    return counters


_32_BITS = 1 << 32
_HALVED = ("pgpgin", "pgpgout")  # counted in sectors, and told in KiB: vmstat_start()
_KINDS = ("anon", "file")
_ZONES = ("dma", "dma32", "normal", "high", "movable", "device")
_RECLAIMERS = ("kswapd", "direct", "khugepaged", "proactive")


class PagingEvents(NamedTuple):
    """Events since the start, or between two moments, of one meaning under each kernel; None where it is not known."""

    minor_faults: int | None
    major_faults: int | None
    paged_in: int | None  # bytes read from disks, files and swap
    paged_out: int | None
    swapped_in_pages: int | None
    swapped_out_pages: int | None
    scanned_pages: int | None  # in search of what can be reclaimed, by whomever
    kswapd_scanned_pages: int | None
    direct_scanned_pages: int | None  # by whoever allocated
    stolen_pages: int | None  # reclaimed, each page counted once
    refaulted_pages: int | None  # of files or swap: needed again soon after they were reclaimed
    direct_reclaims: int | None  # how often whoever allocated had to reclaim first
    oom_kills: int | None


Counters = Mapping[str, int | None]


def paging_events(counters: Counters) -> PagingEvents:
    """Take the events of paging out of vmstat, or out of differences of its counters.

    pgscan_ and pgsteal_ are counted by zone before Linux 4.8, and from 5.9 on twice: by who reclaims, but for what is
    reclaimed at a limit of a memory group, and by kind (_anon, _file), which is all; allocstall by zone since 4.10,
    workingset_refault by kind since 5.9. pgpgin and pgpgout are in KiB. pgfault counts major faults, too.

    >>> paging_events({"pgscan_kswapd_dma": 1, "pgscan_kswapd_normal": 2, "pgscan_direct_throttle": 9}).scanned_pages
    3

    Source: mm/vmscan.c, shrink_inactive_list(); mm/memory.c, mm_account_fault(); mm/vmstat.c, vmstat_start(), Linux 6.1
    """
    faults, major = counters.get("pgfault"), counters.get("pgmajfault")
    return PagingEvents(
        minor_faults=None if faults is None or major is None else max(faults - major, 0),
        major_faults=major,
        paged_in=times(counters.get("pgpgin"), 1024),
        paged_out=times(counters.get("pgpgout"), 1024),
        swapped_in_pages=counters.get("pswpin"),
        swapped_out_pages=counters.get("pswpout"),
        scanned_pages=_reclaimed(counters, "pgscan"),
        kswapd_scanned_pages=_together(counters, "pgscan_kswapd", _ZONES),
        direct_scanned_pages=_together(counters, "pgscan_direct", _ZONES),
        stolen_pages=_reclaimed(counters, "pgsteal"),
        refaulted_pages=_together(counters, "workingset_refault", _KINDS),
        direct_reclaims=_together(counters, "allocstall", _ZONES),
        oom_kills=counters.get("oom_kill"),
    )


def _reclaimed(counters: Counters, what: str) -> int | None:
    """Add up by kind of page, which is all; where that is not counted, by who reclaims."""
    if all(f"{what}_{kind}" in counters for kind in _KINDS):
        return _together(counters, what, _KINDS)
    by_whom = {f"{what}_{each}": _together(counters, f"{what}_{each}", _ZONES) for each in _RECLAIMERS}
    known = [found for found in by_whom.values() if found is not None]
    # Before 3.4 what is stolen is counted by zone, whoever did it.
    return sum(known) if known else _together(counters, what, _ZONES)


def _together(counters: Counters, name: str, parts: tuple[str, ...]) -> int | None:
    """Give a counter, or the sum of those that it was split into; None where there is neither, or one is unknown."""
    if name in counters:
        return counters[name]
    there = [counters[key] for part in parts if (key := f"{name}_{part}") in counters]
    return sum(each for each in there if each is not None) if there and None not in there else None


def grown(before: Mapping[str, int], after: Mapping[str, int], *, wraps: bool) -> dict[str, int | None]:
    """Give by how much each counter of events grew, those that are no ``nr_``; None for one that is less than before.

    Where the machine is known to have run on, a counter may have ``wraps``: on a 32-bit machine, of which all counters
    are below 2^32, one that fell from the upper half to the lower one began again at 0; of KiB read or written at 2^31.

    >>> grown({"pgfault": 2**32 - 5, "pgfree": 7}, {"pgfault": 3, "pgfree": 6}, wraps=True)
    {'pgfault': 8, 'pgfree': None}
    """
    wraps = wraps and max(max(counters.values(), default=0) for counters in (before, after)) < _32_BITS
    found: dict[str, int | None] = {}
    for name, count in after.items():
        if name in before and name[:3] != "nr_":
            growth = count - before[name]
            found[name] = growth if growth >= 0 else _around(before[name], count, name) if wraps else None
    return found


def _around(before: int, after: int, name: str) -> int | None:
    """Give by how much a counter grew that went round its end, if it did."""
    limit = _32_BITS // 2 if name in _HALVED else _32_BITS
    return after - before + limit if after < limit // 2 <= before < limit else None

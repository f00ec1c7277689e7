"""What of meminfo cannot be, and whether zoneinfo tells of the same memory: containers mix files of two machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import ParseError
from pymemtools.models.release import Version, since
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.recalled import recalled
from pymemtools.sources.base import Source
from pymemtools.units import NEGATIVE, human_size

_OF_RAM = (
    *("MemFree", "MemAvailable", "Buffers", "Cached", "SwapCached", "Active", "Inactive", "Active(anon)"),
    *("Inactive(anon)", "Active(file)", "Inactive(file)", "Unevictable", "Mlocked", "HighTotal", "LowTotal"),
    *("Dirty", "Writeback", "AnonPages", "Mapped", "Shmem", "KReclaimable", "Slab", "SReclaimable", "SUnreclaim"),
    *("KernelStack", "PageTables", "SecPageTables", "Percpu", "Hugetlb"),
)
_WHOLES = {
    **dict.fromkeys(_OF_RAM, "MemTotal"),
    "SwapFree": "SwapTotal",
    "LowFree": "LowTotal",
    "HighFree": "HighTotal",
}
_COUNTED_TOGETHER = (3, 11)  # from then on what changes MemTotal changes its zone's managed: 0c988534737a


class Figures(NamedTuple):
    """meminfo without what cannot be, in bytes, and a line for each figure that is left out."""

    meminfo: Mapping[str, int]
    notes: tuple[str, ...]


def read_meminfo(source: Source) -> Figures:
    """Read the figures that a question may go by. Raises Missing, Denied or ParseError."""
    return recalled(source, _read_meminfo)


def all_of_meminfo(source: Source) -> Figures:
    """Read the figures, whichever there are. Raises Missing, Denied or ParseError."""
    return recalled(source, _all_of_meminfo)


def _all_of_meminfo(source: Source) -> Figures:
    return plausible(parse_meminfo(source.read("meminfo")))


def _read_meminfo(source: Source) -> Figures:
    found = all_of_meminfo(source)
    if "MemTotal" not in found.meminfo:
        raise ParseError("meminfo", None, "no MemTotal field that can be")
    return found


def plausible(meminfo: Mapping[str, int]) -> Figures:
    """Leave out what is negative, or more than the whole that it is a part of.

    >>> plausible({"MemTotal": 4096, "MemFree": 0, "SwapTotal": 0, "SwapFree": 2**64 - 131072})
    Figures(meminfo={'MemTotal': 4096, 'MemFree': 0, 'SwapTotal': 0}, notes=('meminfo: SwapFree of 16.0 EiB cannot be \
(SwapTotal is 0 B): it is taken as unknown',))
    """
    reasons = dict(_impossible(meminfo))
    if not reasons:
        return Figures(meminfo, ())
    notes = tuple(
        f"meminfo: {key} of {human_size(meminfo[key])} cannot be{reason}: it is taken as unknown"
        for key, reason in reasons.items()
    )
    return Figures({key: value for key, value in meminfo.items() if key not in reasons}, notes)


def _impossible(meminfo: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for key, value in meminfo.items():
        whole = _WHOLES.get(key, "")
        most = meminfo.get(whole, NEGATIVE)
        if value > most and most < NEGATIVE:
            yield key, f" ({whole} is {human_size(most)})"
        elif value >= NEGATIVE:
            yield key, ""


class Swap(NamedTuple):
    """Swap space in bytes, None where it is not known."""

    total: int | None
    free: int | None


def swap_of(meminfo: Mapping[str, int]) -> Swap:
    """Give swap: a meminfo that tells neither figure is that of a machine, or sandbox, without.

    >>> swap_of({"SwapTotal": 0}), swap_of({"SwapTotal": 8})
    (Swap(total=0, free=0), Swap(total=8, free=None))
    """
    total, free = meminfo.get("SwapTotal"), meminfo.get("SwapFree")
    return Swap(0, 0) if total == 0 or (total is None and free is None) else Swap(total, free)


def zones_differ(
    zones: Sequence[Zone], samples: Sequence[Mapping[str, int]], page_size: int, version: Version | None
) -> str | None:
    """Say how zones tell of other memory than meminfo does, None where they agree.

    ``samples`` are meminfo, on a live machine as it was before zoneinfo and after it. MemTotal is what zones manage,
    and MemFree what they have free, to the page where nothing runs; files that are read one after the other may
    differ by what was allocated in between. Before Linux 3.8 zones tell ``present`` only, which is more than MemTotal
    by what boot kept, or a little less. Source: mm/page_alloc.c, adjust_managed_page_count(), si_meminfo().
    """
    totals = [each["MemTotal"] for each in samples if "MemTotal" in each]
    free = [each["MemFree"] for each in samples if "MemFree" in each]
    if not zones or not totals:
        return None
    usable = sum(zone.usable for zone in zones) * page_size
    is_exact = all(zone.managed is not None for zone in zones) and since(version, _COUNTED_TOGETHER)
    slack = max(totals) // (256 if is_exact else 8)
    is_more = usable > max(totals) + slack and all(zone.managed is not None for zone in zones)
    if is_more or usable < min(totals) - slack:
        return _difference(f"manage {human_size(usable)}", f"MemTotal is {human_size(totals[0])}")
    theirs = sum(zone.free for zone in zones) * page_size
    slack = max(max(totals) // 32, 4 << 20)
    if free and not min(free) - slack <= theirs <= max(free) + slack:
        return _difference(f"have {human_size(theirs)} free", f"MemFree is {human_size(free[0])}")
    return None


def _difference(theirs: str, ours: str) -> str:
    return f"zones {theirs}, but {ours}: zones decide nothing"

"""Checks of meminfo: its figures against each other, settings and vmstat. Source of most: fs/proc/meminfo.c."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.models.available import available_by_meminfo, counts_from_low
from pymemtools.models.overcommit import slack
from pymemtools.models.release import since
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import dirty_of, limit_of
from pymemtools.reports.selftest.compared import Compared, around
from pymemtools.reports.selftest.evidence import Evidence, lacks

_COUNTERS = (
    *(("AnonPages", "nr_anon_pages"), ("Mapped", "nr_mapped"), ("Shmem", "nr_shmem"), ("Dirty", "nr_dirty")),
    *(("Writeback", "nr_writeback"), ("PageTables", "nr_page_table_pages"), ("Mlocked", "nr_mlock")),
    *(("Active(anon)", "nr_active_anon"), ("Inactive(anon)", "nr_inactive_anon"), ("Unevictable", "nr_unevictable")),
    *(("Active(file)", "nr_active_file"), ("Inactive(file)", "nr_inactive_file")),
)
_LATER = 4  # times more than between two files may have moved until the last process of a copy was read


def commit_limit(look: Evidence) -> Iterator[Compared]:
    """Compare CommitLimit with what vm.overcommit_ratio or overcommit_kbytes makes of RAM and swap."""
    if "vm.overcommit_ratio" not in look.own_settings or look.machine.setting("vm.overcommit_ratio") is None:
        raise lacks("sys/vm/overcommit_ratio")
    seen, expected = look.figure("CommitLimit"), limit_of(look.machine)
    look.figure("SwapTotal")
    if expected is not None:
        yield Compared("CommitLimit", expected, seen)


def committed(look: Evidence) -> Iterator[Compared]:
    """Compare Committed_AS with the mappings of all processes that it counts: it has shared memory, too."""
    seen = look.figure("Committed_AS")
    charged = [told.smaps.accounted for told in look.processes if told.smaps and told.smaps.accounted is not None]
    if not charged:
        look.need_smaps()
        raise lacks("VmFlags in smaps: they came with Linux 3.8")
    machine = look.machine
    off = 0
    if not since(machine.version, (5, 9)):  # since then meminfo has the exact sum
        off = slack(machine.pages("MemTotal"), machine.cpus or 1, version=machine.version) * machine.page_size
    off += look.between_files * _LATER
    yield Compared("Committed_AS", sum(charged), seen, less=off, more=None)


def available(look: Evidence) -> Iterator[Compared]:
    """Compare MemAvailable with the kernel's own formula, by the zones' reserves."""
    seen, machine = look.figure("MemAvailable"), look.machine
    if not machine.zones:
        raise lacks("zoneinfo")
    is_between = machine.version is not None and (4, 4) <= machine.version < (4, 6)  # stable kernels have either rule
    rule = machine.counts_from_low if is_between else counts_from_low(machine.version)
    levels = (machine.low_watermarks, machine.total_reserve)
    expected = available_by_meminfo(machine.meminfo, *levels, page_size=machine.page_size, from_low=rule)
    if expected is None:
        raise lacks("MemFree, Active(file), Inactive(file) or SReclaimable in meminfo")
    yield around("MemAvailable", expected, seen, look.within_file)


def dirty(look: Evidence) -> Iterator[Compared]:
    """Compare the thresholds that vmstat tells with those that vm.dirty_* make of what may be dirty.

    They are worked out when vmstat is read, of figures that it tells, too; not so where meminfo tells of other memory.
    What is free is the kernel's own sum, as in MemFree, not that of what the zones have: where memory joined them later
    it may stay some pages less, as seen under 6.18, where vmstat tells the zones'. Source: global_zone_page_state().
    """
    machine, size = look.machine, look.machine.page_size
    most, background = (machine.counters.get(f"nr_dirty_{name}") for name in ("threshold", "background_threshold"))
    if most is None or background is None:
        raise lacks("nr_dirty_threshold in vmstat")
    within, apart = look.within_file, 0
    if machine.doubt or "nr_free_pages" not in machine.counters:
        within = look.between_files
    else:
        keys = {"MemFree": "nr_free_pages", "Active(file)": "nr_active_file", "Inactive(file)": "nr_inactive_file"}
        figures = {key: machine.counters[name] * size for key, name in keys.items() if name in machine.counters}
        if machine.zones and "MemFree" in machine.meminfo and "MemFree" in figures:
            apart = sum(zone.free for zone in machine.zones) * size - machine.meminfo["MemFree"]
        machine = machine._replace(meminfo={**machine.meminfo, **figures})
    either = [dirty_of(machine), dirty_of(_with_less_free(machine, apart))]
    limits = [each for each in either if each is not None]
    if not limits:
        raise lacks("zoneinfo or sys/vm/dirty_ratio")
    found = min(limits, key=lambda each: abs(each.dirty - most) + abs(each.background - background))
    for name, pages, seen in (("dirty", found.dirty, most), ("background", found.background, background)):
        yield around(f"{name} threshold", pages * size, seen * size, within)


def _with_less_free(machine: Machine, size: int) -> Machine:
    return machine._replace(meminfo={**machine.meminfo, "MemFree": machine.meminfo.get("MemFree", 0) - size})


def cache(look: Evidence) -> Iterator[Compared]:
    """Compare what meminfo makes of the page cache with vmstat's count of it."""
    parts = look.figure("Buffers") + look.figure("Cached") + look.machine.meminfo.get("SwapCached", 0)
    pages = look.machine.counters.get("nr_file_pages")
    if pages is None:
        raise lacks("nr_file_pages in vmstat")
    yield around("Buffers, Cached, SwapCached", pages * look.machine.page_size, parts, look.between_files)


def counters(look: Evidence) -> Iterator[Compared]:
    """Compare each figure that is one counter with that counter in vmstat.

    Before 4.8 AnonPages may have huge pages that nr_anon_pages has not.
    """
    info, counts = look.machine.meminfo, look.machine.counters
    if not counts:
        raise lacks("vmstat")
    for key, name in _COUNTERS:
        if key == "AnonPages" and not since(look.version, (4, 8)):
            continue
        if key in info and name in counts:
            yield around(key, counts[name] * look.machine.page_size, info[key], look.between_files)


def lists(look: Evidence) -> Iterator[Compared]:
    """Compare Active and Inactive with their parts."""
    for key in ("Active", "Inactive"):
        yield from _sum_of(look, key, (f"{key}(anon)", f"{key}(file)"))


def slab(look: Evidence) -> Iterator[Compared]:
    """Compare Slab with its parts, and KReclaimable with the larger of them."""
    yield from _sum_of(look, "Slab", ("SReclaimable", "SUnreclaim"))
    info = look.machine.meminfo
    if "KReclaimable" in info and "SReclaimable" in info:
        yield Compared("KReclaimable", info["SReclaimable"], info["KReclaimable"], look.within_file, None)


def _sum_of(look: Evidence, key: str, parts: Sequence[str]) -> Iterator[Compared]:
    yield around(key, sum(look.figure(part) for part in parts), look.figure(key), look.within_file)


def swap(look: Evidence) -> Iterator[Compared]:
    """Compare SwapTotal and SwapFree with the areas of swaps."""
    if look.swaps is None:
        raise lacks("swaps")
    yield around("SwapTotal", sum(area.size for area in look.swaps), look.figure("SwapTotal"), 0)
    free = sum(area.size - area.used for area in look.swaps)
    yield around("SwapFree", free, look.figure("SwapFree"), look.between_files)


def huge_pages(look: Evidence) -> Iterator[Compared]:
    """Compare the hugetlb pool of the default size with that of all sizes, and its parts with it."""
    total, size = look.figure("HugePages_Total"), look.figure("Hugepagesize")
    info = look.machine.meminfo
    if "Hugetlb" in info:
        yield Compared("Hugetlb", total * size, info["Hugetlb"], more=None)
    for key in ("HugePages_Free", "HugePages_Surp"):
        yield Compared(key, total * size, look.figure(key) * size, less=total * size)
    free = look.figure("HugePages_Free") * size
    yield Compared("HugePages_Rsvd", free, look.figure("HugePages_Rsvd") * size, less=free)

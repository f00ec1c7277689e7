"""A machine as the models see it, and what they make of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pymemtools.errors import Denied, MemtoolsError, Missing, ParseError
from pymemtools.models import watermarks as reserves
from pymemtools.models.available import counts_from_low, low_watermarks, mem_available
from pymemtools.models.overcommit import Memory, commit_limit
from pymemtools.models.release import Version, parse_release, since
from pymemtools.models.tunables import TUNABLES
from pymemtools.models.writeback import DirtySettings, HighZone, Thresholds, dirtyable, thresholds, total_reserve
from pymemtools.procfs.meminfo import hugetlb_pool, parse_meminfo
from pymemtools.procfs.pagetypeinfo import parse_pageblock
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.procfs.zoneinfo import Zone, parse_zoneinfo
from pymemtools.reports.doubt import plausible, swap_of, zones_differ
from pymemtools.reports.settings import value_of
from pymemtools.reports.swap_stores import NO_STORES, Stores, read_stores
from pymemtools.sources.base import Source

_T = TypeVar("_T")
_PROCESSOR = re.compile(rb"^cpu[0-9]+ ", re.MULTILINE)


class Machine(NamedTuple):
    """What decisions depend on; sizes in bytes, zones in pages. What the source does not tell is not there, or None."""

    meminfo: Mapping[str, int]
    counters: Mapping[str, int]  # vmstat
    zones: Sequence[Zone]
    settings: Mapping[str, str]  # by the names of tunables
    page_size: int
    version: Version | None
    cpus: int | None
    notes: tuple[str, ...] = ()
    counts_from_low: bool = False  # the rule of MemAvailable before 4.6
    pageblock_pages: int | None = None
    doubt: str | None = None  # why zones, which tell of other memory than meminfo, decide nothing
    stores: Stores = NO_STORES  # what is in RAM, and meminfo does not tell

    def pages(self, key: str) -> int:
        """Give a figure of meminfo in pages. Raises Missing."""
        if key not in self.meminfo:
            raise Missing(f"meminfo: no {key} field")
        return self.meminfo[key] // self.page_size

    def setting(self, name: str) -> int | None:
        """Give a setting as a number, None where the source does not tell."""
        text = self.settings.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    @property
    def total_reserve(self) -> int | None:
        """Give the pages that zones keep for themselves."""
        return total_reserve([(zone.usable, zone.high, zone.protection) for zone in self.zones]) if self.zones else None


def read_machine(source: Source) -> Machine:
    """Read what there is: what the source lacks is left out, and so, with a note, is what is damaged."""
    settings = {}
    for name in TUNABLES:
        try:
            settings[name] = value_of(source, name)
        except MemtoolsError:
            continue
    notes = [] if source.facts.page_size else ["the source does not tell its page size: 4096 is assumed"]
    version = parse_release(source.facts.kernel)

    def read(name: str, parse: Callable[[bytes], _T]) -> _T | None:
        try:
            return parse(source.read(name))
        except (Missing, Denied):
            return None
        except ParseError as error:
            notes.append(str(error))
            return None

    page_size = source.facts.page_size or 4096
    figures, zones = plausible(read("meminfo", parse_meminfo) or {}), read("zoneinfo", parse_zoneinfo) or ()
    notes += figures.notes
    samples = [figures.meminfo]
    if source.is_live and zones:
        samples.append(plausible(read("meminfo", parse_meminfo) or {}).meminfo)
    pageblock = read("pagetypeinfo", parse_pageblock) or _huge_page_pages(source, page_size)
    stores, damaged = read_stores(source, figures.meminfo)
    notes += damaged
    machine = Machine(
        figures.meminfo,
        read("vmstat", parse_vmstat) or {},
        zones,
        settings,
        page_size,
        version,
        read("stat", lambda text: len(_PROCESSOR.findall(text))) or None,
        tuple(notes),
        pageblock_pages=pageblock,
        doubt=zones_differ(zones, samples, page_size, version),
        stores=stores,
    )
    settings.update(_told_by_commit_limit(machine))
    return machine._replace(counts_from_low=_counts_from_low(machine))


def _huge_page_pages(source: Source, page_size: int) -> int | None:
    """Give the pages of a transparent huge page, which are those of a pageblock where pagetypeinfo is root's alone."""
    try:
        text = value_of(source, "transparent_hugepage.hpage_pmd_size")
    except MemtoolsError:
        return None
    return int(text) // page_size if text.isascii() and text.isdigit() and len(text) < 20 else None


def _told_by_commit_limit(machine: Machine) -> dict[str, str]:
    """Work out vm.overcommit_ratio, or overcommit_kbytes, from CommitLimit where the source does not tell them."""
    info, size = machine.meminfo, machine.page_size
    swap, hugetlb = swap_of(info).total, hugetlb_pool(info) or 0
    if "vm.overcommit_ratio" in machine.settings or swap is None or not info.keys() >= {"CommitLimit", "MemTotal"}:
        return {}
    share, ram = info["CommitLimit"] - swap, max(info["MemTotal"] - hugetlb, 1)
    for ratio in (share * 100 // ram, share * 100 // ram + 1):
        if commit_limit(info["MemTotal"], swap, hugetlb, ratio, page_size=size) == info["CommitLimit"]:
            return {"vm.overcommit_ratio": str(ratio), "vm.overcommit_kbytes": "0"}
    return {"vm.overcommit_ratio": "0", "vm.overcommit_kbytes": str(share >> 10)}


def _counts_from_low(machine: Machine) -> bool:
    """Tell which rule of MemAvailable a kernel has: its own figure tells better than a stable kernel's version."""
    rules = [counts_from_low(machine.version), not counts_from_low(machine.version)]
    machine, told = trusted(machine), machine.meminfo.get("MemAvailable")
    fits = [rule for rule in rules if available_of(machine._replace(counts_from_low=rule)) == told]
    return fits[0] if fits else rules[0]


def trusted(machine: Machine) -> Machine:
    """Give the machine without zones that tell of other memory than meminfo does."""
    return machine._replace(zones=()) if machine.doubt else machine


def notes_of(machine: Machine) -> tuple[str, ...]:
    """Say all that makes figures doubtful, and that zones are where they count."""
    return (*machine.notes, machine.doubt) if machine.doubt else machine.notes


def has_huge_pages(machine: Machine) -> bool:
    """Tell whether transparent huge pages are switched on, for all or for who asks."""
    return machine.settings.get("transparent_hugepage.enabled", "never") != "never"


def marks_of(machine: Machine) -> list[reserves.Marks | None]:
    """Work out each zone's watermarks from the settings; a kernel from 4.6 on without its scale factor cannot be told.

    The boost of a moment (Linux 5.0) is not in them.
    """
    least, scale = machine.setting("vm.min_free_kbytes"), machine.setting("vm.watermark_scale_factor")
    is_old = not since(machine.version, (4, 6))
    if least is None or (scale is None and not is_old):
        return [None] * len(machine.zones)
    seen = [(zone.name, zone.usable, zone.min) for zone in machine.zones]
    zones = [reserves.Zone(zone.name, zone.usable) for zone in machine.zones]
    is_high = reserves.movable_counts_as_high(seen, machine.version)
    kib = machine.page_size // 1024
    return list(reserves.watermarks(zones, least, None if is_old else scale, page_kib=kib, movable_is_high=is_high))


def protections_of(machine: Machine) -> list[list[int] | None]:
    """Work out each zone's lowmem_reserve, node by node, in pages."""
    ratios = [int(word) for word in machine.settings.get("vm.lowmem_reserve_ratio", "").split() if word.isdigit()]
    found: list[list[int] | None] = []
    for zone in machine.zones:
        types = reserves.zone_types([each.name for each in machine.zones], len(zone.protection))
        managed = {each.name: each.usable for each in machine.zones if each.node == zone.node}
        if not ratios or zone.name not in types:
            found.append(None)
            continue
        rows = reserves.lowmem_reserve([managed.get(name, 0) for name in types], ratios)
        found.append(rows[types.index(zone.name)])
    return found


def limit_of(machine: Machine) -> int | None:
    """Give CommitLimit in bytes by the settings; by meminfo where these are not known."""
    ratio, kbytes = machine.setting("vm.overcommit_ratio"), machine.setting("vm.overcommit_kbytes") or 0
    info = machine.meminfo
    swap = swap_of(info).total
    if ratio is None or swap is None or "MemTotal" not in info:
        return info.get("CommitLimit")
    ram = info["MemTotal"]
    return commit_limit(ram, swap, hugetlb_pool(info) or 0, ratio, kbytes, page_size=machine.page_size)


def memory_of(machine: Machine) -> Memory:
    """Give what the overcommit rules go by. Raises Missing."""
    info, size = machine.meminfo, machine.page_size
    get, swap = machine.counters.get, swap_of(info)

    def pages(amount: int | None) -> int | None:
        return None if amount is None else amount // size

    return Memory(
        machine.pages("MemTotal"),
        pages(swap.total),
        pages(info.get("Committed_AS")),
        pages(limit_of(machine)),
        (machine.setting("vm.admin_reserve_kbytes") or 0) * 1024 // size,
        (machine.setting("vm.user_reserve_kbytes") or 0) * 1024 // size,
        pages(info.get("MemFree")),
        get("nr_file_pages", _file_pages_by_meminfo(machine)),
        get("nr_shmem", info.get("Shmem", 0) // size),
        pages(info.get("SReclaimable")),
        pages(swap.free),
        trusted(machine).total_reserve,
    )


def _file_pages_by_meminfo(machine: Machine) -> int | None:
    """Undo what meminfo makes of nr_file_pages. Source: fs/proc/meminfo.c, meminfo_proc_show()."""
    info = machine.meminfo
    if not info.keys() >= {"Cached", "Buffers"}:
        return None
    return (info["Cached"] + info["Buffers"] + info.get("SwapCached", 0)) // machine.page_size


def available_of(machine: Machine) -> int | None:
    """Work out MemAvailable in bytes, None where the source tells too little."""
    info, reserve, size = machine.meminfo, machine.total_reserve, machine.page_size
    reclaimable = info.get("KReclaimable", info.get("SReclaimable"))
    if reserve is None or reclaimable is None or not info.keys() >= {"MemFree", "Active(file)", "Inactive(file)"}:
        return None
    file = (info["Active(file)"] + info["Inactive(file)"]) // size
    low = low_watermarks([(zone.name, zone.usable, zone.low) for zone in machine.zones])
    pages = mem_available(
        info["MemFree"] // size, file, reclaimable // size, low, reserve, from_low=machine.counts_from_low
    )
    return pages * size


def available_then(before: Machine, after: Machine) -> int | None:
    """Give MemAvailable in bytes of a machine that another becomes: what that tells, and what changes by the model.

    So what the source lacks, or counted at another moment, is no change.
    """
    told, was, will = before.meminfo.get("MemAvailable"), available_of(before), available_of(after)
    if told is None or was is None or will is None:
        return will
    return max(told + will - was, 0)


def dirtyable_of(machine: Machine) -> int | None:
    """Give the pages that dirty ratios are a share of, None where the source tells too little."""
    info, reserve, size = machine.meminfo, machine.total_reserve, machine.page_size
    if reserve is None or not info.keys() >= {"MemFree", "Active(file)", "Inactive(file)"}:
        return None
    file = (info["Active(file)"] + info["Inactive(file)"]) // size
    high = [
        HighZone(zone.free, zone.high, zone.usable, zone.protection, _file_pages(zone.counters))
        for zone in machine.zones
        if zone.name == "HighMem" and not machine.setting("vm.highmem_is_dirtyable")
    ]
    anon = info.get("Active(anon)", 0) + info.get("Inactive(anon)", 0)
    swappable = anon // size if info.get("SwapFree") else 0
    return dirtyable(info["MemFree"] // size, file, reserve, high, machine.version, swappable=swappable)


def _file_pages(counters: Mapping[str, int]) -> int:
    keys = ("nr_zone_active_file", "nr_zone_inactive_file", "nr_active_file", "nr_inactive_file")
    return sum(counters.get(key, 0) for key in keys)


def dirty_of(machine: Machine) -> Thresholds | None:
    """Give the dirty thresholds in pages, None where the source tells too little."""
    memory = dirtyable_of(machine)
    numbers = [machine.setting(f"vm.{name}") for name in DirtySettings._fields]
    if memory is None or numbers[0] is None or numbers[1] is None:
        return None
    settings = DirtySettings._make(number or 0 for number in numbers)
    return thresholds(memory, settings, page_size=machine.page_size, version=machine.version)

"""A machine as the models see it: as it is, or as it would be with other settings, other RAM or another kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pymemtools.errors import Denied, MemtoolsError, Missing, ParseError, UsageProblem
from pymemtools.models import watermarks as reserves
from pymemtools.models.available import counts_from_low, low_watermarks, mem_available
from pymemtools.models.overcommit import Memory, commit_limit
from pymemtools.models.release import Version, parse_release
from pymemtools.models.tunables import TUNABLES
from pymemtools.models.writeback import DirtySettings, HighZone, Thresholds, dirtyable, thresholds, total_reserve
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.procfs.zoneinfo import Zone, parse_zoneinfo
from pymemtools.reports.settings import value_of
from pymemtools.sources.base import Source
from pymemtools.units import human_size

_T = TypeVar("_T")
_PROCESSOR = re.compile(rb"^cpu[0-9]+ ", re.MULTILINE)
OVERCOMMIT = (
    *("vm.overcommit_memory", "vm.overcommit_kbytes", "vm.overcommit_ratio"),
    *("vm.admin_reserve_kbytes", "vm.user_reserve_kbytes"),
)
DIRTY = (
    *("vm.dirty_bytes", "vm.dirty_background_bytes", "vm.dirty_ratio", "vm.dirty_background_ratio"),
    *("vm.dirty_expire_centisecs", "vm.dirty_writeback_centisecs"),
)
_SETS_WATERMARKS = frozenset(("vm.min_free_kbytes", "vm.watermark_scale_factor", "vm.lowmem_reserve_ratio"))
_GROWS = {"DMA32": (3 << 30, "Normal"), "Normal": (768 << 20, "HighMem")}  # how large a zone gets before the next does
_RESERVE_CAPS = {"vm.admin_reserve_kbytes": 1 << 13, "vm.user_reserve_kbytes": 1 << 17}


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

    def read(name: str, parse: Callable[[bytes], _T]) -> _T | None:
        try:
            return parse(source.read(name))
        except (Missing, Denied):
            return None
        except ParseError as error:
            notes.append(str(error))
            return None

    machine = Machine(
        read("meminfo", parse_meminfo) or {},
        read("vmstat", parse_vmstat) or {},
        read("zoneinfo", parse_zoneinfo) or (),
        settings,
        source.facts.page_size or 4096,
        parse_release(source.facts.kernel),
        read("stat", lambda text: len(_PROCESSOR.findall(text))) or None,
        tuple(notes),
    )
    settings.update(_told_by_commit_limit(machine))
    return machine._replace(counts_from_low=_counts_from_low(machine))


def _told_by_commit_limit(machine: Machine) -> dict[str, str]:
    """Work out vm.overcommit_ratio, or overcommit_kbytes, from CommitLimit where the source does not tell them."""
    info, size = machine.meminfo, machine.page_size
    if "vm.overcommit_ratio" in machine.settings or "CommitLimit" not in info:
        return {}
    swap, hugetlb = info.get("SwapTotal", 0), info.get("Hugetlb", 0)
    share, ram = info["CommitLimit"] - swap, max(info["MemTotal"] - hugetlb, 1)
    for ratio in (share * 100 // ram, share * 100 // ram + 1):
        if commit_limit(info["MemTotal"], swap, hugetlb, ratio, page_size=size) == info["CommitLimit"]:
            return {"vm.overcommit_ratio": str(ratio), "vm.overcommit_kbytes": "0"}
    return {"vm.overcommit_ratio": "0", "vm.overcommit_kbytes": str(share >> 10)}


def _counts_from_low(machine: Machine) -> bool:
    """Tell which rule of MemAvailable a kernel has: its own figure tells better than a stable kernel's version."""
    rules = [counts_from_low(machine.version), not counts_from_low(machine.version)]
    told = machine.meminfo.get("MemAvailable")
    fits = [rule for rule in rules if available_of(machine._replace(counts_from_low=rule)) == told]
    return fits[0] if fits else rules[0]


def assumed(machine: Machine, names: Sequence[str], *, zones: bool = False) -> Machine:
    """Fill in settings, and zones, that the source does not tell, as a boot would choose them; and say so."""
    if "MemTotal" not in machine.meminfo:
        return machine
    chosen = {name: _default(machine, name) for name in names if name not in machine.settings}
    notes = [*machine.notes]
    if chosen:
        values = ", ".join(f"{name} = {value}" for name, value in chosen.items())
        notes.append(f"the source does not tell, so the kernel's own choice is assumed: {values}")
    if zones and not machine.zones:
        notes.append("no zoneinfo: what zones keep for themselves is taken as a boot would choose it")
        machine = machine._replace(zones=[_only_zone(machine)])
    return machine._replace(settings={**chosen, **machine.settings}, notes=tuple(notes))


def _default(machine: Machine, name: str) -> str:
    """Give what the kernel chooses by itself; twins of what is set are 0."""
    if machine.settings.get(TUNABLES[name].twin, "0") != "0":
        return "0"
    if name in _RESERVE_CAPS:
        return str(min(machine.meminfo["MemTotal"] // 32 >> 10, _RESERVE_CAPS[name]))
    if name == "vm.min_free_kbytes":
        return str(_boot_min_free(machine if machine.zones else machine._replace(zones=[_only_zone(machine)])))
    return TUNABLES[name].default


def _only_zone(machine: Machine) -> Zone:
    """Take all memory for one zone, with the watermarks that a boot would give it. Raises Missing."""
    pages, free = machine.pages("MemTotal"), machine.pages("MemFree")
    kib = machine.page_size // 1024
    cap = reserves.min_free_cap_kbytes(machine.version)
    least = reserves.boot_min_free_kbytes(pages * kib, cap) // kib
    low, high = least + least // 4, least + least // 2
    return Zone(0, "Normal", free, least, low, high, None, None, pages, pages, pages, None, (), {}, {})


def supposed(
    machine: Machine,
    settings: Mapping[str, str],
    ram: int | None = None,
    swap: int | None = None,
    version: Version | None = None,
) -> Machine:
    """Give the machine with other settings, other amounts of RAM and swap (bytes), or the rules of another kernel.

    RAM that comes is free, and RAM that goes was free; the same holds of swap. What the kernel would work out anew at
    boot, it does here. Raises UsageProblem where more is in use than there would be.
    """
    found = machine._replace(
        settings={**machine.settings, **_twins_of(settings), **settings},
        version=version or machine.version,
        counts_from_low=machine.counts_from_low if version is None else counts_from_low(version),
    )
    if swap is not None:
        found = _with_swap(found, swap)
    if ram is not None:
        found = _with_ram(found, ram, settings)
    if ram is not None or _SETS_WATERMARKS & set(settings) or version is not None:
        found = found._replace(zones=_reset_zones(found))
    meminfo = dict(found.meminfo)
    if (limit := limit_of(found)) is not None:
        meminfo["CommitLimit"] = limit
    found = found._replace(meminfo=meminfo)
    if (available := available_of(found)) is not None and found.zones != machine.zones:
        meminfo["MemAvailable"] = available
    return found


def _twins_of(settings: Mapping[str, str]) -> dict[str, str]:
    """A ratio and its amount in bytes are one setting: writing one makes the other 0."""
    return {TUNABLES[name].twin: "0" for name in settings if name in TUNABLES and TUNABLES[name].twin}


def _with_swap(machine: Machine, swap: int) -> Machine:
    used = machine.meminfo.get("SwapTotal", 0) - machine.meminfo.get("SwapFree", 0)
    if used > swap:
        raise UsageProblem(f"what-if: --swap: {human_size(used)} of swap are in use")
    return machine._replace(meminfo={**machine.meminfo, "SwapTotal": swap, "SwapFree": swap - used})


def _with_ram(machine: Machine, ram: int, settings: Mapping[str, str]) -> Machine:
    """Change RAM, and what the kernel chooses by it at boot, unless that is set."""
    info = machine.meminfo
    pages = ram // machine.page_size - machine.pages("MemTotal")
    free = machine.pages("MemFree") + pages
    if free < 0:
        used = info["MemTotal"] - info["MemFree"]
        raise UsageProblem(f"what-if: --ram: {human_size(used)} are in use")
    totals = {"MemTotal": ram // machine.page_size * machine.page_size, "MemFree": free * machine.page_size}
    found = machine._replace(meminfo={**info, **totals}, zones=_resized(machine.zones, pages, machine.page_size))
    chosen = {name: str(min(ram // 32 >> 10, cap)) for name, cap in _RESERVE_CAPS.items() if name in machine.settings}
    if found.zones and "vm.min_free_kbytes" in machine.settings:
        chosen["vm.min_free_kbytes"] = str(_boot_min_free(found))
    own = {name: value for name, value in chosen.items() if name not in settings}
    note = f"at boot the kernel would choose: {', '.join(f'{name} = {value}' for name, value in sorted(own.items()))}"
    return found._replace(settings={**machine.settings, **chosen, **settings}, notes=(*machine.notes, note))


def _resized(zones: Sequence[Zone], pages: int, page_size: int) -> list[Zone]:
    """Add pages to the last zone that has some, up to what it can hold, and then to the next; or take them away."""
    found = list(zones)
    filled = [place for place, zone in enumerate(found) if zone.usable and zone.name not in ("Movable", "Device")]
    for place in reversed(filled):
        size, following = _GROWS.get(found[place].name, (0, ""))
        after = next((i for i in range(place + 1, len(found)) if found[i].name == following), None)
        room = pages if pages < 0 or after is None else max(size // page_size - found[place].usable, 0)
        taken = max(pages, -found[place].free) if pages < 0 else min(pages, room)
        found[place] = _larger(found[place], taken)
        pages -= taken
        if pages > 0 and after is not None:
            found[after] = _larger(found[after], pages)
        if pages >= 0:
            break
    return found


def _larger(zone: Zone, pages: int) -> Zone:
    managed = None if zone.managed is None else zone.managed + pages
    return zone._replace(free=zone.free + pages, present=zone.present + pages, managed=managed)


def _boot_min_free(machine: Machine) -> int:
    """Give min_free_kbytes as a boot would set it. Source: see models/watermarks.py."""
    low = [zone for zone in machine.zones if zone.name not in ("HighMem", "Movable", "Device") and zone.usable]
    managed = sum(zone.usable for zone in low)
    kib = machine.page_size // 1024
    root = reserves.boot_min_free_kbytes(managed * kib, reserves.min_free_cap_kbytes(machine.version))
    if not has_huge_pages(machine) or not reserves.huge_pages_at_boot(machine.meminfo["MemTotal"]):
        return root
    return max(root, reserves.huge_pages_min_free_kbytes(len({zone.name for zone in low}), managed, page_kib=kib))


def has_huge_pages(machine: Machine) -> bool:
    """Tell whether transparent huge pages are switched on, for all or for who asks."""
    return machine.settings.get("transparent_hugepage.enabled", "never") != "never"


def marks_of(machine: Machine) -> list[reserves.Marks | None]:
    """Work out each zone's watermarks from the settings; a kernel from 4.6 on without its scale factor cannot be told.

    The boost of a moment (Linux 5.0) is not in them.
    """
    least, scale = machine.setting("vm.min_free_kbytes"), machine.setting("vm.watermark_scale_factor")
    is_old = machine.version is not None and machine.version < (4, 6, 0)
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


def _reset_zones(machine: Machine) -> list[Zone]:
    """Give the zones the watermarks and reserves of the settings, where they can be worked out."""
    zones = []
    for zone, marks, protection in zip(machine.zones, marks_of(machine), protections_of(machine)):
        if marks is not None:
            zone = zone._replace(min=marks.min_pages, low=marks.low_pages, high=marks.high_pages)
        zones.append(zone if protection is None else zone._replace(protection=tuple(protection)))
    return zones


def limit_of(machine: Machine) -> int | None:
    """Give CommitLimit in bytes by the settings; by meminfo where these are not known."""
    ratio, kbytes = machine.setting("vm.overcommit_ratio"), machine.setting("vm.overcommit_kbytes") or 0
    info = machine.meminfo
    if ratio is None or "MemTotal" not in info:
        return info.get("CommitLimit")
    ram, swap = info["MemTotal"], info.get("SwapTotal", 0)
    return commit_limit(ram, swap, info.get("Hugetlb", 0), ratio, kbytes, page_size=machine.page_size)


def memory_of(machine: Machine) -> Memory:
    """Give what the overcommit rules go by. Raises Missing."""
    limit = limit_of(machine)
    if limit is None:
        raise Missing("the source tells neither overcommit_ratio nor CommitLimit")
    info, size = machine.meminfo, machine.page_size
    get = machine.counters.get
    slab = info.get("SReclaimable")
    return Memory(
        machine.pages("MemTotal"),
        info.get("SwapTotal", 0) // size,
        machine.pages("Committed_AS"),
        limit // size,
        (machine.setting("vm.admin_reserve_kbytes") or 0) * 1024 // size,
        (machine.setting("vm.user_reserve_kbytes") or 0) * 1024 // size,
        machine.pages("MemFree"),
        get("nr_file_pages"),
        get("nr_shmem"),
        None if slab is None else slab // size,
        info.get("SwapFree", 0) // size,
        machine.total_reserve,
    )


def available_of(machine: Machine) -> int | None:
    """Work out MemAvailable in bytes, None where the source tells too little."""
    info, reserve, size = machine.meminfo, machine.total_reserve, machine.page_size
    reclaimable = info.get("KReclaimable", info.get("SReclaimable"))
    if reserve is None or reclaimable is None or "MemFree" not in info or "Inactive(file)" not in info:
        return None
    file = (info["Active(file)"] + info["Inactive(file)"]) // size
    low = low_watermarks([(zone.name, zone.usable, zone.low) for zone in machine.zones])
    pages = mem_available(
        info["MemFree"] // size, file, reclaimable // size, low, reserve, from_low=machine.counts_from_low
    )
    return pages * size


def dirtyable_of(machine: Machine) -> int | None:
    """Give the pages that dirty ratios are a share of, None where the source tells too little."""
    info, reserve, size = machine.meminfo, machine.total_reserve, machine.page_size
    if reserve is None or "MemFree" not in info or "Active(file)" not in info or "Inactive(file)" not in info:
        return None
    file = (info["Active(file)"] + info["Inactive(file)"]) // size
    high = [
        HighZone(zone.free, zone.high, zone.usable, zone.protection, _file_pages(zone.counters))
        for zone in machine.zones
        if zone.name == "HighMem" and not machine.setting("vm.highmem_is_dirtyable")
    ]
    return dirtyable(info["MemFree"] // size, file, reserve, high, machine.version)


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

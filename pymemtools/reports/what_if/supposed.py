"""A machine as it would be: with other settings, RAM, swap or kernel, and with what its source does not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymemtools.errors import UsageProblem
from pymemtools.models import watermarks as reserves
from pymemtools.models.available import counts_from_low
from pymemtools.models.release import Version, since
from pymemtools.models.tunables import TUNABLES
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.machine import Machine, has_huge_pages
from pymemtools.reports.estimates import available_then, limit_of, marks_of, protections_of
from pymemtools.units import human_size

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


def assumed(machine: Machine, names: Sequence[str], version: Version | None = None, *, zones: bool = False) -> Machine:
    """Fill in settings, and zones, that the source does not tell, as a boot would choose them; and say so.

    ``version`` is the kernel that is supposed, if another. What it does not have yet is not filled in.
    """
    if "MemTotal" not in machine.meminfo:
        return machine
    kernel = version or machine.version
    lacking = [name for name in names if name not in machine.settings and TUNABLES[name].is_in(kernel)]
    chosen = {name: _default(machine, name) for name in lacking}
    notes = [*machine.notes]
    if chosen:
        values = ", ".join(f"{name} = {value}" for name, value in chosen.items())
        notes.append(f"the source does not tell, so the kernel's own choice is assumed: {values}")
    if zones and not machine.zones:
        why = f"{machine.doubt};" if machine.doubt else "no zoneinfo:"
        notes.append(f"{why} what zones keep for themselves is taken as a boot would choose it")
        machine = machine._replace(zones=[_only_zone(machine)], guesses_reserves=True)
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
    least = reserves.boot_min_free_kbytes(pages * kib, reserves.min_free_cap_kbytes(machine.version))
    scale = machine.setting("vm.watermark_scale_factor") or int(TUNABLES["vm.watermark_scale_factor"].default)
    is_old = not since(machine.version, (4, 6))
    least = machine.setting("vm.min_free_kbytes") or least
    (marks,) = reserves.watermarks(
        [reserves.SizedZone("Normal", pages)], least, None if is_old else scale, page_kib=kib
    )
    levels = (marks.min_pages, marks.low_pages, marks.high_pages)
    return Zone(0, "Normal", free, *levels, None, None, pages, pages, pages, None, (), {}, {})


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
        settings={**machine.settings, **_twins_of(machine, settings), **settings},
        version=version or machine.version,
        counts_from_low=machine.counts_from_low if version is None else counts_from_low(version),
    )
    if swap is not None:
        found = _with_swap(found, swap)
    if ram is not None:
        found = _with_ram(found, ram, settings)
    if ram is not None or _SETS_WATERMARKS & set(settings) or version is not None:
        found = found._replace(zones=_reset_zones(found))
        if found.zones and found.setting("vm.min_free_kbytes") is None:
            kept = "the source does not tell vm.min_free_kbytes: zones are taken to keep the watermarks that they have"
            found = found._replace(notes=(*found.notes, kept))
    meminfo = dict(found.meminfo)
    if swap_of(meminfo).total is None and not {"vm.overcommit_ratio", "vm.overcommit_kbytes"}.isdisjoint(settings):
        meminfo.pop("CommitLimit", None)  # it was that of other settings
    elif (limit := limit_of(found)) is not None:
        meminfo["CommitLimit"] = limit
    found = found._replace(meminfo=meminfo)
    if found.zones != machine.zones:
        available = available_then(machine, found)
        meminfo |= {} if available is None else {"MemAvailable": available}
        if available is None:
            meminfo.pop("MemAvailable", None)  # that of other zones
    return found


def _twins_of(machine: Machine, settings: Mapping[str, str]) -> dict[str, str]:
    """A ratio and its bytes are one setting: writing one makes the other 0, with vm.dirty_ratio only if it changes.

    Source: mm/page-writeback.c, dirty_ratio_handler() and its kin; mm/util.c, overcommit_ratio_handler().
    """
    twins = {}
    for name, value in settings.items():
        is_change = name not in ("vm.dirty_ratio", "vm.dirty_bytes") or value != machine.settings.get(name)
        if name in TUNABLES and TUNABLES[name].twin and is_change:
            twins[TUNABLES[name].twin] = "0"
    return twins


def _with_swap(machine: Machine, swap: int) -> Machine:
    before = swap_of(machine.meminfo)
    if before.total is None or before.free is None:
        known = {key: size for key, size in machine.meminfo.items() if key != "SwapFree"}
        return machine._replace(meminfo={**known, "SwapTotal": swap})
    used = before.total - before.free
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
    return max(root, reserves.huge_pages_min_free_kbytes(len(low), managed, machine.pageblock_pages, kib))


def _reset_zones(machine: Machine) -> list[Zone]:
    """Give the zones the watermarks and reserves of the settings, where they can be worked out; that ends a boost."""
    zones = []
    for zone, marks, protection in zip(machine.zones, marks_of(machine), protections_of(machine)):
        if marks is not None:
            boost = None if zone.boost is None else 0
            zone = zone._replace(min=marks.min_pages, low=marks.low_pages, high=marks.high_pages, boost=boost)
        zones.append(zone if protection is None else zone._replace(protection=tuple(protection)))
    return zones

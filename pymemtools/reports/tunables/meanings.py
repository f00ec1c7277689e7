"""What a tunable's value comes to on a machine, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pymemtools.models.overcommit import commit_limit
from pymemtools.models.release import since
from pymemtools.models.tunables import TUNABLES
from pymemtools.procfs.meminfo import hugetlb_pool
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.machine import Machine, trusted
from pymemtools.reports.estimates import dirty_of, dirtyable_of, marks_of, protections_of
from pymemtools.units import human_size, whole_number


def meaning(name: str, value: str, machine: Machine) -> str:
    """Say what a value comes to on this machine; empty where nothing more is to be said."""
    entry = TUNABLES.get(name)
    if name == "vm.lowmem_reserve_ratio":
        return _lowmem_reserve(machine)
    if name in _MODES:
        return _MODES[name].get(value, "")
    number = whole_number(value)
    if entry is None or number is None:
        return ""
    special = _MEANINGS.get(name)
    if special is not None:
        return special(number, machine)
    if entry.unit in ("kB", "bytes"):
        return human_size(number * (1024 if entry.unit == "kB" else 1)) if number else ""
    if entry.unit == "1/100 s":
        return f"{number / 100:g} s"
    if entry.unit == "s":
        return f"{number} s" if number else ""
    if entry.unit == "switch":
        return "on" if number else "off"
    return ""


_MODES: Mapping[str, Mapping[str, str]] = {
    "kernel.randomize_va_space": {"0": "off", "1": "stack, mmap base and vdso", "2": "stack, mmap base, vdso and heap"},
    "ksm.run": {"0": "off, what is merged stays", "1": "on", "2": "off, what was merged is taken apart"},
    "vm.memfd_noexec": {"0": "executable", "1": "not executable", "2": "not executable, others are refused"},
    "vm.panic_on_oom": {
        "0": "kills a process",
        "1": "panics for the whole machine",
        "2": "panics for a group or node, too",
    },
    "vm.zone_reclaim_mode": {"0": "off: takes memory of other nodes", "1": "reclaims clean pages here first"},
}


def _lowmem_reserve(machine: Machine) -> str:
    """Say what each zone keeps from allocations that could use the highest zone."""
    kept = [
        f"{zone.name} keeps {_kept(max(protection), zone.usable, machine.page_size)}"
        for zone, protection in zip(machine.zones, protections_of(machine))
        if protection and any(protection)
    ]
    return ", ".join(kept) if len(kept) < 4 else ""  # many nodes: pymemtools zones has a line for each


def _kept(pages: int, usable: int, page_size: int) -> str:
    """Say how much of a zone is kept: all of it where the reserve is larger."""
    return human_size(pages * page_size) if pages < usable else f"all of its {human_size(usable * page_size)}"


def _dirty(of: str) -> Callable[[int, Machine], str]:
    def say(number: int, machine: Machine) -> str:
        machine = trusted(machine)
        marks, memory = dirty_of(machine), dirtyable_of(machine)
        if not number or marks is None or memory is None:
            return ""
        pages = marks.dirty if of == "dirty" else marks.background
        whole, part = human_size(memory * machine.page_size), human_size(pages * machine.page_size)
        if of == "background" and pages == marks.dirty // 2 and pages < number * memory // 101:
            return f"no more than half of what dirty_ratio or dirty_bytes gives = {part}"
        return f"{number} % of {whole} dirtyable = {part}"

    return say


def _min_free(number: int, machine: Machine) -> str:
    total = machine.meminfo.get("MemTotal")
    share = f", {100 * number * 1024 / total:.2f} % of RAM" if total else ""
    return f"{human_size(number * 1024)}{share}{_wakes(machine)}"


def _scale_factor(number: int, machine: Machine) -> str:
    return f"{number / 100:g} % of each zone{_wakes(machine)}"


def _wakes(machine: Machine) -> str:
    """Say below how much free memory, over all zones, kswapd wakes: the sum of their low watermarks.

    An empty Movable zone has some, too, and counts in MemAvailable as well: see low_watermarks().
    """
    marks = marks_of(machine)
    if not marks or None in marks:
        return ""
    low = sum(mark.low_pages for mark in marks if mark is not None)
    return f"; kswapd wakes below {human_size(low * machine.page_size)} free"


def _overcommit_memory(number: int, machine: Machine) -> str:
    words = (
        "heuristic: refuses only what is plainly too much",
        "always: refuses nothing",
        "never more than CommitLimit",
    )
    if number >= len(words):
        return ""
    limit, promised = machine.meminfo.get("CommitLimit"), machine.meminfo.get("Committed_AS")
    if number != 2 or limit is None or promised is None:
        return words[number]
    return f"{words[2]}: {human_size(promised)} of {human_size(limit)} promised"


def _overcommit_ratio(number: int, machine: Machine) -> str:
    info = machine.meminfo
    swap = swap_of(info).total
    if not number or swap is None or "MemTotal" not in info:
        return ""
    ram = info["MemTotal"]
    limit = commit_limit(ram, swap, hugetlb_pool(info) or 0, number, page_size=machine.page_size)
    return f"{number} % of {human_size(ram)} RAM and {human_size(swap)} swap = {human_size(limit)}"


def _swappiness(number: int, machine: Machine) -> str:
    """Since 2.6.28 anonymous and file pages are scanned in this proportion. Source: mm/vmscan.c, get_scan_count()."""
    if number > 200 or not since(machine.version, (2, 6, 28)):
        return ""
    return f"anonymous pages : file pages = {number} : {200 - number}"


def _huge_pages(number: int, machine: Machine) -> str:
    size = machine.meminfo.get("Hugepagesize")
    return human_size(number * size) if size and number else ""


_MEANINGS: Mapping[str, Callable[[int, Machine], str]] = {
    "vm.dirty_ratio": _dirty("dirty"),
    "vm.dirty_background_ratio": _dirty("background"),
    "vm.min_free_kbytes": _min_free,
    "vm.overcommit_memory": _overcommit_memory,
    "vm.overcommit_ratio": _overcommit_ratio,
    "vm.nr_hugepages": _huge_pages,
    "vm.page-cluster": lambda number, machine: f"2^{number} = {1 << min(number, 31)} pages",
    "vm.swappiness": _swappiness,
    "vm.watermark_scale_factor": _scale_factor,
    "vm.watermark_boost_factor": lambda number, machine: f"up to {number / 100:g} % of high" if number else "off",
}

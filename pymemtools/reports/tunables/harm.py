"""What a tunable's value would do to a machine that must go on: the reasons to refuse it."""

from __future__ import annotations

from collections.abc import Mapping

from pymemtools.models.tunables import TUNABLES
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import limit_of
from pymemtools.units import human_size

_HARMFUL = frozenset(
    (
        ("vm.panic_on_oom", "1"),
        ("vm.panic_on_oom", "2"),
        ("vm.mmap_min_addr", "0"),
        ("vm.vfs_cache_pressure", "0"),
        ("vm.max_map_count", "0"),
        ("kernel.randomize_va_space", "0"),
    )
)


def harm(name: str, value: str, after: Machine) -> str:
    """Say why a value is likely to hurt the machine that all settings together make."""
    if name == "vm.drop_caches":
        return "use pymemtools drop-caches, which shows what it frees"
    if name == "vm.min_free_kbytes":
        return _harm_of_min_free(int(value), after.meminfo)
    if name == "vm.nr_hugepages":
        return _harm_of_huge_pages(int(value), after.meminfo)
    if name.startswith("vm.overcommit_"):
        return _harm_of_overcommit(after)
    return TUNABLES[name].danger if (name, value) in _HARMFUL else ""


def _harm_of_min_free(kbytes: int, meminfo: Mapping[str, int]) -> str:
    if kbytes < 1024:
        return "below 1024 the machine may deadlock under load"
    is_much = kbytes * 1024 * 20 > meminfo.get("MemTotal", 0)
    return "more than 5 % of RAM brings the OOM killer near" if is_much else ""


def _harm_of_huge_pages(pages: int, meminfo: Mapping[str, int]) -> str:
    more = (pages - meminfo.get("HugePages_Total", 0)) * meminfo.get("Hugepagesize", 0)
    available = meminfo.get("MemAvailable")
    if available is None or more <= available:
        return ""
    return f"that takes {human_size(more)} more, and {human_size(available)} are available"


def _harm_of_overcommit(after: Machine) -> str:
    """Mode 2 refuses fork and malloc at once where more is promised than may be."""
    limit, promised = limit_of(after), after.meminfo.get("Committed_AS", 0)
    if after.settings.get("vm.overcommit_memory") != "2" or limit is None or promised <= limit:
        return ""
    return f"{human_size(promised)} are promised already, and CommitLimit would be {human_size(limit)}"

"""What is each tunable set to, and what does that mean on this machine?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.models import watermarks as model
from pymemtools.models.overcommit import commit_limit
from pymemtools.models.release import Version, parse_release
from pymemtools.models.tunables import NEVER_READ, ONLY_WRITTEN, TUNABLES, Tunable
from pymemtools.models.watermarks import movable_counts_as_high
from pymemtools.models.writeback import DirtySettings, HighZone, Thresholds, dirtyable, thresholds, total_reserve
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.zoneinfo import Zone, parse_zoneinfo
from pymemtools.sources.base import Source
from pymemtools.units import human_size

WRITE_ONLY = "(write-only)"
_FOLDERS = (
    ("vm", "sys/vm"),
    ("ksm", "/sys/kernel/mm/ksm"),
    ("transparent_hugepage", "/sys/kernel/mm/transparent_hugepage"),
)


class TunableRow(NamedTuple):
    """One tunable as it is set."""

    name: str
    value: str
    default: str | None
    meaning: str  # what the value comes to here; empty where it says so itself
    note: str  # how it differs from the default


class Setup(NamedTuple):
    """What the meaning of values depends on; sizes in bytes, None where the source does not tell."""

    meminfo: Mapping[str, int]
    values: Mapping[str, str]
    page_size: int
    version: Version | None
    zones: Sequence[Zone]
    dirtyable_pages: int | None
    dirty: Thresholds | None


def path_of(name: str) -> str:
    """Give the path of a tunable, known or not. Raises Missing for a name that cannot be one."""
    if name in TUNABLES:
        return TUNABLES[name].path
    folder, _, file = name.partition(".")
    for prefix, path in _FOLDERS:
        if folder == prefix and file and not set(file) - _NAME:
            return f"{path}/{file}"
    raise Missing(f"{name}: no such tunable")


_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


def names(source: Source) -> list[str]:
    """Name every tunable that the source has, known ones and others."""
    found = {name for name, entry in TUNABLES.items() if _is_there(source, entry)}
    found |= {f"vm.{name}" for name in source.names("sys/vm")} - NEVER_READ
    return sorted(found)


def _is_there(source: Source, entry: Tunable) -> bool:
    folder, _, file = entry.path.rpartition("/")
    return file in source.names(folder)


def value_of(source: Source, name: str) -> str:
    """Read one value as text: numbers with single blanks between, of words the chosen one. Raises Missing, Denied."""
    if name in NEVER_READ:
        raise Denied(f"{name}: not read, since reading it makes the kernel do something")
    if name in ONLY_WRITTEN:
        return WRITE_ONLY
    text = source.read(path_of(name)).decode("utf-8", "surrogateescape")
    entry = TUNABLES.get(name)
    if entry is not None and entry.choices and "[" in text:
        return text.partition("[")[2].partition("]")[0]
    return " ".join(text.split())


def setup(source: Source) -> Setup:
    """Read what meanings depend on."""
    values = {}
    for name in TUNABLES:
        try:
            values[name] = value_of(source, name)
        except MemtoolsError:
            continue
    try:
        meminfo = parse_meminfo(source.read("meminfo"))
    except MemtoolsError:
        meminfo = {}
    page_size = source.facts.page_size or 4096
    version = parse_release(source.facts.kernel)
    try:
        zones = parse_zoneinfo(source.read("zoneinfo"))
    except MemtoolsError:
        zones = []
    context = Setup(meminfo, {}, page_size, version, zones, _dirtyable(meminfo, zones, page_size, version), None)
    return with_values(context, values)


def with_values(context: Setup, values: Mapping[str, str]) -> Setup:
    """Give the same machine with other settings."""
    return context._replace(values=values, dirty=_thresholds(context, values))


def _dirtyable(
    meminfo: Mapping[str, int], zones: Sequence[Zone], page_size: int, version: Version | None
) -> int | None:
    try:
        free = meminfo["MemFree"] // page_size
        file = (meminfo["Active(file)"] + meminfo["Inactive(file)"]) // page_size
    except KeyError:
        return None
    if not zones:
        return None
    reserve = total_reserve([(zone.usable, zone.high, zone.protection) for zone in zones])
    high = [
        HighZone(zone.free, zone.high, zone.usable, zone.protection, _file_pages(zone.counters))
        for zone in zones
        if zone.name == "HighMem"
    ]
    return dirtyable(free, file, reserve, high, version)


def _file_pages(counters: Mapping[str, int]) -> int:
    keys = ("nr_zone_active_file", "nr_zone_inactive_file", "nr_active_file", "nr_inactive_file")
    return sum(counters.get(key, 0) for key in keys)


def _thresholds(context: Setup, values: Mapping[str, str]) -> Thresholds | None:
    numbers = [_number(values.get(f"vm.{name}", "0")) for name in DirtySettings._fields]
    if context.dirtyable_pages is None or "vm.dirty_ratio" not in values or None in numbers:
        return None
    settings = DirtySettings._make(number or 0 for number in numbers)
    return thresholds(context.dirtyable_pages, settings, page_size=context.page_size, version=context.version)


def rows(source: Source, chosen: Iterable[str], context: Setup) -> list[TunableRow]:
    """Say what tunables are set to, and what it means. Raises Missing or Denied for one that cannot be had."""
    found = []
    for name in chosen:
        value = value_of(source, name)
        entry = TUNABLES.get(name)
        default = None if entry is None else entry.default
        is_plain = default is not None and default.isdigit()
        note = f"default {default}" if is_plain and value not in (default, WRITE_ONLY) else ""
        found.append(TunableRow(name, value, default, meaning(name, value, context), note))
    return found


def meaning(name: str, value: str, context: Setup) -> str:
    """Say what a value comes to on this machine; empty where nothing more is to be said."""
    entry = TUNABLES.get(name)
    number = _number(value)
    if entry is None or number is None:
        return ""
    special = _MEANINGS.get(name)
    if special is not None:
        return special(number, context)
    if entry.unit in ("kB", "bytes"):
        return human_size(number * (1024 if entry.unit == "kB" else 1)) if number else ""
    if entry.unit == "1/100 s":
        return f"{number / 100:g} s"
    if entry.unit == "switch":
        return "on" if number else "off"
    return ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _dirty(of: str) -> Callable[[int, Setup], str]:
    def say(number: int, context: Setup) -> str:
        if not number or context.dirty is None or context.dirtyable_pages is None:
            return ""
        pages = context.dirty.dirty if of == "dirty" else context.dirty.background
        whole = human_size(context.dirtyable_pages * context.page_size)
        return f"{number} % of {whole} dirtyable = {human_size(pages * context.page_size)}"

    return say


def _min_free(number: int, context: Setup) -> str:
    total = context.meminfo.get("MemTotal")
    share = f", {100 * number * 1024 / total:.2f} % of RAM" if total else ""
    return f"{human_size(number * 1024)}{share}{_wakes(context, min_free_kbytes=number)}"


def _scale_factor(number: int, context: Setup) -> str:
    return f"{number / 100:g} % of each zone{_wakes(context, scale_factor=number)}"


def _wakes(context: Setup, min_free_kbytes: int | None = None, scale_factor: int | None = None) -> str:
    """Say below how much free memory, over all zones, kswapd wakes: the sum of their low watermarks."""
    least = min_free_kbytes or _number(context.values.get("vm.min_free_kbytes", ""))
    scale = scale_factor or _number(context.values.get("vm.watermark_scale_factor", ""))
    is_old = context.version is not None and context.version < (4, 6, 0)
    if least is None or (scale is None and not is_old) or not context.zones:
        return ""
    is_high = movable_counts_as_high([(zone.name, zone.usable, zone.min) for zone in context.zones], context.version)
    zones = [model.Zone(zone.name, zone.usable) for zone in context.zones]
    marks = model.watermarks(zones, least, scale, page_kib=context.page_size // 1024, movable_is_high=is_high)
    low = sum(mark.low_pages for mark, zone in zip(marks, zones) if zone.managed_pages)
    return f"; kswapd wakes below {human_size(low * context.page_size)} free"


def _overcommit_memory(number: int, context: Setup) -> str:
    words = (
        "heuristic: refuses only what is plainly too much",
        "always: refuses nothing",
        "never more than CommitLimit",
    )
    if number >= len(words):
        return ""
    limit, promised = context.meminfo.get("CommitLimit"), context.meminfo.get("Committed_AS")
    if number != 2 or limit is None or promised is None:
        return words[number]
    return f"{words[2]}: {human_size(promised)} of {human_size(limit)} promised"


def _overcommit_ratio(number: int, context: Setup) -> str:
    info = context.meminfo
    if not number or "MemTotal" not in info:
        return ""
    ram, swap = info["MemTotal"], info.get("SwapTotal", 0)
    limit = commit_limit(ram, swap, info.get("Hugetlb", 0), number, page_size=context.page_size)
    return f"{number} % of {human_size(ram)} RAM and {human_size(swap)} swap = {human_size(limit)}"


def _huge_pages(number: int, context: Setup) -> str:
    size = context.meminfo.get("Hugepagesize")
    return human_size(number * size) if size and number else ""


_MEANINGS: Mapping[str, Callable[[int, Setup], str]] = {
    "vm.dirty_ratio": _dirty("dirty"),
    "vm.dirty_background_ratio": _dirty("background"),
    "vm.min_free_kbytes": _min_free,
    "vm.overcommit_memory": _overcommit_memory,
    "vm.overcommit_ratio": _overcommit_ratio,
    "vm.nr_hugepages": _huge_pages,
    "vm.page-cluster": lambda number, context: f"2^{number} = {1 << min(number, 31)} pages",
    "vm.swappiness": lambda number, context: f"anonymous pages : file pages = {number} : {200 - number}",
    "vm.watermark_scale_factor": _scale_factor,
    "vm.watermark_boost_factor": lambda number, context: f"up to {number / 100:g} % of high" if number else "off",
    "vm.stat_interval": lambda number, context: f"{number} s",
}

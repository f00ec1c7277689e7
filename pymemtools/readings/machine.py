"""A machine as the models see it: what its files say, each read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pymemtools.errors import Denied, MemtoolsError, Missing, ParseError
from pymemtools.models.available import available_by_meminfo, counts_from_low, low_watermarks
from pymemtools.models.overcommit import commit_limit
from pymemtools.models.release import Version, parse_release, since
from pymemtools.models.tunables import TUNABLES
from pymemtools.models.writeback import total_reserve
from pymemtools.procfs.meminfo import hugetlb_pool, parse_meminfo
from pymemtools.procfs.pagetypeinfo import parse_pageblock
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.doubt import Figures, all_of_meminfo, plausible, swap_of, zones_differ
from pymemtools.readings.page_size import page_size_of
from pymemtools.readings.recalled import read_anew, recalled
from pymemtools.readings.settings import value_of
from pymemtools.readings.stores import NO_STORES, Stores, read_stores
from pymemtools.readings.zones import read_zones
from pymemtools.sources.base import Source
from pymemtools.units import whole_number

_T = TypeVar("_T")
_PROTECTS = (2, 6, 13)  # from then on zoneinfo tells lowmem_reserve
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
    guesses_reserves: bool = False  # what zones keep for themselves is not told, and taken as a boot would choose it

    def pages(self, key: str) -> int:
        """Give a figure of meminfo in pages. Raises Missing."""
        if not self.meminfo:
            damage = [note for note in self.notes if note.startswith("meminfo:")]
            raise Missing(damage[0] if damage else "the source has no meminfo")
        if key not in self.meminfo:
            raise Missing(f"meminfo: no {key} field")
        return self.meminfo[key] // self.page_size

    def setting(self, name: str) -> int | None:
        """Give a setting as a number, None where the source does not tell."""
        return whole_number(self.settings.get(name, ""))

    def numbers(self, name: str) -> list[int]:
        """Give a setting that is several numbers; what is none is passed over."""
        found = map(whole_number, self.settings.get(name, "").split())
        return [number for number in found if number is not None]

    @property
    def low_watermarks(self) -> int:
        """Give the pages below which kswapd wakes, over all zones."""
        return low_watermarks([(zone.name, zone.usable, zone.low) for zone in self.zones])

    @property
    def total_reserve(self) -> int | None:
        """Give the pages that zones keep for themselves; None without zones.

        They are counted when watermarks are set, which ends a boost: what there is of one now is in ``high`` only.
        Source: mm/page_alloc.c, __setup_per_zone_wmarks(), calculate_totalreserve_pages(), Linux 6.12.
        """
        told = [(zone.usable, zone.high - (zone.boost or 0), zone.protection) for zone in self.zones]
        return total_reserve(told) if told else None


def read_machine(source: Source) -> Machine:
    """Read what there is: what the source lacks is left out, and so, with a note, is what is damaged."""
    return recalled(source, _read_machine)


class _Reader:
    """Reads a source's files; of what is damaged it keeps a note, what is missing is None."""

    def __init__(self, source: Source, notes: Sequence[str]) -> None:
        self._source = source
        self.notes = [*notes]

    def known(self, read: Callable[[Source], _T]) -> _T | None:
        """Give what ``read`` gives of the source."""
        try:
            return read(self._source)
        except (Missing, Denied):
            return None
        except ParseError as error:
            self.notes.append(str(error))
            return None

    def parsed(self, name: str, parse: Callable[[bytes], _T]) -> _T | None:
        """Give what ``parse`` makes of a file."""
        return self.known(lambda source: parse(source.read(name)))


def _read_machine(source: Source) -> Machine:
    page = page_size_of(source)
    reader = _Reader(source, page.notes)
    version = parse_release(source.facts.kernel)
    figures, zones = reader.known(all_of_meminfo) or Figures({}, ()), reader.known(read_zones) or ()
    reader.notes += figures.notes
    samples = [figures.meminfo]
    if source.is_live and zones:
        again = reader.known(lambda source: parse_meminfo(read_anew(source, "meminfo")))
        samples.append(plausible(again or {}).meminfo)
    pageblock = reader.parsed("pagetypeinfo", parse_pageblock) or _huge_page_pages(source, page.size)
    has_protections = any(zone.protection for zone in zones) or not (zones and since(version, _PROTECTS))
    if not has_protections:
        reader.notes.append("zoneinfo: no protection field: what zones keep for those above them is taken as nothing")
    stores, damaged = read_stores(source, figures.meminfo)
    reader.notes += damaged
    machine = Machine(
        figures.meminfo,
        reader.parsed("vmstat", parse_vmstat) or {},
        zones,
        _settings(source),
        page.size,
        version,
        processors_of(source),
        tuple(reader.notes),
        pageblock_pages=pageblock,
        doubt=zones_differ(zones, samples, page.size, version),
        stores=stores,
        guesses_reserves=not has_protections,
    )
    settings = {**machine.settings, **_told_by_commit_limit(machine)}
    return machine._replace(settings=settings, counts_from_low=_counts_from_low(machine))


def _settings(source: Source) -> dict[str, str]:
    """Read all tunables that the source tells."""
    settings = {}
    for name in TUNABLES:
        try:
            settings[name] = value_of(source, name)
        except MemtoolsError:
            continue
    return settings


def processors_of(source: Source) -> int | None:
    """Count the processors that are on; None where the source has no stat."""
    try:
        return len(_PROCESSOR.findall(source.read("stat"))) or None
    except (Missing, Denied):
        return None


def _huge_page_pages(source: Source, page_size: int) -> int | None:
    """Give the pages of a transparent huge page, which are those of a pageblock where pagetypeinfo is root's alone."""
    try:
        text = value_of(source, "transparent_hugepage.hpage_pmd_size")
    except MemtoolsError:
        return None
    size = whole_number(text)
    return None if size is None else size // page_size


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
    told, known = machine.meminfo.get("MemAvailable"), trusted(machine)
    levels = (known.low_watermarks, known.total_reserve)
    for rule in rules:
        if available_by_meminfo(machine.meminfo, *levels, page_size=machine.page_size, from_low=rule) == told:
            return rule
    return rules[0]


def trusted(machine: Machine) -> Machine:
    """Give the machine without zones that tell of other memory than meminfo does."""
    return machine._replace(zones=()) if machine.doubt else machine


def notes_of(machine: Machine) -> tuple[str, ...]:
    """Say all that makes figures doubtful, and that zones are where they count."""
    return (*machine.notes, machine.doubt) if machine.doubt else machine.notes


def has_huge_pages(machine: Machine) -> bool:
    """Tell whether transparent huge pages are switched on, for all or for who asks."""
    return machine.settings.get("transparent_hugepage.enabled", "never") != "never"

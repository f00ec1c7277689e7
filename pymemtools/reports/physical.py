"""What the physical address space holds: RAM, what firmware reserved, devices, and nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Denied, MemtoolsError, UsageProblem
from pymemtools.procfs import maps
from pymemtools.procfs.iomem import Region, is_hidden, parse_iomem
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.map_diff import pair

KINDS = {
    "ram": "System RAM",
    "reserved": "what the firmware keeps: Reserved, ACPI tables and storage, the RAM buffer",
    "device": "everything else: memory-mapped I/O, ROMs, buses",
}
_RESERVED = ("reserved", "soft reserved", "acpi ", "ram buffer", "unusable memory", "unknown e820")


class Totals(NamedTuple):
    """Bytes up to the highest address; each address counts once, as RAM before reserved before device."""

    ram: int
    reserved: int
    devices: int
    holes: int
    reserved_ram: int  # of ram: what is reserved within it, as Arm machines show


class RegionRow(NamedTuple):
    """One line of iomem, for tables and programs."""

    level: int
    start: int
    last: int
    size: int
    kind: str
    name: str
    parent: str | None  # the region that this one is below, where it reaches out of that
    change: str = ""
    delta: int = 0

    @property
    def end(self) -> int:
        """Give the first address behind it."""
        return self.last + 1


class PhysicalSpace(NamedTuple):
    """The regions, with what became of them where there is something to compare with, and their sums."""

    regions: Sequence[Region]
    rows: list[RegionRow]
    sums: Totals


COLUMNS = (
    Column("level", "Level", "how many regions it is in", "count"),
    Column("start", "Start", "its first address", "address"),
    Column("end", "End", "the first address behind it", "address"),
    Column("size", "Size", "its length", "bytes"),
    Column("kind", "Kind", "ram, reserved or device", "text", right=False),
    Column("region", "Region", "what the kernel calls it", "text", right=False),
    Column("reaches_out_of", "Reaches out of", "the region that it is in, but not wholly", "text", right=False),
    Column("change", "Change", "new, gone, grown or shrunk since the other source", "text", right=False),
    Column("delta", "Delta", "by how much", "bytes"),
)
_PRINTED = (
    Column("start", "start", "its first address", "address"),
    Column("last", "end", "its last address", "address"),
    Column("kib", "KB", "its length, in units of 1024 bytes", "count"),
    Column("mib", "MB", "of 1024 * 1024 bytes", "count"),
    Column("gib", "GB", "and of 1024 times that", "count"),
)
_HIDDEN = (
    "all addresses are 0, which is what the kernel shows to who lacks CAP_SYS_ADMIN in the initial user namespace: "
    "run as root outside of containers, or give a file that root saved"
)


Regions = Sequence[Region]


def regions_of(text: bytes, where: str) -> Regions:
    """Read an iomem text that tells something. Raises MemtoolsError, also when the kernel hid the addresses."""
    if b"\0" in text[:512]:
        raise UsageProblem(f"iomem-graph: {where} is no text; did you mean -S {where}?")
    if not text:
        raise MemtoolsError(f"{where}: empty: this machine does not tell what is where")
    regions = parse_iomem(text, where)
    if is_hidden(regions):
        raise Denied(f"{where}: {_HIDDEN}")
    return regions


def physical_report(
    regions: Sequence[Region], before: Sequence[Region] | None, depth: int | None, facts: Mapping[str, Any]
) -> Report:
    """Describe ``depth`` levels of regions; those ``before`` are what to compare with."""
    rows = region_rows(regions, depth) if before is None else changed_rows(before, regions, depth)
    found = PhysicalSpace(regions, rows, totals(regions))
    table = table_of(COLUMNS, map(_cells, rows))
    return Report("iomem-graph", table, found, found.sums._asdict(), facts, within=_PRINTED)


def _cells(row: RegionRow) -> dict[str, Any]:
    names = {"region": row.name, "reaches_out_of": row.parent}
    return {**row._asdict(), **names, "end": row.end, "change": row.change or None}


def kind_of(name: bytes) -> str:
    """Tell RAM and reserved ranges by their names, which differ in case between kernels."""
    lower = name.lower()
    if lower.startswith(b"system ram"):
        return "ram"
    return "reserved" if lower.startswith(tuple(word.encode() for word in _RESERVED)) else "device"


def totals(regions: Sequence[Region]) -> Totals:
    """Count addresses by kind, from 0 to the highest that is named."""
    kinds = [(kind_of(region.name), region) for region in regions]
    ram, reserved, either, everything = (
        _covered(region for kind, region in kinds if kind in counted)
        for counted in (("ram",), ("reserved",), ("ram", "reserved"), tuple(KINDS))
    )
    end = max((region.last for region in regions), default=-1) + 1
    return Totals(ram, either - ram, everything - either, end - everything, ram + reserved - either)


def _covered(regions: Iterable[Region]) -> int:
    """Measure the union of ranges."""
    covered = end = 0
    for region in sorted(regions, key=lambda region: region.start):
        covered += max(0, region.last + 1 - max(region.start, end))
        end = max(end, region.last + 1)
    return covered


def region_rows(regions: Sequence[Region], depth: int | None = None) -> list[RegionRow]:
    """Describe the regions of the first ``depth`` levels."""
    rows = []
    above: list[Region] = []  # the region itself, below its parents
    for region in regions:
        del above[region.level :]
        parent = above[-1] if above else None
        above.append(region)
        if depth is not None and region.level >= depth:
            continue
        reaches_out = parent is not None and not (parent.start <= region.start and region.last <= parent.last)
        outer = _text(parent.name) if parent is not None and reaches_out else None
        kind = kind_of(region.name)
        if kind == "device" and outer is None and any(kind_of(each.name) == "ram" for each in above):
            kind = "ram"  # as are the kernel's code and data
        rows.append(RegionRow(*region[:3], region.size, kind, _text(region.name), outer))
    return rows


def changed_rows(before: Sequence[Region], after: Sequence[Region], depth: int | None = None) -> list[RegionRow]:
    """Describe the later regions with what became of them, and where they were those that are gone."""
    old, new = region_rows(before, depth), region_rows(after, depth)
    gone = []
    for i, j in pair([_as_mapping(row) for row in old], [_as_mapping(row) for row in new]):
        if i is None and j is not None:
            new[j] = new[j]._replace(change="new", delta=new[j].size)
        elif i is not None and j is None:
            gone.append(old[i])
        elif i is not None and j is not None and new[j].size != old[i].size:
            delta = new[j].size - old[i].size
            new[j] = new[j]._replace(change="grown" if delta > 0 else "shrunk", delta=delta)
    return _in_place(old, new, gone)


def _in_place(old: Sequence[RegionRow], new: Sequence[RegionRow], gone: Iterable[RegionRow]) -> list[RegionRow]:
    """Put what is gone among the rest by its address, and within what it was in."""
    left = set(gone)
    keyed = [(path, 0, row) for path, row in zip(_paths(new), new)]
    keyed += [
        (path, 1, row._replace(change="gone", delta=-row.size)) for path, row in zip(_paths(old), old) if row in left
    ]
    return [row for *_, row in sorted(keyed, key=lambda each: each[:2])]


def _paths(rows: Sequence[RegionRow]) -> Iterator[tuple[int, ...]]:
    """Give the addresses that lead to each row, from the top."""
    path: tuple[int, ...] = ()
    for row in rows:
        path = (*path[: row.level], row.start)
        yield path


def _as_mapping(row: RegionRow) -> maps.Mapping:
    """See a region as what ``pair`` compares: it is the same only on the same level."""
    name = row.name.encode("utf-8", "surrogateescape")
    return maps.Mapping(row.start, row.last + 1, b"", row.level, b"", 0, name)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")

"""The address space of one process: from a source, or from a text whose beginning tells what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, DeniedProcess, Missing, NoSuchProcess, ParseError, UsageProblem
from pymemtools.models.map_kinds import kinds_of
from pymemtools.procfs.maps import Mappings, parse_maps
from pymemtools.procfs.status import parse_status_sizes
from pymemtools.sources.base import Facts, Source
from pymemtools.units import whole_number

_MAPS = re.compile(rb"[0-9a-f]{1,16}-[0-9a-f]{1,16} [r-][w-][x-][ps] ")
_CSV = re.compile(rb"(?:0x)?[0-9a-fA-F]{1,16},(?:0x)?[0-9a-fA-F]{1,16},")
_IOMEM = re.compile(rb" *[0-9a-f]{1,16}-[0-9a-f]{1,16} : ")
_RSS = frozenset(("Rss", "Swap"))
Amounts = Sequence["int | None"]


class AddressSpace(NamedTuple):
    """Mappings in order of addresses, and what is known beside them."""

    title: str
    mappings: Mappings
    kinds: Sequence[str]
    resident: Amounts | None  # bytes of each mapping; None: not asked for, or not known
    swapped: Amounts | None
    total: tuple[int, int] | None  # bytes resident and swapped of the whole process, from status
    min_address: int | None  # vm.mmap_min_addr
    max_count: int | None  # vm.max_map_count
    facts: Facts
    note: str | None = None  # what the reader should know of it

    @property
    def null_trap(self) -> int | None:
        """Give the bytes from address 0 on that nobody can map: whole pages. Source: mm/mmap.c, round_hint_to_min()."""
        page = self.facts.page_size or 1
        return None if self.min_address is None else -(-self.min_address // page) * page


def space_of_process(source: Source, pid: int, *, rss: bool) -> AddressSpace:
    """Read a process, with ``rss`` what is resident of each mapping too. Raises Missing or Denied."""
    from pymemtools.readings.mappings import read_maps

    try:
        maps = read_maps(source, pid, _RSS.__contains__ if rss else None)
    except Missing:
        raise NoSuchProcess(pid) from None
    if maps.problem is not None:
        raise DeniedProcess(maps.pid, maps.problem)
    title = f"{maps.pid}:   {maps.title.decode('utf-8', 'surrogateescape')}"
    resident, swapped = (maps.columns.get(key) for key in ("Rss", "Swap"))
    min_address, max_count = (_setting(source, name) for name in ("mmap_min_addr", "max_map_count"))
    kinds = maps.told().kinds
    total = _total(source, maps.pid)
    known = (maps.mappings, kinds, resident, swapped, total, min_address, max_count)
    return AddressSpace(title, *known, source.facts, maps.note)


def _total(source: Source, pid: int) -> tuple[int, int] | None:
    """Read what status says, which is there for the asking; None where it does not tell."""
    try:
        with source.process(pid) as files:
            sizes = parse_status_sizes(files.read("status"))
    except (Missing, Denied):
        return None
    return (sizes["VmRSS"], sizes.get("VmSwap", 0)) if "VmRSS" in sizes else None


def _setting(source: Source, name: str) -> int | None:
    try:
        text = source.read(f"sys/vm/{name}").strip()
    except (Missing, Denied):
        return None
    return whole_number(text)


def space_of_text(text: bytes, path: str) -> AddressSpace:
    """Read a saved maps or smaps, or a CSV of mappings. Raises ParseError, or UsageProblem for what is none."""
    read = _parsed(text, path)
    order = sorted(range(len(read.mappings)), key=read.mappings.starts.__getitem__)
    mappings = read.mappings.take(order)
    kinds = kinds_of(mappings) if any(mappings.perms) else [""] * len(mappings)
    resident, swapped = (
        None if column is None else [column[i] for i in order] for column in (read.resident, read.swapped)
    )
    note = f"{path} is cut short: its last mapping is left out" if read.cut_short else None
    facts = Facts("file", path, None, None, None)
    return AddressSpace(
        title="",
        mappings=mappings,
        kinds=kinds,
        resident=resident,
        swapped=swapped,
        total=None,
        min_address=None,
        max_count=None,
        facts=facts,
        note=note,
    )


class _Read(NamedTuple):
    mappings: Mappings
    resident: Amounts | None = None
    swapped: Amounts | None = None
    cut_short: bool = False


def _parsed(text: bytes, path: str) -> _Read:
    """Read whatever the first line shows the text to be."""
    lines = (line for line in text[:65536].split(b"\n") if line and not line.startswith(b"#"))
    first, second = next(lines, b""), next(lines, b"")
    if _CSV.match(first):
        from pymemtools.readings.course_csv import parse_map_csv

        return _Read(parse_map_csv(text, path))
    if _MAPS.match(first) and (not second or _MAPS.match(second)):
        return _Read(parse_maps(text, path), cut_short=not text.endswith(b"\n"))
    if _MAPS.match(first):
        from pymemtools.procfs.smaps.table import SmapsReader

        reader = SmapsReader(_RSS.__contains__, path)
        reader.feed(text)
        table = reader.finish()
        return _Read(table.mappings, table.columns.get("Rss"), table.columns.get("Swap"), table.cut_short)
    if _IOMEM.match(first):
        raise UsageProblem(f"vgraph: {path} is an iomem: iomem-graph draws those")
    if b"\0" in text[:512]:
        raise UsageProblem(f"vgraph: {path} is no text: if it is a capture, name a process in it, with --source {path}")
    if not first:
        raise ParseError(path, None, "no mapping in it")
    raise ParseError(path, None, "neither maps, smaps nor CSV (start,end,label)")

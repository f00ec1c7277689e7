"""What TARGET names: a process of the source, or a file whose text tells what it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pymemtools.cli import say
from pymemtools.errors import Denied, Missing, ParseError, UsageProblem
from pymemtools.models.map_kinds import kinds_of
from pymemtools.procfs.maps import Mappings, parse_maps
from pymemtools.procfs.status import parse_status_sizes
from pymemtools.sources.base import Facts, Source

_PID = re.compile(r"(?:/proc/)?([1-9][0-9]{0,6})/?", re.ASCII)
_MAPS = re.compile(rb"[0-9a-f]{1,16}-[0-9a-f]{1,16} [r-][w-][x-][ps] ")
_CSV = re.compile(rb"(?:0x)?[0-9a-fA-F]{1,16},(?:0x)?[0-9a-fA-F]{1,16},")
_IOMEM = re.compile(rb" *[0-9a-f]{1,16}-[0-9a-f]{1,16} : ")
_RSS = frozenset(("Rss", "Swap"))
Column = Sequence["int | None"]


class Target(NamedTuple):
    """The mappings to draw, in order of addresses, and what is known beside them."""

    title: str
    mappings: Mappings
    kinds: Sequence[str]
    resident: Column | None  # bytes of each mapping; None: not asked for, or not known
    swapped: Column | None
    total: tuple[int, int] | None  # bytes resident and swapped of the whole process, from status
    min_address: int | None  # vm.mmap_min_addr
    max_count: int | None  # vm.max_map_count
    facts: Facts

    @property
    def null_trap(self) -> int | None:
        """Give the bytes from address 0 on that nobody can map: whole pages. Source: mm/mmap.c, round_hint_to_min()."""
        page = self.facts.page_size or 1
        return None if self.min_address is None else -(-self.min_address // page) * page


def process_number(text: str) -> int | None:
    """Read a PID, also as ``/proc/PID``; None for anything else, which then names a file."""
    match = _PID.fullmatch(text)
    return int(match[1]) if match is not None else None


def read_target(text: str, open_source: Callable[[], Source], *, rss: bool, max_size: int) -> Target:
    """Read a process of the source, or else a file. Raises MemtoolsError."""
    pid = process_number(text)
    target = _of_file(text, max_size) if pid is None else _of_process(open_source(), pid, rss=rss)
    if not target.mappings:
        raise Missing(f"vgraph: {text}: no mappings (a kernel thread or a zombie has none)")
    return target


def _of_process(source: Source, pid: int, *, rss: bool) -> Target:
    from pymemtools.readings.mappings import read_maps

    try:
        maps = read_maps(source, pid, _RSS.__contains__ if rss else None)
    except Missing:
        raise Missing(f"vgraph: {pid}: no such process") from None
    if maps.problem is not None:
        raise Denied(f"vgraph: {maps.pid}: {maps.problem}")
    if maps.note is not None:
        say(f"vgraph: {maps.note}")
    title = f"{maps.pid}:   {maps.title.decode('utf-8', 'surrogateescape')}"
    resident, swapped = (maps.columns.get(key) for key in ("Rss", "Swap"))
    min_address, max_count = (_setting(source, name) for name in ("mmap_min_addr", "max_map_count"))
    kinds = maps.told().kinds
    total = _total(source, maps.pid)
    return Target(title, maps.mappings, kinds, resident, swapped, total, min_address, max_count, source.facts)


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
    return int(text) if text.isdigit() and len(text) < 20 else None


def _of_file(path: str, max_size: int) -> Target:
    from pymemtools.sources.text_file import read_text_file

    if path != "-" and os.path.isdir(path):
        raise UsageProblem(f"vgraph: {path} is a directory: name a process in it, with --source {path}")
    text = read_text_file(path, max_size)
    found, resident, swapped = _parsed(text, path)
    order = sorted(range(len(found)), key=found.starts.__getitem__)
    mappings = found.take(order)
    kinds = kinds_of(mappings) if any(mappings.perms) else [""] * len(mappings)
    resident, swapped = (None if column is None else [column[i] for i in order] for column in (resident, swapped))
    return Target("", mappings, kinds, resident, swapped, None, None, None, Facts("file", path, None, None, None))


def _parsed(text: bytes, path: str) -> tuple[Mappings, Column | None, Column | None]:
    """Read whatever the first line shows the text to be."""
    lines = (line for line in text[:65536].split(b"\n") if line and not line.startswith(b"#"))
    first, second = next(lines, b""), next(lines, b"")
    if _CSV.match(first):
        from pymemtools.procfs.map_csv import parse_map_csv

        return parse_map_csv(text, path), None, None
    if _MAPS.match(first) and (not second or _MAPS.match(second)):
        if not text.endswith(b"\n"):
            say(f"vgraph: {path} is cut short: its last mapping is left out")
        return parse_maps(text, path), None, None
    if _MAPS.match(first):
        from pymemtools.procfs.smaps_table import SmapsReader

        reader = SmapsReader(_RSS.__contains__, path)
        reader.feed(text)
        table = reader.finish()
        if table.cut_short:
            say(f"vgraph: {path} is cut short: its last mapping is left out")
        return table.mappings, table.columns.get("Rss"), table.columns.get("Swap")
    if _IOMEM.match(first):
        raise UsageProblem(f"vgraph: {path} is an iomem: iomem-graph draws those")
    if b"\0" in text[:512]:
        raise UsageProblem(f"vgraph: {path} is no text: if it is a capture, name a process in it, with --source {path}")
    if not first:
        raise ParseError(path, None, "no mapping in it")
    raise ParseError(path, None, "neither maps, smaps nor CSV (start,end,label)")

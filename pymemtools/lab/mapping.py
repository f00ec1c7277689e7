"""What the kernel says of one mapping of a process, and of its page tables."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.smaps.records import Vma, parse_smaps
from pymemtools.procfs.status import parse_status_sizes
from pymemtools.sources.base import Source


class Mapped(NamedTuple):
    """One mapping, in bytes; page tables are of the whole process."""

    start: int
    end: int
    size: int
    rss: int
    pss: int
    private_dirty: int
    shared: int
    page_tables: int | None
    swap: int


def look(source: Source, pid: int, address: int) -> Mapped:
    """Read the mapping that an address is in. Raises MemtoolsError."""
    for vma in parse_smaps(source.read(f"{pid}/smaps")):
        if vma.mapping.start <= address < vma.mapping.end:
            return _mapped(source, pid, vma)
    raise MemtoolsError(f"process {pid} has no mapping at {address:#x}")


def look_at_stack(source: Source, pid: int) -> Mapped:
    """Read the main stack. Raises MemtoolsError."""
    for vma in parse_smaps(source.read(f"{pid}/smaps")):
        if vma.mapping.name == b"[stack]":
            return _mapped(source, pid, vma)
    raise MemtoolsError(f"process {pid} has no stack")


def _mapped(source: Source, pid: int, vma: Vma) -> Mapped:
    tables = parse_status_sizes(source.read(f"{pid}/status")).get("VmPTE")
    get = vma.fields.get
    shared = get("Shared_Clean", 0) + get("Shared_Dirty", 0)
    amounts = get("Size", 0), get("Rss", 0), get("Pss", 0), get("Private_Dirty", 0), shared, tables, get("Swap", 0)
    return Mapped(vma.mapping.start, vma.mapping.end, *amounts)

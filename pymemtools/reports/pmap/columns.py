"""The columns of pmap: the kernel's numbers of smaps, whichever it prints, and what is ours."""

from __future__ import annotations

from pymemtools.errors import UsageProblem
from pymemtools.procfs.smaps.fields import SMAPS_FIELDS
from pymemtools.report import Column, Table

OWN = {
    column.key: column
    for column in (
        Column("pid", "PID", "process number", "count"),
        Column("address", "Address", "where the mapping starts", "text"),
        Column("perm", "Perm", "r read, w write, x execute, s shared or p private (copy on write)", "text"),
        Column("offset", "Offset", "where in the file the mapping starts", "bytes"),
        Column("device", "Device", "the file system's device, major:minor", "text"),
        Column("inode", "Inode", "the file's number; 0: memory without a file", "count"),
        Column("Dirty", "Dirty", "resident pages that were written to, shared or private", "bytes", total="sum"),
        Column("vmflags", "VmFlags", "the kernel's flags of the mapping", "text"),
        Column("kind", "Kind", "what the mapping is for", "text", right=False),
        Column("mapping", "Mapping", "the file's base name, or what the kernel calls the memory", "text", right=False),
        Column("path", "Path", "the file's whole path, or what the kernel calls the memory", "text", right=False),
        Column("Count", "Count", "number of mappings", "count", total="sum"),
        Column("command", "Command", "command line", "text", right=False),
        Column("change", "Change", "new, gone, grown or shrunk", "text", right=False),
        Column("before", "Before", "the amount in the earlier look", "bytes", total="sum"),
        Column("after", "After", "the amount in this one", "bytes", total="sum"),
        Column("delta_Size", "+Size", "by how much the address range grew", "bytes", total="sum"),
        Column("delta", "Delta", "by how much it grew", "bytes", total="sum"),
    )
}
COLUMNS = ("pid", "address", "perm", "offset", "device", "inode", "Dirty", "vmflags", "kind", "mapping", "path")
NAMES = (*COLUMNS, *SMAPS_FIELDS)
_NAMES = {name.lower(): name for name in (*NAMES, "Count")}
_UNKNOWN = "a number that is not known here: see the kernel's proc.rst"


def column_of(key: str, *, is_count: bool = False) -> Column:
    """Give the column of a key, which may be that of a newer kernel's number."""
    own = OWN.get(key)
    if own is not None:
        return own
    return Column(key, key, SMAPS_FIELDS.get(key, _UNKNOWN), "count" if is_count else "bytes", total="sum")


def canonical(name: str) -> str:
    """Give a column's name as the kernel and we write it; an unknown one may be a newer kernel's."""
    return _NAMES.get(name.lower(), name)


def check_known(table: Table, wanted: tuple[str, ...]) -> None:
    """Refuse a column that neither we nor the kernel at hand have. Raises UsageProblem."""
    for key in wanted:
        cells = table.cells.get(key, ())
        if key not in NAMES and cells and all(value is None for value in cells):
            known = " ".join(NAMES)
            raise UsageProblem(f"pmap: unknown column '{key}'; there are: {known}")


def is_number(key: str) -> bool:
    """Tell columns that are summed from those that are only shown."""
    return key not in OWN or OWN[key].total == "sum"

"""The columns of pmap that are not the kernel's numbers: title, help and layout, each said once."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import UsageProblem
from pymemtools.procfs.smaps_fields import SMAPS_FIELDS
from pymemtools.reports.map_frame import Frame


class Field(NamedTuple):
    """One column."""

    field: str  # the --columns name and the JSON key
    title: str
    help: str
    is_text: bool = True  # shown as it is and never summed
    format: str = ""
    right: bool = True
    is_signed: bool = False


OWN = {
    field.field: field
    for field in (
        Field("pid", "PID", "process number"),
        Field("address", "Address", "where the mapping starts"),
        Field("perm", "Perm", "r read, w write, x execute, s shared or p private (copy on write)"),
        Field("offset", "Offset", "where in the file the mapping starts", format="08x"),
        Field("device", "Device", "the file system's device, major:minor"),
        Field("inode", "Inode", "the file's number; 0: memory without a file"),
        Field("Dirty", "Dirty", "resident pages that were written to, shared or private", is_text=False),
        Field("vmflags", "VmFlags", "the kernel's flags of the mapping"),
        Field("kind", "Kind", "what the mapping is for", right=False),
        Field("mapping", "Mapping", "the file's base name, or what the kernel calls the memory", right=False),
        Field("path", "Path", "the file's whole path, or what the kernel calls the memory", right=False),
        Field("Count", "Count", "number of mappings", is_text=False),
        Field("command", "Command", "command line", right=False),
        Field("change", "Change", "new, gone, grown or shrunk", right=False),
        Field("before", "Before", "the amount in the earlier look", is_text=False),
        Field("after", "After", "the amount in this one", is_text=False),
        Field("delta_Size", "+Size", "by how much the address range grew", is_text=False, is_signed=True),
        Field("delta", "Delta", "by how much it grew", is_text=False, is_signed=True),
    )
}
COLUMNS = ("pid", "address", "perm", "offset", "device", "inode", "Dirty", "vmflags", "kind", "mapping", "path")
NAMES = (*COLUMNS, *SMAPS_FIELDS)
_NAMES = {name.lower(): name for name in (*NAMES, "Count")}


def canonical(name: str) -> str:
    """Give a column's name as the kernel and we write it; an unknown one may be a newer kernel's."""
    return _NAMES.get(name.lower(), name)


def check_known(frame: Frame, wanted: tuple[str, ...]) -> None:
    """Refuse a column that neither we nor the kernel at hand have. Raises UsageProblem."""
    for field in wanted:
        cells = frame.columns.get(field, ())
        if field not in NAMES and cells and all(value is None for value in cells):
            known = " ".join(NAMES)
            raise UsageProblem(f"pmap: unknown column '{field}'; there are: {known}")


def is_number(field: str) -> bool:
    """Tell columns that are summed from those that are only shown."""
    return field not in OWN or not OWN[field].is_text

"""The columns of pmap that do not come from the kernel's counting: title, help and layout, each said once."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """One column."""

    field: str  # the --columns name and the JSON key
    title: str
    help: str
    is_text: bool = True  # shown as it is and never summed
    format: str = ""
    right: bool = True


OWN = {
    field.field: field
    for field in (
        Field("pid", "PID", "process number"),
        Field("address", "Address", "where the mapping starts"),
        Field("perm", "Perm", "r read, w write, x execute, s shared or p private (copy on write)"),
        Field("offset", "Offset", "where in the file the mapping starts", format="08x"),
        Field("device", "Device", "the file system's device, major:minor"),
        Field("inode", "Inode", "the file's number; 0: memory without a file"),
        Field("Size", "Size", "length of the address range, touched or not", is_text=False),
        Field("Dirty", "Dirty", "resident pages that were written to, shared or private", is_text=False),
        Field("vmflags", "VmFlags", "the kernel's flags of the mapping"),
        Field("mapping", "Mapping", "the file's base name, or what the kernel calls the memory", right=False),
        Field("path", "Path", "the file's whole path, or what the kernel calls the memory", right=False),
    )
}

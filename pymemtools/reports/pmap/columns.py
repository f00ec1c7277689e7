"""The columns of pmap: the kernel's numbers of smaps, whichever it prints, and what is ours."""

from __future__ import annotations

from collections.abc import Iterable

from pymemtools.errors import UsageProblem
from pymemtools.procfs.smaps.fields import SMAPS_FIELDS, key_of
from pymemtools.report import Column, Table, column_named, plain_name

OWN = {
    column.key: column
    for column in (
        Column("pid", "PID", "process number", "count"),
        Column("start", "Address", "where the mapping starts", "address"),
        Column("end", "End", "the first address behind it", "address"),
        Column("perms", "Perm", "r read, w write, x execute, s shared or p private (copy on write)", "text"),
        Column("offset", "Offset", "where in the file the mapping starts", "bytes"),
        Column("device", "Device", "the file system's device, major:minor", "text"),
        Column("inode", "Inode", "the file's number; 0: memory without a file", "count"),
        Column("dirty", "Dirty", "resident pages that were written to, shared or private", "bytes", total="sum"),
        Column("vm_flags", "VmFlags", "the kernel's flags of the mapping", "list"),
        Column("kind", "Kind", "what the mapping is for", "text", right=False),
        Column("mapping", "Mapping", "the file's base name, or what the kernel calls the memory", "text", right=False),
        Column("path", "Path", "the file's whole path, or what the kernel calls the memory", "text", right=False),
        Column("mappings", "Count", "number of mappings", "count", total="sum"),
        Column("vss", "Size", "length of several address ranges together, touched or not", "bytes", total="sum"),
        Column("command", "Command", "command line", "text", right=False),
        Column("change", "Change", "new, gone, grown or shrunk", "text", right=False),
        Column("before", "Before", "the amount in the earlier look", "bytes", total="sum"),
        Column("after", "After", "the amount in this one", "bytes", total="sum"),
        Column("delta_size", "+Size", "by how much the address range grew", "bytes", total="sum"),
        Column("delta", "Delta", "by how much it grew", "bytes", total="sum"),
    )
}
_OF_MAPPINGS = (
    "pid",
    "start",
    "end",
    "perms",
    "offset",
    "device",
    "inode",
    "dirty",
    "vm_flags",
    "kind",
    "mapping",
    "path",
)
_UNKNOWN = "a number that is not known here: see the kernel's proc.rst"
COUNTS = frozenset(("THPeligible", "ProtectionKey"))  # no sizes


def _number(field: str, *, is_count: bool) -> Column:
    help = SMAPS_FIELDS.get(field, _UNKNOWN)
    return Column(key_of(field), field, help, "count" if is_count else "bytes", total="sum")


NUMBERS = {key_of(field): _number(field, is_count=field in COUNTS) for field in SMAPS_FIELDS}
NAMES = (*_OF_MAPPINGS, *NUMBERS)
_CHOICE = (*(OWN[key] for key in _OF_MAPPINGS), OWN["mappings"], *NUMBERS.values())
_OTHERS = {"address": "start", "perm": "perms", "count": "mappings", "maps": "mappings", "map": "path", "vss": "size"}


def column_of(key: str, fields: Iterable[str] = (), counts: Iterable[str] = ()) -> Column:
    """Give the column of a key, which may be that of a number in ``fields``, the kernel's names at hand."""
    if key in OWN:
        return OWN[key]
    field = next((field for field in fields if key_of(field) == key), None)
    if field is not None:
        return _number(field, is_count=field in counts)
    return NUMBERS.get(key) or Column(key, key, _UNKNOWN, "bytes", total="sum")


def key_named(name: str) -> str:
    """Give the key of the column that a user names; a name that is unknown here may be a newer kernel's."""
    column = column_named(_CHOICE, name, _OTHERS)
    return name if column is None else column.key


def key_among(name: str, fields: Iterable[str]) -> str:
    """Give the key of what is no column of ours, if it is one of the kernel's ``fields``."""
    if name in NAMES or name in OWN:
        return name
    return next((key_of(field) for field in fields if plain_name(field) == plain_name(name)), name)


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

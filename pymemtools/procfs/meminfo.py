"""/proc/meminfo: every figure the kernel printed, in bytes."""

import re
from collections.abc import Mapping

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(rb"([A-Za-z][A-Za-z0-9_()]*):[ \t]*([0-9]{1,20})(?:[ \t]+(kB))?[ \t]*")
_KEYED = re.compile(rb"[A-Za-z][A-Za-z0-9_()]*:")


def parse_meminfo(text: bytes, file: str = "meminfo") -> Mapping[str, int]:
    """Map each key to bytes; the HugePages_* lines, which carry no ``kB``, to pages.

    Keys of kernels to come are carried through. A later duplicate wins, as in procps. The table that
    Linux 2.4 printed above the lines is passed over.

    >>> parse_meminfo(b"MemTotal:  8 kB\\nHugePages_Total: 3\\n")
    {'MemTotal': 8192, 'HugePages_Total': 3}

    Raises ParseError for a line of the right shape with a wrong value, and when MemTotal is missing: without it
    the text is no meminfo. Source: fs/proc/meminfo.c, meminfo_proc_show().
    """
    fields: dict[str, int] = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        match = _LINE.fullmatch(line)
        if match is not None:
            key, value, unit = match.groups()
            fields[key.decode("ascii")] = int(value) * (1024 if unit else 1)
        elif line and _is_damaged(line):
            raise ParseError(file, number, f"expected 'Name: N kB', got {excerpt(line)}")
    if "MemTotal" not in fields:
        raise ParseError(file, None, "no MemTotal field")
    return fields


def _is_damaged(line: bytes) -> bool:
    """Tell a broken line from the header and the ``Mem:``/``Swap:`` rows of Linux 2.4."""
    if line.startswith((b"        total:", b"Mem:", b"Swap:")):
        return False
    return _KEYED.match(line) is not None or not line.strip().isascii() or b"\0" in line

"""/proc/PID/smaps_rollup: what all mappings of a process cost together, added up by the kernel (Linux 4.14)."""

import re

from pymemtools.errors import ParseError
from pymemtools.units import KIB

_FIELD = re.compile(r"^([A-Z][A-Za-z0-9_]*): +([0-9]{1,20}) kB$", re.MULTILINE)


def parse_smaps_rollup(text: bytes, file: str = "smaps_rollup") -> dict[str, int]:
    """Map each field to bytes. Its PSS is rounded down once, where summing smaps rounds down for each mapping.

    >>> parse_smaps_rollup(b"00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\\nRss:    4 kB\\nPss:    2 kB\\n")
    {'Rss': 4096, 'Pss': 2048}

    Raises ParseError for a text without fields, or one cut short. Source: fs/proc/task_mmu.c, show_smaps_rollup().
    """
    if not text.endswith(b"\n"):
        raise ParseError(file, None, "cut short")
    fields = {name: int(size) * KIB for name, size in _FIELD.findall(text.decode("ascii", "replace"))}
    if "Rss" not in fields:
        raise ParseError(file, None, "no Rss field")
    return fields

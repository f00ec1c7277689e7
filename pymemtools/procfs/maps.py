"""/proc/PID/maps: the mappings (VMAs) of a process; every record of smaps starts with such a line too.

The name is the rest of the line and may hold any byte but a newline, which the kernel writes as ``\\012``; so lines
are read by position. Source: fs/proc/task_mmu.c, show_map_vma().
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) ([0-9a-f]{1,16}) "
    rb"([0-9a-f]{2,8}:[0-9a-f]{2,8}) ([0-9]{1,20}) *(.*)",
    re.DOTALL,
)
_DELETED = b" (deleted)"


class Mapping(NamedTuple):
    """One mapping; addresses and offset in bytes."""

    start: int
    end: int  # the first address behind it
    perms: bytes  # as in ``r-xp``
    offset: int
    device: bytes  # ``major:minor``, hexadecimal
    inode: int  # 0: not a file's
    name: bytes  # as the kernel wrote it; empty for unnamed anonymous memory
    vmflags: bytes = b""  # as in ``rd mr mw me``; only smaps has them

    @property
    def size(self) -> int:
        """Give the length in bytes."""
        return self.end - self.start

    @property
    def is_shared(self) -> bool:
        """Tell MAP_SHARED from MAP_PRIVATE."""
        return self.perms[3:] == b"s"

    @property
    def is_anonymous(self) -> bool:
        """Tell private memory without a file from everything else; ``[heap]`` and ``[anon:NAME]`` are such memory."""
        return not self.inode and not self.is_shared and not self.name.startswith(b"/")

    @property
    def is_deleted(self) -> bool:
        """Tell a file that has no name any more; a file may also bear such a name."""
        return self.name.startswith(b"/") and self.name.endswith(_DELETED)


def parse_mapping(line: bytes, file: str, number: int | None) -> Mapping:
    """Read one line of maps. Raises ParseError."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ParseError(file, number, f"expected a mapping, got {excerpt(line)}")
    start, end, perms, offset, device, inode, name = match.groups()
    mapping = Mapping(int(start, 16), int(end, 16), perms, int(offset, 16), device, int(inode), name)
    if mapping.end < mapping.start:
        raise ParseError(file, number, f"expected a mapping, got one that ends before it starts: {excerpt(line)}")
    return mapping


def parse_maps(text: bytes, file: str = "maps") -> Iterator[Mapping]:
    """Yield the mappings of a maps text; a last line without its newline was cut and is left out.

    Raises ParseError for a line that is none.
    """
    lines = text.split(b"\n")
    lines.pop()
    for number, line in enumerate(lines, 1):
        yield parse_mapping(line, file, number)

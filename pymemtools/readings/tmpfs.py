"""How full each file system in memory is: asked of a live machine, of a capture from what it took of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.probes.file_systems import fills
from pymemtools.procfs.mountinfo import unescaped_path
from pymemtools.sources.base import Source

TMPFS = "mounts.tmpfs"  # a line a mount point: KiB, KiB used, and the point, escaped as in mounts
_KINDS = (b"tmpfs", b"devtmpfs")


class Tmpfs(NamedTuple):
    """One file system in memory."""

    point: str  # where it is mounted
    size: int  # bytes
    used: int  # bytes


def read_tmpfs(source: Source) -> list[Tmpfs] | None:
    """Give file systems in memory, the fullest in bytes first; None where the source does not tell."""
    text = tmpfs_text(source)
    return None if text is None else sorted(_parsed(text), key=lambda each: -each.used)


def tells_tmpfs(source: Source) -> bool:
    """Tell whether the source says how full they are; a machine has some, be it /dev."""
    return bool(tmpfs_text(source))


def tmpfs_text(source: Source) -> bytes | None:
    """Write how full they are, as a capture keeps that; None where nobody knows."""
    try:
        if not source.is_live:
            return source.read(TMPFS)
        points = _points(source.read("mounts"))
    except MemtoolsError:
        return None
    asked = zip(points, fills([_decoded(point) for point in points]))
    return b"".join(
        b"%d %d %s\n" % (found.size >> 10, found.used >> 10, point) for point, found in asked if found is not None
    )


def _points(mounts: bytes) -> list[bytes]:
    """List where file systems in memory are mounted, and no other file system over them.

    >>> _points(b"none /run tmpfs rw 0 0\\ntmpfs /tmp tmpfs rw 0 0\\n/dev/sda1 /tmp ext4 rw 0 0\\n")
    [b'/run']
    """
    lines = [words for words in (line.split(b" ") for line in mounts.split(b"\n")) if len(words) >= 4]
    last = {words[1]: words[2] for words in lines}
    return [point for point, kind in last.items() if kind in _KINDS]


def _parsed(text: bytes) -> Iterable[Tmpfs]:
    r"""Read the lines; those of another shape are passed over. What is mounted twice has the same figures twice.

    >>> list(_parsed(b"1024 4 /a\\040b\n1024 4 /c\n"))
    [Tmpfs(point='/a b', size=1048576, used=4096)]
    """
    found: dict[tuple[int, int], Tmpfs] = {}
    for line in text.split(b"\n"):
        size, _, rest = line.partition(b" ")
        used, _, point = rest.partition(b" ")
        if point.startswith(b"/") and all(word.isdigit() and len(word) <= 15 for word in (size, used)):
            each = Tmpfs(_decoded(point), int(size) << 10, int(used) << 10)
            found.setdefault((each.size, each.used), each)
    return found.values()


def _decoded(point: bytes) -> str:
    return unescaped_path(point.decode("utf-8", "surrogateescape"))

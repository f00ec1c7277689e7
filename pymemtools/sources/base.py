"""What every source of bytes can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pymemtools.sources.manifest import Manifest

ALL_EMPTY = (
    "all files in it are empty: programs that go by the size of a file see nothing in those of /proc; "
    "use pymemtools capture or smemcap"
)
MAX_WHOLE = 64 << 20  # bytes of a copied file that are read at once: only smaps and maps can have more
MAX_PID = 4 * 1024 * 1024  # PID_MAX_LIMIT of 64-bit kernels, include/linux/threads.h


class Facts(NamedTuple):
    """What is known of the machine studied; None where the source does not tell."""

    kind: str  # "live", "directory", "archive" or "recording"; "file" where it is one text
    path: str | None
    kernel: str | None
    page_size: int | None  # bytes
    taken_at: str | None  # ISO 8601, UTC


class ProcessFiles(Protocol):
    """The files below one /proc/PID, all of the same process."""

    pid: int

    def read(self, name: str) -> bytes:
        """Read a small file whole. Raises Missing or Denied."""
        ...

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read a file that may be huge, piece by piece. Raises Missing or Denied."""
        ...

    def uid(self) -> int | None:
        """Tell the owner, or None where the source does not know."""
        ...


class Source(Protocol):
    """A machine's /proc, wherever it is kept."""

    @property
    def facts(self) -> Facts:
        """Tell what is known of the machine studied."""
        ...

    @property
    def is_live(self) -> bool:
        """Tell whether processes may vanish, exec and change while they are read."""
        ...

    @property
    def manifest(self) -> Manifest | None:
        """Give what a capture says of itself, or None. Raises ArchiveError for a manifest that is none."""
        ...

    def read(self, path: str) -> bytes:
        """Read a file below /proc (``meminfo``) or, with a leading ``/``, of the machine (``/etc/passwd``)."""
        ...

    def names(self, path: str) -> list[str]:
        """List a directory below /proc or, with a leading ``/``, of the machine; empty when there is none."""
        ...

    def beside(self) -> Sequence[str]:
        """Name the files, each with a leading ``/``, that the taker of a copy left beside its /proc."""
        ...

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        """Read one of them, which may be huge, piece by piece. Raises Missing or Denied."""
        ...

    @property
    def commands_from(self) -> str | None:
        """Name the listing of ps that has told the commands of processes without a cmdline; None when none had to."""
        ...

    def pids(self) -> Sequence[int]:
        """List the processes, in ascending order (an archive: in its own)."""
        ...

    def process(self, pid: int) -> AbstractContextManager[ProcessFiles]:
        """Open one process. Raises Missing or Denied."""
        ...

    def user_name(self, uid: int) -> str | None:
        """Name a user of the machine studied, or None when it does not tell."""
        ...


def parse_pid(name: str) -> int | None:
    """Read a directory name as a PID: decimal digits, no leading zero, no other script's digits.

    >>> parse_pid("007") is None
    True
    """
    if name.isascii() and name.isdigit() and name[0] != "0" and len(name) <= 7:
        pid = int(name)
        return pid if pid <= MAX_PID else None
    return None


def parse_passwd(text: bytes) -> dict[int, str]:
    """Map uid to name from passwd text; the first line of a uid wins, as in getpwuid()."""
    users: dict[int, str] = {}
    for line in text.split(b"\n"):
        fields = line.split(b":")
        if len(fields) >= 4 and fields[2].isdigit() and len(fields[2]) <= 10:
            users.setdefault(int(fields[2]), fields[0].decode("utf-8", "surrogateescape"))
    return users


def utc(seconds: int | None) -> str | None:
    """Write a time in seconds since 1970 as ISO 8601; None for none, and for what no clock shows.

    >>> utc(1795435662)
    '2026-11-23T12:07:42Z'
    """
    if seconds is None or not 0 < seconds <= 253402300799:
        return None
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


CLOCKS_ARE_SET = 1_420_070_400  # 2015, in seconds since 1970: a clock that shows an earlier time was never set


def since_1970(text: str) -> float:
    """Read ISO 8601 in UTC as seconds since 1970: what utc() wrote, or with fractions of a second.

    >>> since_1970("2026-11-23T12:07:42Z"), since_1970("2026-11-23T12:07:42.250Z")
    (1795435662.0, 1795435662.25)
    """
    from datetime import datetime

    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def kernel_release(version: bytes) -> str | None:
    """Take ``6.1.0-37-amd64`` out of /proc/version."""
    words = version.split(None, 3)
    return words[2].decode("utf-8", "surrogateescape") if len(words) > 2 and words[1] == b"version" else None

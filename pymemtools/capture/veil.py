"""Take out of a capture what tells of people: arguments, users, their files. Names become hashes.

The key is made anew for each capture and then forgotten: equal names stay equal within a capture, and nobody can try
likely names against the hashes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b

_SYSTEM = re.compile(
    rb"(?!/dev/shm/|/usr/(?:local/)?home/|.*/\.\.(?:/|$))"  # these are people's, wherever they are
    rb"/(?:(?:usr|lib|lib32|lib64|libexec|bin|sbin|boot|dev|proc|sys|nix/store)/"
    rb"|SYSV[0-9a-f]{8}|memfd:|anon_hugepage|\[)"
)
_PROGRAM = re.compile(rb"[-\w.+:()\[\]]*")
_MAP_LINE = re.compile(
    rb"^([0-9a-f]+-[0-9a-f]+ [-rwxsp]{4} [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [0-9]+ +)(/[^\n]*)$", re.MULTILINE
)
_SWAP_FILE = re.compile(rb"^/\S+", re.MULTILINE)
_BUILDER = re.compile(rb"\([^()\s]+@[^()\s]+\)")
_UNIT = re.compile(r"(?:init|system|user|machine)\.(?:slice|scope)")


class Veil:
    """Hides names behind one capture's key."""

    def __init__(self) -> None:
        self._key = os.urandom(16)

    def hash(self, text: bytes) -> str:
        """Give a short hash of a name."""
        return blake2b(text, key=self._key, digest_size=5).hexdigest()

    def user(self, name: str) -> str:
        """Hide a user's name."""
        return f"u-{self.hash(name.encode('utf-8', 'surrogateescape'))}"

    def pieces(self, name: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Hide what one of a process's files tells of people, in whole lines of those that may be huge."""
        if name not in ("maps", "smaps"):
            yield self.file(name, b"".join(chunks))
            return
        rest = b""
        for chunk in chunks:
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            yield self.file(name, lines + newline)
        yield self.file(name, rest)

    def file(self, name: str, data: bytes) -> bytes:
        """Hide what one of a process's files tells of people."""
        if name == "cmdline":
            program = data.split(b"\0", 1)[0].split(b" ", 1)[0]
            return self._program(program) + b"\0" if data else b""
        if name in ("maps", "smaps"):
            return _MAP_LINE.sub(lambda match: match[1] + self._path(match[2]), data)
        if name == "cgroup":
            return b"".join(self._cgroup(line) for line in data.splitlines(keepends=True))
        return data

    def machine_file(self, path: str, data: bytes) -> bytes:
        """Hide what one of the machine's files tells of people: where they swap, and who built the kernel."""
        if path == "swaps":
            return _SWAP_FILE.sub(lambda match: self._path(match[0]), data)
        return _BUILDER.sub(b"(hidden)", data, count=1) if path == "version" else data

    def group(self, path: str) -> str:
        """Hide what a control group's path tells, as file() does within cgroup."""
        return "/".join(part if not part or _UNIT.fullmatch(part) else self._part(part) for part in path.split("/"))

    def _part(self, part: str) -> str:
        suffix = part[part.rfind(".") :] if part.endswith((".slice", ".service", ".scope")) else ""
        return f"g-{self.hash(part.encode('utf-8', 'surrogateescape'))}{suffix}"

    def _cgroup(self, line: bytes) -> bytes:
        head, colon, path = line.rstrip(b"\n").rpartition(b":")
        return head + colon + self.group(path.decode("utf-8", "surrogateescape")).encode() + b"\n"

    def _program(self, name: bytes) -> bytes:
        """Hide a program's name, unless it is the system's or a plain word: it may be a path or anything else."""
        is_shown = name.startswith(b"/") or _PROGRAM.fullmatch(name)
        return self._path(name) if is_shown else b"hidden-" + self.hash(name).encode()

    def _path(self, path: bytes) -> bytes:
        """Hide a path, but for the system's own programs and libraries; what is deleted stays so."""
        if not path.startswith(b"/") or _SYSTEM.match(path):
            return path
        deleted = b" (deleted)" if path.endswith(b" (deleted)") else b""
        return b"/hidden/" + self.hash(path).encode() + deleted

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
    # These are people's, wherever they are; a logical volume is often called after its host.
    rb"(?!/dev/shm/|/dev/mapper/|/usr/(?:local/)?home/|.*/\.\.(?:/|$))"
    rb"/(?:(?:usr|lib|lib32|lib64|libexec|bin|sbin|boot|dev|proc|sys|nix/store)/"
    rb"|SYSV[0-9a-f]{8}|memfd:|anon_hugepage|\[)"
)
_PROGRAM = re.compile(rb"(?:/[-\w.+:()\[\]/]*|[-\w.+:()\[\]]*)")
_MAP_LINE = re.compile(
    rb"^([0-9a-f]+-[0-9a-f]+ [-rwxsp]{4} [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [0-9]+ +)(/[^\n]*)$", re.MULTILINE
)
_NUMA_FILE = re.compile(rb"^([0-9a-f]+ \S+ file=)(\S+)", re.MULTILINE)
_SWAP_FILE = re.compile(rb"^/\S+", re.MULTILINE)
_BUILDER = re.compile(rb"^(Linux version \S+ )\(.*?\)(?= \(|$| #)", re.MULTILINE)  # also (root@(none)) (gcc ...)
_ARGUMENT = re.compile(rb"[\0\s]")  # a program that writes its own title puts other characters between them
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
            return self._program(_ARGUMENT.split(data, maxsplit=1)[0]) + b"\0" if data else b""
        if name in ("maps", "smaps"):
            return _MAP_LINE.sub(lambda match: match[1] + self._path(match[2]), data)
        if name == "numa_maps":
            return _NUMA_FILE.sub(lambda match: match[1] + self._path_of_one_word(match[2]), data)
        if name == "cgroup":
            return b"\n".join(self._cgroup(line) for line in data.split(b"\n"))
        return data

    def machine_file(self, path: str, data: bytes) -> bytes:
        """Hide what one of the machine's files tells of people: where they swap, and who built the kernel."""
        if path == "swaps":
            return _SWAP_FILE.sub(lambda match: self._path(match[0]), data)
        return _BUILDER.sub(rb"\1(hidden)", data) if path == "version" else data

    def group(self, path: str) -> str:
        """Hide what a control group's path tells, as file() does within cgroup."""
        return "/".join(part if not part or _UNIT.fullmatch(part) else self._part(part) for part in path.split("/"))

    def _part(self, part: str) -> str:
        suffix = part[part.rfind(".") :] if part.endswith((".slice", ".service", ".scope")) else ""
        return f"g-{self.hash(part.encode('utf-8', 'surrogateescape'))}{suffix}"

    def _cgroup(self, line: bytes) -> bytes:
        """Hide the path behind the hierarchy and its controllers; there may be colons in it (cri-containerd:ID)."""
        *head, path = line.split(b":", 2)
        return b":".join([*head, self.group(path.decode("utf-8", "surrogateescape")).encode()])

    def _program(self, name: bytes) -> bytes:
        """Hide a program's name, unless it is the system's or a plain word: it may be a path or anything else."""
        return self._path(name) if _PROGRAM.fullmatch(name) else b"hidden-" + self.hash(name).encode()

    def _path_of_one_word(self, path: bytes) -> bytes:
        """Hide a path whose blanks are octal."""
        return self._path(path.replace(rb"\040", b" ")).replace(b" ", rb"\040")

    def _path(self, path: bytes) -> bytes:
        """Hide a path, but for the system's own programs and libraries; what is deleted stays so."""
        if not path.startswith(b"/") or _SYSTEM.match(path):
            return path
        deleted = b" (deleted)" if path.endswith(b" (deleted)") else b""
        return b"/hidden/" + self.hash(path).encode() + deleted

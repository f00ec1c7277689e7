"""A /proc tree in a tar archive: read once, kept small, never extracted."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pymemtools.errors import ArchiveError, Denied, MemtoolsError, Missing
from pymemtools.sources.base import Facts, kernel_release, parse_passwd, parse_pid
from pymemtools.sources.status import effective_uid
from pymemtools.sources.tar import BLOCK, Member, walk
from pymemtools.sources.unpack import Stream

_CHUNK = 1 << 20
_MAX_SMALL = 1 << 20  # bytes; every member but smaps
_MAX_LINE = 64 * 1024
_PROCESS_FILES = frozenset(
    (
        "smaps",
        "smaps_rollup",
        "maps",
        "status",
        "stat",
        "statm",
        "cmdline",
        "comm",
        "cgroup",
        "oom_score",
        "oom_score_adj",
    )
)
_LARGE = frozenset(("smaps", "maps"))
_SYSTEM_FILES = re.compile(
    r"(?:meminfo|vmstat|zoneinfo|buddyinfo|pagetypeinfo|slabinfo|swaps|version|cmdline|uptime|iomem|cpuinfo|stat|loadavg"
    r"|modules|filesystems|vmallocinfo|manifest\.json|dmesg|kmsg|pressure/[a-z]+|sys/(?:vm|kernel)/[A-Za-z0-9_-]+"
    r"|/etc/passwd|/sys/(?:kernel/mm|fs/cgroup)/[^\0]+)"
)


class _Stored(NamedTuple):
    """Where a member's bytes are: in the file, or in memory, packed when that pays."""

    offset: int
    size: int
    data: bytes | None
    is_packed: bool


class _Owner(NamedTuple):
    uid: int
    uname: str


class Archive:
    """The processes and files of one archive.

    A plain tar in a regular file is indexed and then read in place. Anything else (compressed, or a pipe) can be
    read but once, so its members are kept in memory, smaps packed again: about 60 MB for the 1 GiB allowed.
    """

    is_live = False

    def __init__(self, fd: int, path: str, *, partial: bool, max_bytes: int) -> None:
        self._fd = fd
        self._path = path
        self.damage: str | None = None
        self.ignored_members = 0
        self._files: dict[str, _Stored] = {}
        self._processes: dict[int, dict[str, _Stored]] = {}
        self._directory_owner: dict[int, _Owner] = {}
        self._file_owner: dict[int, _Owner] = {}
        self._passwd: dict[int, str] | None = None
        self._max_bytes = max_bytes
        self._taken_at: int | None = None
        try:
            self._index()
        except ArchiveError as error:
            if not partial or (not self._processes and not self._files):
                raise ArchiveError(f"{path}: {error}") from None
            self.damage = str(error)
        if not self._processes and not self._files:
            raise ArchiveError(f"{path}: no process and no file of /proc in it")

    @classmethod
    def open(cls, path: str, *, partial: bool = False, max_bytes: int = 1 << 30) -> Archive:
        """Open an archive, or standard input for ``-``. Raises Missing, Denied or ArchiveError."""
        if path == "-":
            if sys.stdin is None:
                raise Missing("-: standard input is closed")
            return cls(0, path, partial=partial, max_bytes=max_bytes)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise Missing(f"{path}: No such file or directory") from None
        except OSError as error:
            raise Denied(f"{path}: {error.strerror}") from None
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise ArchiveError(f"{path}: neither a regular file nor a directory")
        return cls(fd, path, partial=partial, max_bytes=max_bytes)

    def _index(self) -> None:
        try:
            stream: Stream | PlainFile = Stream(self._fd, self._max_bytes)
        except OSError as error:
            raise ArchiveError(os.strerror(error.errno or 0)) from None
        in_place = not stream.is_compressed and stat.S_ISREG(os.fstat(self._fd).st_mode)
        if in_place:
            stream = PlainFile(self._fd, self._max_bytes)
        for member in walk(stream):
            self._add(member, None if in_place else stream)
        stream.drain()

    def _add(self, member: Member, stream: Stream | PlainFile | None) -> None:
        path = _normalise(member.name)
        if path is None:
            self.ignored_members += 1
            return
        head, _, name = path.partition("/")
        pid = parse_pid(head)
        if pid is not None and not name and member.is_directory:
            self._processes.setdefault(pid, {})
            if member.uid is not None and (member.uid or member.mtime):
                self._directory_owner.setdefault(pid, _Owner(member.uid, member.uname))
        elif pid is not None and member.is_file and name in _PROCESS_FILES:
            self._keep(self._processes.setdefault(pid, {}), name, member, stream)
            if member.uid is not None and member.size:
                self._file_owner.setdefault(pid, _Owner(member.uid, member.uname))
        elif member.is_file and pid is None and _SYSTEM_FILES.fullmatch(path):
            self._keep(self._files, path, member, stream)
            if path == "meminfo":
                self._taken_at = member.mtime
        elif not member.is_directory:
            self.ignored_members += 1

    def _keep(self, files: dict[str, _Stored], name: str, member: Member, stream: Stream | PlainFile | None) -> None:
        if name in files:
            raise ArchiveError(f"member {member.number} comes twice")
        if member.size > _MAX_SMALL and name not in _LARGE:
            raise ArchiveError(f"member {member.number} is too large: {member.size} bytes")
        if stream is None:
            files[name] = _Stored(member.offset, member.size, None, False)
            return
        if member.size > self._max_bytes:
            raise ArchiveError(f"unpacks to more than {self._max_bytes >> 20} MiB (see --max-size)")
        files[name] = _store(stream, member)

    def read(self, path: str) -> bytes:
        """Read a file below /proc or, with a leading ``/``, of the machine. Raises Missing."""
        return self._whole(self._files, path, path)

    def _whole(self, files: dict[str, _Stored], name: str, where: str) -> bytes:
        return b"".join(self._chunks(files, name, where))

    def _chunks(self, files: dict[str, _Stored], name: str, where: str) -> Iterator[bytes]:
        stored = files.get(name)
        if stored is None:
            raise Missing(f"{where}: not in {self._path}")
        if stored.data is None:
            yield from self._in_place(stored)
        elif not stored.is_packed:
            yield stored.data
        else:
            import zlib

            unpacker = zlib.decompressobj()
            data = stored.data
            while data:
                yield unpacker.decompress(data, _CHUNK)
                data = unpacker.unconsumed_tail

    def _in_place(self, stored: _Stored) -> Iterator[bytes]:
        at, end = stored.offset, stored.offset + stored.size
        while at < end:
            chunk = os.pread(self._fd, min(_CHUNK, end - at), at)
            if not chunk:
                raise ArchiveError(f"{self._path}: became shorter while it was read")
            yield chunk
            at += len(chunk)

    def names(self, path: str) -> list[str]:
        """List a directory; empty when there is none."""
        prefix = f"{path.rstrip('/')}/"
        return sorted({name[len(prefix) :].partition("/")[0] for name in self._files if name.startswith(prefix)})

    def pids(self) -> list[int]:
        """List the processes in the order of the archive."""
        return list(self._processes)

    @contextmanager
    def process(self, pid: int) -> Iterator[ArchiveProcess]:
        """Open one process. Raises Missing."""
        if pid not in self._processes:
            raise Missing(f"{pid}: no such process in {self._path}")
        yield ArchiveProcess(self, pid)

    def process_chunks(self, pid: int, name: str) -> Iterator[bytes]:
        """Read a file of a process piece by piece. Raises Missing."""
        return self._chunks(self._processes[pid], name, f"{pid}/{name}")

    def owner(self, pid: int) -> _Owner | None:
        """Tell who owns a process.

        Its status says so best: copying files changes who owns them. smemcap takes no status, but writes the owner
        to the header of the directory; busybox's leaves that header zeroed and writes the owner to those of the files.
        """
        try:
            uid = effective_uid(b"".join(self.process_chunks(pid, "status")))
        except MemtoolsError:
            uid = None
        if uid is not None:
            return _Owner(uid, "")
        return self._directory_owner.get(pid) or self._file_owner.get(pid)

    def user_name(self, uid: int) -> str | None:
        """Name a user by the archive's own /etc/passwd, else by the names in its headers."""
        if self._passwd is None:
            try:
                self._passwd = parse_passwd(self.read("/etc/passwd"))
            except MemtoolsError:
                self._passwd = {}
            for owner in (*self._directory_owner.values(), *self._file_owner.values()):
                if owner.uname:
                    self._passwd.setdefault(owner.uid, owner.uname)
        return self._passwd.get(uid)

    @property
    def facts(self) -> Facts:
        """Tell what is known of the machine studied."""
        try:
            kernel = kernel_release(self.read("version"))
        except MemtoolsError:
            kernel = None
        return Facts("archive", self._path, kernel, None, _utc(self._taken_at))


class ArchiveProcess:
    """The files of one process in an archive."""

    def __init__(self, archive: Archive, pid: int) -> None:
        self._archive = archive
        self.pid = pid

    def read(self, name: str) -> bytes:
        """Read a small file whole. Raises Missing."""
        return b"".join(self._archive.process_chunks(self.pid, name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read a file piece by piece. Raises Missing."""
        return self._archive.process_chunks(self.pid, name)

    def uid(self) -> int | None:
        """Tell the owner, or None when the archive does not."""
        owner = self._archive.owner(self.pid)
        return None if owner is None else owner.uid


class PlainFile:
    """A plain tar in a regular file: skipping costs nothing."""

    is_compressed = False

    def __init__(self, fd: int, max_bytes: int) -> None:
        self._fd = fd
        self._place = 0
        self._size = os.fstat(fd).st_size
        if self._size > max_bytes + (64 << 20):
            raise ArchiveError(f"is larger than {max_bytes >> 20} MiB (see --max-size)")

    def tell(self) -> int:
        return self._place

    def read(self, size: int) -> bytes:
        data = os.pread(self._fd, size, self._place)
        self._place += len(data)
        return data

    def skip(self, size: int) -> int:
        step = min(size, max(self._size - self._place, 0))
        self._place += step
        return step

    def drain(self) -> None:
        """Nothing is left to check."""


def _store(stream: Stream | PlainFile, member: Member) -> _Stored:
    """Keep a member in memory, packed when it is larger than a block or two."""
    if member.size <= 4 * BLOCK:
        data = stream.read(member.size)
        if len(data) < member.size:
            raise ArchiveError(f"truncated archive: in the data of member {member.number}")
        return _Stored(0, member.size, data, False)
    import zlib

    packer = zlib.compressobj(1)
    parts = []
    left = member.size
    while left:
        chunk = stream.read(min(left, _CHUNK))
        if not chunk:
            raise ArchiveError(f"truncated archive: in the data of member {member.number}")
        parts.append(packer.compress(chunk))
        left -= len(chunk)
    parts.append(packer.flush())
    return _Stored(0, member.size, b"".join(parts), True)


def _normalise(name: str) -> str | None:
    """Turn a member's name into a path below /proc, or one of the machine with a leading ``/``; None: not ours.

    >>> _normalise("./proc/1/smaps"), _normalise("proc/meminfo"), _normalise("etc/passwd")
    ('1/smaps', 'meminfo', '/etc/passwd')
    """
    while name.startswith("./"):
        name = name[2:]
    name = name.rstrip("/")
    parts = name.split("/")
    if not name or ".." in parts or "." in parts or "" in parts:
        return None
    if parts[0] == "proc":
        return "/".join(parts[1:]) or None
    if parts[0] == "etc" or (parts[0] == "sys" and parts[1:3] == ["kernel", "mm"]) or parts[:2] == ["sys", "fs"]:
        return f"/{name}"
    return name


def _utc(seconds: int | None) -> str | None:
    if not seconds or seconds > 253402300799:
        return None
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

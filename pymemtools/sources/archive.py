"""A /proc tree in a tar archive: read once, kept small, never extracted."""

from __future__ import annotations

import os
import stat
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pymemtools.errors import ArchiveError, Denied, MemtoolsError, Missing
from pymemtools.sources.base import Facts, kernel_release, page_size_of, parse_passwd, utc
from pymemtools.sources.long_lines import without_long_lines
from pymemtools.sources.manifest import MARKER, Manifest, parse_manifest
from pymemtools.sources.member_names import LARGE, is_wanted, locate, split_pid
from pymemtools.sources.status import effective_uid
from pymemtools.sources.stored import PlainFile, Stored, chunks_of, keep_in_memory
from pymemtools.sources.tar import Member, walk
from pymemtools.sources.unpack import Stream

_MAX_SMALL = 1 << 20  # bytes


class _Owner(NamedTuple):
    uid: int
    uname: str


class Archive:
    """The processes and files of one archive.

    A plain tar in a regular file is indexed and then read in place. Anything else (compressed, or a pipe) can be
    read but once, so its members are kept in memory, large ones packed again: about 60 MB for the 1 GiB allowed.
    """

    is_live = False

    def __init__(self, fd: int, path: str, *, partial: bool, max_bytes: int) -> None:
        self._fd = fd
        self._path = path
        self._max_bytes = max_bytes
        self.damage: str | None = None  # what is wrong with an archive that was opened as partial
        self.ignored_members = 0
        self._top: str | None = None  # the folder that everything is in
        self._files: dict[str, Stored] = {}
        self._processes: dict[int, dict[str, Stored]] = {}
        self._directory_owner: dict[int, _Owner] = {}
        self._file_owner: dict[int, _Owner] = {}
        self._users: dict[int, str] | None = None
        self._taken_at: int | None = None
        self._manifest: Manifest | None = None
        try:
            self._index()
        except ArchiveError as error:
            if not partial or not self._has_files():
                raise ArchiveError(f"{path}: {error}") from None
            self.damage = str(error)
        if not self._has_files():
            raise ArchiveError(f"{path}: {self._why_nothing()}")

    @classmethod
    def open(cls, path: str, *, partial: bool = False, max_bytes: int = 1 << 30) -> Archive:
        """Open an archive, or standard input for ``-``. Raises Missing, Denied or ArchiveError."""
        if path == "-":
            if sys.stdin is None:
                raise Missing("-: standard input is closed")
            if os.isatty(0):
                raise Missing("-: standard input is a terminal, not an archive")
            return cls(0, path, partial=partial, max_bytes=max_bytes)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except (FileNotFoundError, ValueError):
            raise Missing(f"{path}: No such file or directory") from None
        except OSError as error:
            raise Denied(f"{path}: {error.strerror}") from None
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise ArchiveError(f"{path}: neither a regular file nor a directory (standard input is -)")
        try:
            archive = cls(fd, path, partial=partial, max_bytes=max_bytes)
        except BaseException:
            os.close(fd)
            raise
        weakref.finalize(archive, os.close, fd)
        return archive

    def _index(self) -> None:
        member = None
        is_ours = False
        try:
            stream = self._plain_file() or Stream(self._fd, self._max_bytes)
            for member in walk(stream, MARKER):
                is_ours = is_ours or member.name == MARKER
                self._add(member, stream)
        except OSError as error:
            raise ArchiveError(os.strerror(error.errno or 0)) from None
        if is_ours and member is not None and member.name != "manifest.json":
            raise ArchiveError("truncated archive: no manifest at its end")

    def _plain_file(self) -> PlainFile | None:
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            return None
        start = os.lseek(self._fd, 0, os.SEEK_CUR)
        is_packed = Stream(self._fd, self._max_bytes).is_compressed
        os.lseek(self._fd, start, os.SEEK_SET)
        return None if is_packed else PlainFile(self._fd, self._max_bytes)

    def _add(self, member: Member, stream: Stream | PlainFile) -> None:
        located = locate(member.name)
        if located is None or self._top not in (None, located[0]):
            self.ignored_members += 1
            return
        top, path = located
        pid, name = split_pid(path)
        if pid is not None and not name and member.is_directory:
            self._processes.setdefault(pid, {})
            if member.uid is not None and (member.uid or member.mtime):
                self._directory_owner.setdefault(pid, _Owner(member.uid, member.uname))
        elif member.is_file and is_wanted(pid, name):
            self._top = top
            files = self._files if pid is None else self._processes.setdefault(pid, {})
            self._keep(files, name, member, stream)
            if pid is None and name == "meminfo":
                self._taken_at = member.mtime
            elif pid is not None and member.uid is not None and member.size:
                self._file_owner.setdefault(pid, _Owner(member.uid, member.uname))
        elif not member.is_directory:
            self.ignored_members += 1

    def _keep(self, files: dict[str, Stored], name: str, member: Member, stream: Stream | PlainFile) -> None:
        if name in files:
            raise ArchiveError(f"damaged archive: member {member.number} comes twice")
        if member.size > (self._max_bytes if name in LARGE else _MAX_SMALL):
            raise ArchiveError(f"member {member.number} is too large: {member.size} bytes")
        files[name] = stream.keep(member) if isinstance(stream, PlainFile) else keep_in_memory(stream, member)

    def _has_files(self) -> bool:
        files = (self._files, *self._processes.values())
        return any(stored.size for each in files for stored in each.values())

    def _why_nothing(self) -> str:
        if self._files or any(self._processes.values()):
            return "all files in it are empty, as tar reads those of /proc: use smemcap, or copy them first"
        return "no process and no file of /proc in it"

    def read(self, path: str) -> bytes:
        """Read a file below /proc or, with a leading ``/``, of the machine. Raises Missing."""
        return b"".join(self._chunks(self._files, path, path))

    def _chunks(self, files: dict[str, Stored], name: str, where: str) -> Iterator[bytes]:
        stored = files.get(name)
        if stored is None:
            raise Missing(f"{where}: not in {self._path}")
        chunks = chunks_of(stored, self._fd)
        return without_long_lines(chunks, where) if name in ("smaps", "maps") else chunks

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
        """Read a file of a process piece by piece. Raises Missing, or ParseError for a line that no kernel writes."""
        return self._chunks(self._processes[pid], name, f"{pid}/{name}")

    def owner(self, pid: int) -> int | None:
        """Tell the uid of a process's owner.

        Its status says so best: copying files changes who owns them. smemcap takes no status, but writes the owner
        to the header of the directory; busybox's leaves that header zeroed and writes the owner to those of the files.
        """
        try:
            uid = effective_uid(b"".join(self.process_chunks(pid, "status")))
        except MemtoolsError:
            uid = None
        owner = self._directory_owner.get(pid) or self._file_owner.get(pid)
        return owner.uid if uid is None and owner is not None else uid

    def user_name(self, uid: int) -> str | None:
        """Name a user by the archive's own manifest and /etc/passwd, else by the names in its headers."""
        if self._users is None:
            self._users = dict(self.manifest.users) if self.manifest is not None else {}
            try:
                names = parse_passwd(self.read("/etc/passwd"))
            except MemtoolsError:
                names = {}
            for owner in (*self._directory_owner.values(), *self._file_owner.values()):
                if owner.uname:
                    names.setdefault(owner.uid, owner.uname)
            self._users = names | self._users
        return self._users.get(uid)

    @property
    def manifest(self) -> Manifest | None:
        """Give what our own captures say of themselves. Raises ArchiveError for a manifest that is none."""
        if self._manifest is None and "/manifest.json" in self._files:
            self._manifest = parse_manifest(self.read("/manifest.json"))
        return self._manifest

    @property
    def facts(self) -> Facts:
        """Tell what is known of the machine studied."""
        try:
            kernel = kernel_release(self.read("version"))
        except MemtoolsError:
            kernel = None
        manifest = self.manifest
        page_size, taken_at = (None, None) if manifest is None else (manifest.page_size, manifest.taken_at)
        return Facts("archive", self._path, kernel, page_size or page_size_of(self), utc(taken_at or self._taken_at))


class ArchiveProcess:
    """The files of one process in an archive."""

    def __init__(self, archive: Archive, pid: int) -> None:
        self._archive = archive
        self.pid = pid

    def read(self, name: str) -> bytes:
        """Read a small file whole. Raises Missing."""
        return b"".join(self._archive.process_chunks(self.pid, name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read a file piece by piece. Raises Missing or ParseError."""
        return self._archive.process_chunks(self.pid, name)

    def uid(self) -> int | None:
        """Tell the owner, or None when the archive does not."""
        return self._archive.owner(self.pid)

"""A /proc tree in a tar archive: read once, kept small, never extracted."""

from __future__ import annotations

import os
import stat
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from pymemtools.errors import ArchiveError, Denied, MemtoolsError, Missing, NoSuchProcess, ParseError
from pymemtools.sources.archive.index import Index
from pymemtools.sources.archive.member_names import split_pid
from pymemtools.sources.archive.stored import Stored
from pymemtools.sources.base import MAX_WHOLE, Facts, kernel_release, parse_passwd, utc
from pymemtools.sources.left_behind import Listing, kernel_of, listing_of, taken_at_of
from pymemtools.sources.long_lines import without_long_lines
from pymemtools.sources.manifest import Manifest, parse_manifest
from pymemtools.sources.page_size import page_size_of
from pymemtools.sources.status import effective_uid
from pymemtools.units import exact_size


class Archive:
    """The processes and files of one archive.

    A plain tar in a regular file is indexed and then read in place. Anything else (compressed, or a pipe) can be
    read but once, so its members are kept in memory, large ones packed again: at most 85 MiB for the 1 GiB allowed.
    """

    is_live = False

    def __init__(self, fd: int, path: str, *, partial: bool, max_bytes: int, with_logs: bool = False) -> None:
        self._path = path
        self._index = Index(max_bytes, with_logs=with_logs)
        self._users: dict[int, str] | None = None
        self._manifest: Manifest | None = None
        self._facts: Facts | None = None
        self._listing: Listing | None = None
        self.damage: str | None = None  # what is wrong with an archive that was opened as partial
        try:
            self._index.fill(fd)
        except ArchiveError as error:
            if not partial or not self._index.has_files():
                raise type(error)(f"{path}: {error}") from None
            self.damage = str(error)
        if not self._index.has_files():
            raise ArchiveError(f"{path}: {self._index.why_nothing()}")

    @classmethod
    def open(cls, path: str, *, partial: bool = False, max_bytes: int = 1 << 30, with_logs: bool = False) -> Archive:
        """Open an archive, or standard input for ``-``. Raises Missing, Denied or ArchiveError."""
        if path == "-":
            if sys.stdin is None:
                raise Missing("-: standard input is closed")
            if os.isatty(0):
                raise Missing("-: standard input is a terminal, not an archive")
            return cls(0, path, partial=partial, max_bytes=max_bytes, with_logs=with_logs)
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
            archive = cls(fd, path, partial=partial, max_bytes=max_bytes, with_logs=with_logs)
        except BaseException:
            os.close(fd)
            raise
        weakref.finalize(archive, os.close, fd)
        return archive

    def read(self, path: str) -> bytes:
        """Read a file below /proc or, with a leading ``/``, of the machine. Raises Missing or ParseError."""
        return self.read_whole(*split_pid(path))

    def read_whole(self, pid: int | None, name: str) -> bytes:
        """Read a file of the machine, or of a process, at once. Raises Missing or ParseError."""
        stored = self._stored(pid, name)
        if stored.size > MAX_WHOLE:
            raise ParseError(_where(pid, name), None, f"more than {exact_size(MAX_WHOLE)}")
        return b"".join(self._chunks(stored, pid, name))

    def chunks(self, pid: int | None, name: str) -> Iterator[bytes]:
        """Read a file piece by piece. Raises Missing, or ParseError for a line that no kernel writes."""
        return self._chunks(self._stored(pid, name), pid, name)

    def _chunks(self, stored: Stored, pid: int | None, name: str) -> Iterator[bytes]:
        where = _where(pid, name)
        chunks = self._index.chunks(stored, where)
        return without_long_lines(chunks, where) if name in ("smaps", "maps") else chunks

    def _stored(self, pid: int | None, name: str) -> Stored:
        stored = self._index.find(pid, name)
        if stored is None:
            raise Missing(f"{_where(pid, name)}: not in {self._path}")
        return stored

    def names(self, path: str) -> list[str]:
        """List the files in a directory; empty when there is none."""
        return self._index.names(path)

    def beside(self) -> list[str]:
        """Name the files that the taker of a copy left beside its /proc; logs only if they were asked for."""
        return self._index.beside()

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        """Read one of them piece by piece. Raises Missing."""
        return self.chunks(None, path)

    @property
    def commands_from(self) -> str | None:
        """Name the listing of ps that has told commands."""
        return None if self._listing is None else self._listing.told_by

    def listed(self, pid: int) -> bytes | None:
        """Give the command that ps listed, for a process without a cmdline."""
        if self._listing is None:
            self._listing = listing_of(self)
        return self._listing.command(pid)

    def pids(self) -> list[int]:
        """List the processes in the order of the archive."""
        return list(self._index.processes)

    @contextmanager
    def process(self, pid: int) -> Iterator[ArchiveProcess]:
        """Open one process. Raises NoSuchProcess."""
        if pid not in self._index.processes:
            raise NoSuchProcess(pid)
        yield ArchiveProcess(self, pid)

    def owner(self, pid: int) -> int | None:
        """Tell the uid of a process's owner.

        Its status says so best: copying files changes who owns them. smemcap takes no status, but writes the owner
        to the header of the directory; busybox's leaves that header zeroed and writes the owner to those of the files.
        """
        try:
            uid = effective_uid(self.read(f"{pid}/status"))
        except MemtoolsError:
            uid = None
        return self._index.owner(pid) if uid is None else uid

    def user_name(self, uid: int) -> str | None:
        """Name a user by the archive's own manifest and /etc/passwd, else by the names in its headers."""
        if self._users is None:
            self._users = dict(self.manifest.users) if self.manifest is not None else {}
            try:
                names = parse_passwd(self.read("/etc/passwd"))
            except MemtoolsError:
                names = {}
            self._users = self._index.user_names() | names | self._users
        return self._users.get(uid)

    @property
    def manifest(self) -> Manifest | None:
        """Give what our own captures say of themselves. Raises ArchiveError for a manifest that is none."""
        if self._manifest is None and self._index.find(None, "/manifest.json") is not None:
            self._manifest = parse_manifest(self.read("/manifest.json"), self._path)
        return self._manifest

    @property
    def facts(self) -> Facts:
        """Tell what is known of the machine studied."""
        if self._facts is None:
            try:
                kernel = kernel_release(self.read("version"))
            except MemtoolsError:
                kernel = None
            said = self.manifest
            page_size, taken_at = (None, None) if said is None else (said.page_size, said.taken_at)
            taken = utc(taken_at or taken_at_of(self) or self._index.taken_at)
            page_size = page_size or page_size_of(self)
            self._facts = Facts("archive", self._path, kernel or kernel_of(self), page_size, taken)
        return self._facts


class ArchiveProcess:
    """The files of one process in an archive."""

    def __init__(self, archive: Archive, pid: int) -> None:
        self._archive = archive
        self.pid = pid

    def read(self, name: str) -> bytes:
        """Read a small file whole; for a cmdline that is missing, what ps listed. Raises Missing or ParseError."""
        try:
            return self._archive.read_whole(self.pid, name)
        except Missing:
            command = self._archive.listed(self.pid) if name == "cmdline" else None
            if command is None:
                raise
            return command

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read a file piece by piece. Raises Missing or ParseError."""
        return self._archive.chunks(self.pid, name)

    def uid(self) -> int | None:
        """Tell the owner, or None when the archive does not."""
        return self._archive.owner(self.pid)


def _where(pid: int | None, name: str) -> str:
    return name if pid is None else f"{pid}/{name}"

"""What an archive has: which member is which file of which process, whose it is, and where its bytes are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.errors import ArchiveError, excerpt
from pymemtools.sources.base import ALL_EMPTY
from pymemtools.sources.left_behind import LOG, is_small_enough, role_by_name, role_of
from pymemtools.sources.manifest import MARKER
from pymemtools.sources.member_names import is_wanted, locate, most_bytes, split_pid
from pymemtools.sources.stored import KeptStream, PlainFile, Stored, archive_file
from pymemtools.sources.tar import Member, Tar

_SMEMCAPS_FILES = {"smaps", "cmdline", "stat"}  # of each process


class Owner(NamedTuple):
    """Who a member's header says it belongs to."""

    uid: int
    uname: str


class Index:
    """The wanted members of one archive, processes in their order in it."""

    def __init__(self, max_bytes: int, *, with_logs: bool = False) -> None:
        self._max_bytes = max_bytes
        self._with_logs = with_logs
        self._left: dict[str, Stored] = {}  # by whole name: what may have been left beside /proc
        self._top: str | None = None  # the folder that /proc is in
        self._files: dict[str, Stored] = {}  # of /proc
        self._beside: dict[str, dict[str, Stored]] = {}  # by top folder: what is beside a /proc that may be there
        self._owners: dict[Owner, Owner] = {}  # few users own many processes
        self._directory_owners: dict[int, Owner] = {}
        self._file_owners: dict[int, Owner] = {}
        self.processes: dict[int, dict[str, Stored]] = {}
        self.taken_at: int | None = None  # seconds since 1970
        self._copier: int | None = None  # who made a copy of /proc his own, before it was packed: meminfo is root's

    def fill(self, fd: int) -> None:
        """Read the archive once. Raises ArchiveError; what was complete before that is kept."""
        member = None
        is_ours = False
        try:
            file = archive_file(fd, self._max_bytes)
            tar = Tar(file, MARKER)
            for member in tar:
                is_ours = is_ours or member.name == MARKER
                self._add(member, file)
        except OSError as error:
            raise ArchiveError(os.strerror(error.errno or 0)) from None
        if is_ours and member is not None and member.name != "manifest.json":
            raise ArchiveError("truncated archive: no manifest at its end")
        if self.processes and not tar.has_end:
            self._check_last_process()

    def _check_last_process(self) -> None:
        """Refuse an archive that ends within a process: smemcap's have no end mark, but the same files of each."""
        *others, last = self.processes.values()
        others = [files for files in others if files]
        expected = set(others[0]).intersection(*others) if others else _SMEMCAPS_FILES
        if not expected <= last.keys():
            raise ArchiveError(f"truncated archive: in process {list(self.processes)[-1]}")

    def _add(self, member: Member, file: PlainFile | KeptStream) -> None:
        located = locate(member.name)
        if located is None:
            return
        top, path = located
        pid, name = split_pid(path)
        if path.startswith("/"):
            if member.is_file and is_wanted(None, path):
                self._keep(self._beside.setdefault(top, {}), None, path, member, file)
            else:
                self._leave(member, file)
        elif pid is not None and not name and member.is_directory:
            if not self._enter(top):
                return
            self.processes.setdefault(pid, {})
            if member.uid or member.mtime:
                self._own(self._directory_owners, pid, member)
        elif not (member.is_file and is_wanted(pid, name)):
            self._leave(member, file)
        elif self._enter(top):
            files = self._files if pid is None else self.processes.setdefault(pid, {})
            self._keep(files, pid, name, member, file)
            if pid is None and name == "meminfo":
                self.taken_at = member.mtime
                self._copier = member.uid or None
            elif pid is not None and member.size:
                self._own(self._file_owners, pid, member)

    def _leave(self, member: Member, file: PlainFile | KeptStream) -> None:
        """Keep what may be of use beside /proc, wherever that turns out to be: the last of a name, as tar has it."""
        role = role_by_name(member.name.rpartition("/")[2])
        if role is None or not member.is_file or not is_small_enough(role, member.size):
            return
        if role != LOG or self._with_logs:
            self._left[member.name.removeprefix("./")] = file.keep(member)

    def _own(self, owners: dict[int, Owner], pid: int, member: Member) -> None:
        if member.uid is not None:
            owner = Owner(member.uid, member.uname)
            owners.setdefault(pid, self._owners.setdefault(owner, owner))

    def _enter(self, top: str) -> bool:
        """Tell whether a tree is the one of the archive: one that is two folders down is so where no other is."""
        if self._top is None or (_is_far(self._top) and not _is_far(top)):
            self._forget()
            self._top = top
        elif self._top != top:
            if _is_far(top) and not _is_far(self._top):
                return False
            first, second = (excerpt(os.fsencode(each or ".")) for each in (self._top, top))
            raise ArchiveError(f"two /proc trees in it, below {first} and below {second}")
        return True

    def _forget(self) -> None:
        self.taken_at = self._copier = None
        for found in (self._files, self.processes, self._directory_owners, self._file_owners):
            found.clear()

    def _keep(
        self, files: dict[str, Stored], pid: int | None, name: str, member: Member, file: PlainFile | KeptStream
    ) -> None:
        where = f"{name[:80].lstrip('/') if pid is None else f'{pid}/{name}'} (member {member.number})"
        if name in files:
            raise ArchiveError(f"damaged archive: {where} comes twice")
        if member.size > (most_bytes(pid, name) or self._max_bytes):
            raise ArchiveError(f"{where} is too large: {member.size} bytes")
        files[sys.intern(name)] = file.keep(member)

    def has_files(self) -> bool:
        """Tell whether there is anything of /proc; a copy of /sys alone is no capture."""
        return any(stored.size for stored in self._proc_files())

    def why_nothing(self) -> str:
        """Say why an archive without files of /proc is without."""
        if any(True for _ in self._proc_files()):
            return ALL_EMPTY
        return "no process and no file of /proc in it"

    def _proc_files(self) -> Iterator[Stored]:
        for files in self.processes.values():
            yield from files.values()
        yield from self._files.values()

    def find(self, pid: int | None, name: str) -> Stored | None:
        """Find a process's file, or the machine's; None when it is not there."""
        files = self._machine_files(name) if pid is None else self.processes.get(pid, {})
        return files.get(name) or (self._left.get(f"{self._top or ''}{name}".lstrip("/")) if pid is None else None)

    def beside(self) -> list[str]:
        """Name what was left beside /proc, each with a leading ``/``."""
        top = f"{self._top}/" if self._top else ""
        paths = (name[len(top) :] for name in self._left if name.startswith(top))
        return sorted(f"/{path}" for path in paths if role_of(path) is not None)

    def names(self, path: str) -> list[str]:
        """List the machine's files in a directory; empty when there is none."""
        prefix = path if path in ("", "/") else f"{path.rstrip('/')}/"
        names = {name[len(prefix) :].partition("/")[0] for name in self._machine_files(path) if name.startswith(prefix)}
        return sorted(names - {""})

    def _machine_files(self, path: str) -> dict[str, Stored]:
        return self._beside.get(self._top or "", {}) if path.startswith("/") else self._files

    def owner(self, pid: int) -> Owner | None:
        """Tell who owned a process's directory, or else its files; None where all belong to whoever copied them.

        smemcap writes the owner to the header of the directory; busybox's leaves that header zeroed.
        """
        owner = self._directory_owners.get(pid) or self._file_owners.get(pid)
        return None if owner is not None and owner.uid == self._copier else owner

    def user_names(self) -> dict[int, str]:
        """Name the users that headers name."""
        owners = (*self._file_owners.values(), *self._directory_owners.values())
        return {owner.uid: owner.uname for owner in owners if owner.uname}


def _is_far(top: str) -> bool:
    return "/" in top

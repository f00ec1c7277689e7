"""What an archive has: which member is which file of which process, whose it is, and where its bytes are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from pymemtools.errors import ArchiveError, TruncatedArchive, excerpt
from pymemtools.sources.archive.member_names import PROCESS_FILES, is_wanted, locate, most_bytes, split_pid
from pymemtools.sources.archive.processes import Processes
from pymemtools.sources.archive.stored import Bytes, File, Stored, archive_file, chunks_of
from pymemtools.sources.archive.tar import DIRECTORY, REGULAR, Tar
from pymemtools.sources.base import ALL_EMPTY
from pymemtools.sources.folders import folders_of
from pymemtools.sources.left_behind import LOG, is_small_enough, role_by_name, role_of
from pymemtools.sources.manifest import MARKER
from pymemtools.units import exact_size

_SMEMCAPS_FILES = frozenset(("smaps", "cmdline", "stat"))  # of each process
# What is kept by its name, or by its PID, takes 200 bytes and more; any other member 21, or none.
_MAX_NAMES = 200_000
_MAX_PROCESSES = 1 << 18


class Index:
    """The wanted members of one archive, processes in their order in it."""

    def __init__(self, max_bytes: int, *, with_logs: bool = False) -> None:
        self._max_bytes = max_bytes
        self._with_logs = with_logs
        self._left: dict[str, Stored] = {}  # by whole name: what may have been left beside /proc
        self._bytes: Bytes | None = None
        self._top: str | None = None  # the folder that /proc is in
        self._folder: str | None = None  # the folder of the process whose members come now
        self._files: dict[str, Stored] = {}  # of /proc
        self._beside: dict[str, dict[str, Stored]] = {}  # by top folder: what is beside a /proc that may be there
        self._names = 0  # kept in these three
        self._unpacked = 0  # bytes of sparse files, the holes counted
        self._names_by_directories: dict[int, str] = {}  # of users
        self._names_by_files: dict[int, str] = {}
        self._folders: dict[str, set[str]] | None = None  # what is in each, once somebody asks
        self.processes = Processes()
        self.taken_at: int | None = None  # seconds since 1970
        self._copier: int | None = None  # who made a copy of /proc his own, before it was packed: meminfo is root's

    def fill(self, fd: int) -> None:
        """Read the archive once. Raises ArchiveError; what was complete before that is kept."""
        name = None
        is_ours = False
        try:
            file = archive_file(fd, self._max_bytes)
            self._bytes = file.kept
            tar = Tar(file, MARKER)
            for name, kind, size in tar:
                is_ours = is_ours or name == MARKER
                folder, _, last = name.rpartition("/")
                if folder == self._folder and last in PROCESS_FILES:  # as of most members
                    if kind in REGULAR:
                        self._keep_process_file(last, size, tar, file)
                else:
                    self._add(name, kind, size, tar, file)
        except OSError as error:
            raise ArchiveError(os.strerror(error.errno or 0)) from None
        if is_ours and name is not None and name != "manifest.json":
            raise TruncatedArchive("truncated archive: no manifest at its end")
        # smemcap's archives have no end mark, but the same files of each process.
        if not (tar.has_end or self.processes.is_last_whole(_SMEMCAPS_FILES)):
            raise TruncatedArchive(f"truncated archive: in process {list(self.processes)[-1]}")

    def _add(self, name: str, kind: bytes, size: int, tar: Tar, file: File) -> None:
        located = locate(name)
        if located is None:
            return
        top, path = located
        pid, path = split_pid(path)
        is_file = kind in REGULAR
        if path.startswith("/"):
            if is_file and is_wanted(None, path):
                self._keep(self._beside.setdefault(top, {}), path, size, tar, file)
            else:
                self._leave(name, kind, size, tar, file)
        elif pid is not None and not path and kind == DIRECTORY:
            if self._enter(top):
                self._enter_process(pid, name.rstrip("/"))
                if tar.uid or tar.mtime:
                    self._own(tar, of_directory=True)
        elif not (is_file and is_wanted(pid, path)):
            self._leave(name, kind, size, tar, file)
        elif self._enter(top):
            if pid is not None:
                self._enter_process(pid, name.rpartition("/")[0])
                self._keep_process_file(path, size, tar, file)
                return
            self._keep(self._files, path, size, tar, file)
            if path == "meminfo":
                self.taken_at = tar.mtime
                self._copier = tar.uid or None

    def _leave(self, name: str, kind: bytes, size: int, tar: Tar, file: File) -> None:
        """Keep what may be of use beside /proc, wherever that turns out to be: the last of a name, as tar has it."""
        role = role_by_name(name.rpartition("/")[2])
        if role is None or kind not in REGULAR or not is_small_enough(role, size):
            return
        if role != LOG or self._with_logs:
            self._count_name()
            self._left[name.removeprefix("./")] = Stored(size, self._place(size, tar, file), tar.sparse)

    def _enter_process(self, pid: int, folder: str) -> None:
        self.processes.enter(pid)
        if len(self.processes) > _MAX_PROCESSES:
            raise ArchiveError(f"archive with more than {_MAX_PROCESSES} processes")
        self._folder = folder

    def _own(self, tar: Tar, *, of_directory: bool) -> None:
        """Note who owns the directory of a process, or its files, unless that was told before."""
        uid = tar.uid
        if uid is not None and self.processes.own(uid, of_directory=of_directory) and (uname := tar.uname):
            (self._names_by_directories if of_directory else self._names_by_files)[uid] = uname

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
        self._folder = None
        self.processes = Processes()
        for found in (self._files, self._names_by_directories, self._names_by_files):
            found.clear()

    def _keep_process_file(self, name: str, size: int, tar: Tar, file: File) -> None:
        """Keep a file of the process that was entered last."""
        processes = self.processes
        if processes.has(name) or size > (PROCESS_FILES[name] or self._max_bytes):
            raise self._refusal(f"{processes.pid}/{name}", size, tar, is_twice=processes.has(name))
        place = file.keep(size, tar.number) if tar.sparse is None else self._place(size, tar, file)
        processes.add(name, size, place, tar.sparse)
        if size and processes.lacks_file_owner:
            self._own(tar, of_directory=False)

    def _keep(self, files: dict[str, Stored], path: str, size: int, tar: Tar, file: File) -> None:
        if path in files or size > most_bytes(path):
            raise self._refusal(path[:80].lstrip("/"), size, tar, is_twice=path in files)
        self._count_name()
        files[sys.intern(path)] = Stored(size, self._place(size, tar, file), tar.sparse)

    def _count_name(self) -> None:
        self._names += 1
        if self._names > _MAX_NAMES:
            raise ArchiveError(f"archive with more than {_MAX_NAMES} files that are no process's")

    def _refusal(self, where: str, size: int, tar: Tar, *, is_twice: bool) -> ArchiveError:
        if is_twice:
            return ArchiveError(f"damaged archive: {where} (member {tar.number}) comes twice")
        return ArchiveError(f"{where} (member {tar.number}) is too large: {size} bytes")

    def _place(self, size: int, tar: Tar, file: File) -> int:
        """Keep a member's bytes, of which a sparse file has less than its size; give their place."""
        if tar.sparse is not None:
            self._unpacked += size
            if self._unpacked > self._max_bytes:
                raise ArchiveError(f"unpacks to more than {exact_size(self._max_bytes)} (see --max-size)")
            size = tar.sparse.held
        return file.keep(size, tar.number)

    def has_files(self) -> bool:
        """Tell whether there is anything of /proc; a copy of /sys alone is no capture."""
        return self.processes.have_bytes() or any(stored.size for stored in self._files.values())

    def why_nothing(self) -> str:
        """Say why an archive without files of /proc is without."""
        return ALL_EMPTY if self._files or self.processes.have_files() else "no process and no file of /proc in it"

    def find(self, pid: int | None, name: str) -> Stored | None:
        """Find a process's file, or the machine's; None when it is not there."""
        if pid is not None:
            return self.processes.find(pid, name)
        return self._machine_files(name).get(name) or self._left.get(f"{self._top or ''}{name}".lstrip("/"))

    def beside(self) -> list[str]:
        """Name what was left beside /proc, each with a leading ``/``."""
        top = f"{self._top}/" if self._top else ""
        paths = (name[len(top) :] for name in self._left if name.startswith(top))
        return sorted(f"/{path}" for path in paths if role_of(path) is not None)

    def chunks(self, stored: Stored, where: str) -> Iterator[bytes]:
        """Give a file piece by piece. Raises ArchiveError for an archive that changed or cannot be read any more."""
        assert self._bytes is not None  # noqa: S101 (there is something stored)
        return chunks_of(stored, self._bytes, where)

    def names(self, path: str) -> list[str]:
        """List the machine's files in a directory; empty when there is none."""
        if self._folders is None:
            self._folders = folders_of([*self._files, *self._beside.get(self._top or "", {})])
        return sorted(self._folders.get(path if path in ("", "/") else path.rstrip("/"), ()))

    def _machine_files(self, path: str) -> dict[str, Stored]:
        return self._beside.get(self._top or "", {}) if path.startswith("/") else self._files

    def owner(self, pid: int) -> int | None:
        """Tell who owned a process's directory, or else its files; None where all belong to whoever copied them.

        smemcap writes the owner to the header of the directory; busybox's leaves that header zeroed.
        """
        uid = self.processes.owner(pid)
        return None if uid == self._copier else uid

    def user_names(self) -> dict[int, str]:
        """Name the users that headers name."""
        return self._names_by_files | self._names_by_directories


def _is_far(top: str) -> bool:
    return "/" in top

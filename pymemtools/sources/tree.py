"""A /proc tree in the file system: the live one, or a copy in a directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pymemtools.errors import Denied, MemtoolsError, Missing, NoSuchProcess
from pymemtools.sources.base import Facts, kernel_release, parse_passwd, parse_pid, utc
from pymemtools.sources.files import Buffer, Directory, open_directory, refuse

if TYPE_CHECKING:
    from pymemtools.sources.left_behind import Listing
    from pymemtools.sources.manifest import Manifest


def live(proc: str = "/proc", root: str = "/") -> Tree:
    """Open the machine we run on."""
    return Tree(open_directory(proc, follows=True), open_directory(root, follows=True), is_live=True, is_here=True)


class Tree:
    """A /proc tree in the directory ``proc``; the machine's other files are below the directory ``root``.

    ``is_here`` says that its users are those of this machine.
    """

    def __init__(
        self, proc: Directory, root: Directory, path: str | None = None, *, is_live: bool, is_here: bool
    ) -> None:
        self.is_live = is_live
        self._is_here = is_here
        self._path = path
        self._proc = proc
        self._root = root
        self._facts: Facts | None = None
        self._beside: list[str] | None = None
        self._listing: Listing | None = None
        self._users: dict[int, str | None] = {}
        self._passwd: dict[int, str] | None = None
        self._copiers_uid: int | None = None
        self._buffers: list[Buffer] = []  # to be used again

    @property
    def facts(self) -> Facts:
        """Tell what is known of the machine studied."""
        if self._facts is None:
            try:
                kernel = kernel_release(self.read("version"))
            except MemtoolsError:
                kernel = None
            if self.is_live:
                self._facts = Facts("live", self._path, kernel, os.sysconf("SC_PAGE_SIZE"), None)
            else:
                from pymemtools.sources.left_behind import kernel_of, taken_at_of
                from pymemtools.sources.page_size import page_size_of

                said = self.manifest
                page_size, taken_at = (None, None) if said is None else (said.page_size, said.taken_at)
                self._facts = Facts(
                    "directory",
                    self._path,
                    kernel or kernel_of(self),
                    page_size or page_size_of(self),
                    utc(taken_at or taken_at_of(self)),
                )
        return self._facts

    @property
    def manifest(self) -> Manifest | None:
        """Give what a capture that was unpacked here says of itself, or a live machine of its name and kind.

        Raises ArchiveError for what is no manifest.
        """
        from pymemtools.sources.manifest import Manifest, parse_manifest

        if self.is_live:
            ours = os.uname()
            return Manifest(None, None, {}, ours.machine, ours.nodename, None, [])
        try:
            return parse_manifest(self._root.read("manifest.json"), self._path or "/")
        except Missing:
            return None

    def read(self, path: str) -> bytes:
        """Read a file below /proc or, with a leading ``/``, of the machine. Raises Missing or Denied."""
        return self._root.read(path[1:]) if path.startswith("/") else self._proc.read(path)

    def names(self, path: str) -> list[str]:
        """List a directory; empty when there is none."""
        return self._root.names(path[1:]) if path.startswith("/") else self._proc.names(path)

    def beside(self) -> list[str]:
        """Name the files that the taker of a copy left beside its /proc; none of a live machine."""
        if self._beside is None:
            from pymemtools.sources.left_behind import find_beside

            self._beside = [] if self.is_live else find_beside(self._root)
        return self._beside

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        """Read one of them piece by piece. Raises Missing or Denied."""
        return self._root.chunks(path[1:], self._buffers)

    @property
    def commands_from(self) -> str | None:
        """Name the listing of ps that has told commands."""
        return None if self._listing is None else self._listing.told_by

    def listed(self, pid: int) -> bytes | None:
        """Give the command that ps listed, for a process without a cmdline."""
        if self._listing is None:
            from pymemtools.sources.left_behind import listing_of

            self._listing = listing_of(self)
        return self._listing.command(pid)

    def pids(self) -> list[int]:
        """List the processes in ascending order. Raises MemtoolsError: no list is not an empty list."""
        try:
            names = os.listdir(self._proc.fd)
        except OSError as error:
            refuse(error, self._path or "/proc")
        pids = sorted(pid for pid in map(parse_pid, names) if pid is not None)
        if self.is_live and not pids:
            raise Missing(f"{self._path or '/proc'}: no process in it, not even this one: is it mounted?")
        return pids

    def process(self, pid: int) -> TreeProcess:
        """Open one process; everything is then read through one directory descriptor, so PID reuse cannot mix two.

        Raises NoSuchProcess or Denied.
        """
        try:
            opened = self._proc.directory(str(pid), known_as=str(pid))
        except Missing:
            raise NoSuchProcess(pid) from None
        if self.is_live:
            return TreeProcess(pid, opened, self._buffers)
        return TreeProcess(pid, opened, self._buffers, self._copier(), self.listed)

    def _copier(self) -> int | None:
        """Tell who made a copy his own: in /proc meminfo is root's. None when root has it, or nobody knows."""
        if self._copiers_uid is None:
            try:
                self._copiers_uid = os.stat("meminfo", dir_fd=self._proc.fd, follow_symlinks=False).st_uid
            except OSError:
                self._copiers_uid = 0
        return self._copiers_uid or None

    def user_name(self, uid: int) -> str | None:
        """Name a user of the machine studied: by the name service when it is this one, else by its etc/passwd."""
        if uid not in self._users:
            self._users[uid] = self._look_up(uid)
        return self._users[uid]

    def _look_up(self, uid: int) -> str | None:
        if self._is_here:
            import pwd

            try:
                return pwd.getpwuid(uid).pw_name
            except (KeyError, OverflowError):
                return None
        if self._passwd is None:
            try:
                self._passwd = parse_passwd(self.read("/etc/passwd"))
            except MemtoolsError:
                self._passwd = {}
            manifest = self.manifest
            self._passwd |= {} if manifest is None else manifest.users
        return self._passwd.get(uid)


class TreeProcess:
    """One /proc/PID directory, held by its descriptor until the block ends."""

    def __init__(
        self,
        pid: int,
        directory: Directory,
        buffers: list[Buffer],
        copier: int | None = None,
        listed: Callable[[int], bytes | None] = lambda pid: None,
    ) -> None:
        self.pid = pid
        self._copier = copier
        self._listed = listed
        self._directory = directory
        self._buffers = buffers

    def __enter__(self) -> TreeProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self._directory.close()

    def read(self, name: str) -> bytes:
        """Read a small file whole; for a cmdline that is missing, what ps listed. Raises Missing or Denied."""
        try:
            return self._directory.read(name)
        except (Missing, Denied):
            command = self._listed(self.pid) if name == "cmdline" else None
            if command is None:
                raise
            return command

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read a file piece by piece. Raises Missing, Denied, or in a copy ParseError for a line no kernel writes."""
        chunks = self._directory.chunks(name, self._buffers)
        if self._directory.follows:
            from pymemtools.sources.ahead import read_ahead

            return read_ahead(chunks)
        if name == "cmdline":
            return chunks
        from pymemtools.sources.long_lines import without_long_lines

        return without_long_lines(chunks, f"{self.pid}/{name}")

    def uid(self) -> int | None:
        """Tell the owner: the live directory's, or what a copied status says, or else the copy's, if it kept owners."""
        if not self._directory.follows:
            from pymemtools.sources.status import effective_uid

            try:
                uid = effective_uid(self.read("status"))
            except MemtoolsError:
                uid = None
            if uid is not None:
                return uid
        owner = os.fstat(self._directory.fd).st_uid
        return None if owner == self._copier else owner

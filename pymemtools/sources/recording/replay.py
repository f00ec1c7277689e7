"""The machine as it was at one moment of a recording: a source like any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing, NoSuchProcess, NotRecorded
from pymemtools.sources.base import Facts, kernel_release, parse_pid, utc
from pymemtools.sources.folders import folders_of
from pymemtools.sources.manifest import Manifest
from pymemtools.sources.recording.bundle import REFUSED
from pymemtools.sources.recording.moment import Moment
from pymemtools.sources.status import effective_uid

if TYPE_CHECKING:
    from pymemtools.sources.recording.recording import Recording

_MAPS = frozenset(("smaps", "maps"))
_ROLLUP_REFUSED = f"smaps_rollup{REFUSED}"  # for the same reason as maps would have been


class AtMoment(NamedTuple):
    """What a recording has of a machine at one moment: by path, PID or group, where its text is."""

    files: dict[str, int]
    groups: dict[str, int]
    processes: dict[int, int]


class Replay:
    """A moment of a recording."""

    is_live = False
    commands_from = None  # no listing of ps

    def __init__(self, recording: Recording, moment: Moment, held: AtMoment) -> None:
        self.moment = moment
        self.recording = recording
        self._held = held
        self._facts: Facts | None = None
        self._folders: dict[str, set[str]] | None = None
        self._last: tuple[int, dict[str, bytes]] = (0, {})  # the folder that was read last

    @property
    def facts(self) -> Facts:
        """Tell what is known of the machine studied."""
        if self._facts is None:
            try:
                kernel = kernel_release(self.read("version"))
            except MemtoolsError:
                kernel = None
            about, taken_at = self.recording.about, utc(int(self.moment.taken_at))
            self._facts = Facts("recording", self.recording.path, kernel, about.page_size, taken_at)
        return self._facts

    @property
    def manifest(self) -> Manifest:
        """Give what the recording says of itself."""
        about = self.recording.about
        taken_at = int(self.moment.taken_at)
        return Manifest(about.page_size, taken_at, self.recording.users, about.machine, about.host, about.tool, [])

    def read(self, path: str) -> bytes:
        """Read a file below /proc or, with a leading ``/``, of the machine. Raises Missing, Denied or ArchiveError."""
        first, _, name = path.partition("/")
        pid = parse_pid(first)
        if pid is not None:
            return self.read_of(pid, name)
        if path in self._held.files:
            return self.recording.text(self._held.files[path])
        folder, _, name = path.rpartition("/")
        if folder in self._held.groups:
            return self._file(self._held.groups[folder], name, path)
        raise Missing(f"{path}: not in {self.recording.path}")

    def read_of(self, pid: int, name: str) -> bytes:
        """Read a process's file. Raises NoSuchProcess, Missing, Denied or ArchiveError."""
        if pid not in self._held.processes:
            raise NoSuchProcess(pid)
        return self._file(self._held.processes[pid], name, f"{pid}/{name}")

    def _file(self, text: int, name: str, where: str) -> bytes:
        files = self._files(text)
        if name in files:
            return files[name]
        refused = files.get(f"{name}{REFUSED}", files.get(_ROLLUP_REFUSED) if name in _MAPS else None)
        if refused is not None:
            raise Denied(f"{where}: {refused.decode('utf-8', 'replace')}, when it was recorded")
        if name in _MAPS:
            raise NotRecorded(where)
        raise Missing(f"{where}: not in {self.recording.path}")

    def _files(self, text: int) -> dict[str, bytes]:
        if self._last[0] != text:
            self._last = text, self.recording.files(text)
        return self._last[1]

    def names(self, path: str) -> list[str]:
        """List a directory; empty when there is none."""
        if self._folders is None:
            self._folders = folders_of([*self._held.files, *self._held.groups])
        path = path if path in ("", "/") else path.rstrip("/")
        group = self._held.groups.get(path)
        files = () if group is None else (name for name in self._files(group) if not name.endswith(REFUSED))
        return sorted(self._folders.get(path, set()).union(files))

    def beside(self) -> list[str]:
        """Name what was left beside /proc: nothing."""
        return []

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        """Read such a file. Raises Missing."""
        raise Missing(f"{path}: not in {self.recording.path}")

    def pids(self) -> list[int]:
        """List the processes in ascending order."""
        return sorted(self._held.processes)

    @contextmanager
    def process(self, pid: int) -> Iterator[ReplayedProcess]:
        """Open one process. Raises NoSuchProcess."""
        if pid not in self._held.processes:
            raise NoSuchProcess(pid)
        yield ReplayedProcess(self, pid)

    def user_name(self, uid: int) -> str | None:
        """Name a user of the machine recorded, or None when it was not told."""
        return self.recording.users.get(uid)


class ReplayedProcess:
    """The files of one process at that moment."""

    def __init__(self, replay: Replay, pid: int) -> None:
        self._replay = replay
        self.pid = pid

    def read(self, name: str) -> bytes:
        """Read a file whole. Raises Missing or Denied."""
        return self._replay.read_of(self.pid, name)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read a file in one piece. Raises Missing or Denied."""
        text = self.read(name)
        if name not in _MAPS:
            return iter((text,))
        from pymemtools.sources.long_lines import without_long_lines

        return without_long_lines(iter((text,)), f"{self.pid}/{name}")

    def uid(self) -> int | None:
        """Tell the owner by its status; None where that is missing."""
        try:
            return effective_uid(self.read("status"))
        except MemtoolsError:
            return None

"""Read a live machine, member by member."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools import __version__
from pymemtools.capture.body import Body, keep
from pymemtools.capture.contents import LEFT_OUT_BY_VEIL, PROCESS_FILES, cgroup_paths, member_name, system_paths
from pymemtools.capture.tar_writer import Member
from pymemtools.capture.veil import Veil
from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.procfs.stat import Stat
from pymemtools.readings.cgroup_path import UNIFIED
from pymemtools.readings.process import ALIVE, life_of
from pymemtools.readings.steady import read_steadily
from pymemtools.readings.tmpfs import TMPFS, tmpfs_text
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.sources.manifest import FORMAT, MARKER

_COMPAT_FILES = ("smaps", "cmdline", "stat")
_NOTHING = keep([])


class Captured(NamedTuple):
    """One process's files, and whose it is."""

    uid: int
    cgroups: bytes  # the text of its cgroup, as it is
    files: dict[str, Body]
    refused: dict[str, str]  # by file, why
    has_memory: bool  # which kernel threads and the dead have not


class Taking:
    """A capture in the making; iterate over members() once, then ask what could not be read.

    ``more`` are files of processes that are taken on request.
    """

    def __init__(self, source: Source, now: int, veil: Veil | None = None, more: Sequence[str] = ()) -> None:
        self._source = source
        self._now = now
        self._veil = veil
        self._process_files = (*PROCESS_FILES, *more)
        self._refused: dict[tuple[str, str], list[int]] = {}  # pids by file and reason
        self._users: dict[int, str] = {}
        self.processes = 0  # with memory
        self.gone: list[int] = []  # those that ended before they could be read
        self.unreadable = 0
        self.reason = ""  # why the first unreadable one was

    def members(self, pids: Iterable[int], others: Mapping[str, bytes] = {}) -> Iterator[Member]:
        """Read everything, the manifest last: without it an archive is known to be cut.

        ``others`` are texts by the path that they are read by: those that are taken on request.
        """
        yield self._small(MARKER, b"%d\n" % FORMAT)
        for path in system_paths(self._source):
            yield from self._system(path)
        fill = None if self._veil is not None and TMPFS in LEFT_OUT_BY_VEIL else tmpfs_text(self._source)
        for path, text in (*([(TMPFS, fill)] if fill else ()), *others.items()):
            yield self._small(member_name(path), text)
        cgroups = set()
        for pid in pids:
            captured = self._process(pid, self._process_files)
            if captured is None:
                continue
            cgroups.add(captured.cgroups)
            for name, body in captured.files.items():
                yield Member(member_name(f"{pid}/{name}"), body, captured.uid, self._now)
        for path in cgroup_paths(self._source, cgroups):
            yield from self._system(path, is_optional=True)
        yield self._small("manifest.json", self._manifest())

    def compatible_members(self, pids: Iterable[int]) -> Iterator[Member]:
        """Read what smemcap reads, under the names it gives."""
        for path in ("meminfo", "version"):
            yield self._small(path, self._source.read(path))
        for pid in pids:
            captured = self._process(pid, _COMPAT_FILES)
            if captured is None:
                continue
            yield Member(str(pid), _NOTHING, captured.uid, self._now, is_directory=True)
            for name in _COMPAT_FILES:
                yield Member(f"{pid}/{name}", captured.files.get(name, _NOTHING), captured.uid, self._now)

    def _small(self, name: str, data: bytes) -> Member:
        return Member(name, keep([data]), mtime=self._now)

    def _system(self, path: str, *, is_optional: bool = False) -> Iterator[Member]:
        if self._veil is not None and path in LEFT_OUT_BY_VEIL:
            return
        try:
            data = self._source.read(path)
        except Missing:
            return
        except MemtoolsError as error:
            if not is_optional:
                self._refused.setdefault((path, _reason(error)), [])
            return
        if self._veil is not None:
            data = self._veil.machine_file(path, data)
            if path.startswith("/sys/fs/cgroup/"):
                path = self._veiled_group(path, self._veil)
        yield self._small(member_name(path), data)

    @staticmethod
    def _veiled_group(path: str, veil: Veil) -> str:
        folder, _, file = path.rpartition("/")
        mounts = ("/sys/fs/cgroup/memory", UNIFIED, "/sys/fs/cgroup")
        mount = next(mount for mount in mounts if f"{folder}/".startswith(f"{mount}/"))
        return f"{mount}{veil.group(folder[len(mount) :])}/{file}"

    def _process(self, pid: int, names: tuple[str, ...]) -> Captured | None:
        """Read one process whole; None when it is gone."""

        def read(files: ProcessFiles, stat: Stat | None) -> Captured:
            cgroups = b""
            found: dict[str, Body] = {}
            refused: dict[str, str] = {}
            for name in names:
                try:
                    chunks: Iterable[bytes] = files.chunks(name)
                    if name == "cgroup":
                        chunks = [cgroups := b"".join(chunks)]
                    found[name] = keep(chunks if self._veil is None else self._veil.pieces(name, chunks))
                except Missing:
                    continue  # this kernel has no such file, or the process is gone: the second look at stat tells
                except MemtoolsError as error:
                    refused[name] = _reason(error)
            has_memory = life_of(stat) == ALIVE
            return Captured(files.uid() or 0, cgroups, found, refused, has_memory)

        try:
            captured = read_steadily(self._source, pid, read)
        except Missing:
            self.gone.append(pid)
            return None
        except Denied as error:
            captured = Captured(0, b"", {}, {"": _reason(error)}, has_memory=True)
        self.processes += captured.has_memory
        reason = captured.refused.get("") or captured.refused.get("smaps")
        if reason and captured.has_memory:
            self.unreadable += 1
            self.reason = self.reason or reason
        for name, reason in captured.refused.items():
            self._refused.setdefault((name, reason), []).append(pid)
        user = self._source.user_name(captured.uid)
        if user is not None:
            self._users[captured.uid] = user if self._veil is None else self._veil.user(user)
        return captured

    def _manifest(self) -> bytes:
        facts = self._source.facts
        document = {
            "format": FORMAT,
            "tool": f"pymemtools {__version__}",
            "machine": platform.machine(),
            "kernel": facts.kernel,
            "page_size": facts.page_size,
            "taken_at": self._now,
            "users": {str(uid): name for uid, name in sorted(self._users.items())},
            "unreadable": [
                {"file": file, "reason": reason, "pids": pids} for (file, reason), pids in self._refused.items()
            ],
        }
        if self._veil is None:
            document["host"] = platform.node()
        else:
            document["host"] = f"h-{self._veil.hash(platform.node().encode())}"
            document["anonymized"] = True
        return json.dumps(document, indent=1).encode() + b"\n"


def _reason(error: MemtoolsError) -> str:
    return str(error).rpartition(": ")[2]

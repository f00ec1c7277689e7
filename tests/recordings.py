"""Recordings made in no time, of machines that are a few files in memory.

Either a test changes a Board between two samples, or it tells of each process how much it has at each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from trees import Proc, stat

from pymemtools.capture.recording import Tick, Writer
from pymemtools.capture.retention import EVERYTHING, Keep
from pymemtools.errors import Denied, Missing, NoSuchProcess
from pymemtools.sources.base import Facts

START, EVERY_S = 1_795_000_000, 10  # 2026-11-18T11:06:40Z
ROLLUP = "00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\nRss: {0} kB\nPss: {0} kB\nPrivate_Dirty: {0} kB\n"
Files = Mapping[str, bytes | None]  # None: it may not be read


def process_files(pid: int, kib: int, name: str = "a", start: int = 1000) -> dict[str, bytes]:
    """Give the files of a process that uses so many KiB, all its own, and touched all of them once."""
    words = [1, pid, pid, 0, -1, 4194304, kib // 4, *[0] * 7, 20, 0, 1, 0, start, 1 << 24, kib // 4, 0, 1, 1, 1]
    return {
        "stat": f"{pid} ({name}) S {' '.join(map(str, [*words, *[0] * 24]))}\n".encode(),
        "status": f"Name:\t{name}\nUid:\t1000\t1000\t1000\t1000\nVmRSS:\t{kib:8} kB\n".encode(),
        "cmdline": f"/bin/{name}\0--pid={pid}\0".encode(),
        "cgroup": b"0::/a.slice\n",
        "oom_score": b"666\n",
        "oom_score_adj": b"0\n",
        "statm": b"4096 %d 0 0 0 0 0\n" % (kib // 4),
        "smaps_rollup": ROLLUP.format(kib).encode(),
    }


class Board:
    """A source: ``files`` by path, ``processes`` by PID, both to be changed between two samples."""

    is_live = True
    facts = Facts("live", None, "6.12.0", 4096, None)
    manifest = None
    commands_from = None

    def __init__(self, files: Files | None = None, processes: Mapping[int, Files] | None = None) -> None:
        version, meminfo = b"Linux version 6.12.0 #1\n", b"MemTotal: 1000000 kB\nMemFree: 500000 kB\n"
        self.files: dict[str, bytes | None] = {"meminfo": meminfo, "version": version, **(files or {})}
        self.processes: dict[int, Files] = dict(processes or {})
        self.read_of: list[str] = []  # what was read of processes

    def read(self, path: str) -> bytes:
        return _read(self.files, path, path)

    def names(self, path: str) -> list[str]:
        below = (name[len(path) + 1 :] for name in self.files if name.startswith(f"{path}/"))
        return sorted({name.partition("/")[0] for name in below})

    def pids(self) -> list[int]:
        return sorted(self.processes)

    @contextmanager
    def process(self, pid: int) -> Iterator[_Process]:
        if pid not in self.processes:
            raise NoSuchProcess(pid)
        yield _Process(self, pid)

    def user_name(self, uid: int) -> str | None:
        return {0: "root", 1000: "ada"}.get(uid)

    def beside(self) -> list[str]:
        return []

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        raise Missing(path)


class _Process:
    def __init__(self, board: Board, pid: int) -> None:
        self.pid = pid
        self._board = board

    def read(self, name: str) -> bytes:
        self._board.read_of.append(f"{self.pid}/{name}")
        return _read(self._board.processes[self.pid], name, f"{self.pid}/{name}")

    def chunks(self, name: str) -> Iterator[bytes]:
        return iter((self.read(name),))

    def uid(self) -> int | None:
        status = self._board.processes[self.pid].get("status") or b"\nUid:\t1000"
        return int(status.partition(b"\nUid:")[2].split()[0])


def _read(files: Files, name: str, shown: str) -> bytes:
    if name not in files:
        raise Missing(shown)
    text = files[name]
    if text is None:
        raise Denied(f"{shown}: Permission denied")
    return text


def tick(number: int, offset: int = 0) -> Tick:
    """Give the clocks at a sample."""
    return Tick(START + EVERY_S * number, 100 + EVERY_S * number, offset)


def recorded(
    path: Path,
    samples: int,
    change: Callable[[Board, int], None] = lambda board, number: None,
    *,
    board: Board | None = None,
    keep: Keep = EVERYTHING,
    full_every: int = 30,
    offset: int = 0,
) -> str:
    """Record so many samples, changing the board before each; give the path."""
    board = board or Board(processes={7: process_files(7, 400), 8: process_files(8, 800, "b")})
    with Writer(str(path), {"page_size": 4096, "every_s": EVERY_S}, keep=keep, full_every=full_every) as writer:
        for number in range(writer.number + 1, writer.number + 1 + samples):
            change(board, number)
            writer.sample(board, tick(number, offset))
    return str(path)


class Told(NamedTuple):
    """A process; ``size`` gives KiB for the number of a sample, None where it is not there."""

    pid: int
    command: str
    size: Callable[[int], int | None]
    group: str = "/"
    uid: int = 0
    start: int = 1000  # ticks after boot
    is_refused: bool = False
    is_thread: bool = False  # of the kernel


class Sample(NamedTuple):
    """When a sample was taken, and what the files of the machine said."""

    at_s: float  # since the first
    files: Mapping[str, bytes]
    boot: str = "first"
    set_s: float = 0  # by which the clock on the wall was set since


def meminfo(available: int, **more: int) -> bytes:
    """Write a meminfo, in KiB."""
    figures = {"MemTotal": 8 << 20, "MemFree": available, "MemAvailable": available, **more}
    return "".join(f"{key}: {kib} kB\n" for key, kib in figures.items()).encode()


def record(path: str, told: Sequence[Told], samples: Sequence[Sample]) -> str:
    """Record these samples, the first of which has the number 1."""
    board = Board()
    with Writer(path, {"page_size": 4096, "every_s": EVERY_S, "host": "made-up"}) as writer:
        for number, sample in enumerate(samples, 1):
            boot_id = {"sys/kernel/random/boot_id": sample.boot.encode()}
            board.files = {"version": b"Linux version 6.12.0 (x) #1\n", **boot_id, **sample.files}
            sizes = [(each, each.size(number)) for each in told]
            board.processes = {each.pid: _told_files(each, kib) for each, kib in sizes if kib is not None}
            writer.sample(board, Tick(START + sample.at_s + sample.set_s, 1000 + sample.at_s, 3600))
    return path


def _told_files(told: Told, kib: int) -> Files:
    line = stat(Proc(told.pid, told.command, start=told.start)).rpartition(")")
    words = line[2].split()
    words[7] = str(kib)  # minflt: that it moved
    files: dict[str, bytes | None] = {
        "stat": f"{line[0]}) {' '.join(words)}\n".encode(),
        "status": f"Name:\tx\nUid:\t{told.uid}\t{told.uid}\t{told.uid}\t{told.uid}\nVmRSS:\t{kib} kB\n".encode(),
        "cmdline": b"" if told.is_thread else told.command.replace(" ", "\0").encode() + b"\0",
        "cgroup": f"0::{told.group}\n".encode(),
    }
    if not told.is_thread:
        rollup = f"0-1 ---p 00000000 00:00 0 [rollup]\nRss: {kib} kB\nPss: {kib} kB\n"
        files["smaps_rollup"] = None if told.is_refused else rollup.encode()
    return files


def every_ten_seconds(count: int, files: Callable[[int], Mapping[str, bytes]]) -> list[Sample]:
    """Give so many samples, each 10 s after the one before."""
    return [Sample(EVERY_S * number, files(number)) for number in range(count)]

"""Recordings made in no time, of a machine that is a few files in memory and tells the sample in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pymemtools.capture.recording import Tick, Writer
from pymemtools.capture.retention import EVERYTHING, Keep
from pymemtools.errors import Missing, NoSuchProcess
from pymemtools.sources.base import Facts

START, EVERY = 1_795_000_000.0, 10.0  # 2026-11-18T11:06:40Z
ROLLUP = "00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\nRss: {0} kB\nPss: {0} kB\nPrivate_Dirty: {0} kB\n"
Files = Mapping[str, bytes]


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
        self.files = {"meminfo": b"MemTotal: 1000000 kB\nMemFree: 500000 kB\n", "version": b"Linux version 6.12.0 #1\n"}
        self.files.update(files or {})
        self.processes: dict[int, Files] = dict(processes or {})
        self.read_of: list[str] = []  # what was read of processes

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise Missing(path)
        return self.files[path]

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
        return {1000: "ada"}.get(uid)

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
        if name not in self._board.processes[self.pid]:
            raise Missing(f"{self.pid}/{name}")
        return self._board.processes[self.pid][name]

    def chunks(self, name: str) -> Iterator[bytes]:
        return iter((self.read(name),))

    def uid(self) -> int | None:
        return 1000


def tick(number: int, offset: int = 0) -> Tick:
    """Give the clocks at a sample."""
    return Tick(START + EVERY * number, 100 + EVERY * number, offset)


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
    with Writer(str(path), {"page_size": 4096, "every_s": EVERY}, keep=keep, full_every=full_every) as writer:
        for number in range(writer.number + 1, writer.number + 1 + samples):
            change(board, number)
            writer.sample(board, tick(number, offset))
    return str(path)

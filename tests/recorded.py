"""Recordings of machines made up for a test: each process by how much it has at each sample, in KiB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from trees import Proc, stat

from pymemtools.capture.recording import Tick, Writer
from pymemtools.errors import Denied, Missing
from pymemtools.sources.base import Facts

START = 1_795_000_000  # 2026-11-18 11:06:40 UTC
EVERY_S = 10


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


class _Files:
    def __init__(self, told: Told, kib: int) -> None:
        self.pid, self._uid, self._is_refused = told.pid, told.uid, told.is_refused
        line = stat(Proc(told.pid, told.command, start=told.start)).rpartition(")")
        words = line[2].split()
        words[7] = str(kib)  # minflt: that it moved
        self._files = {
            "stat": f"{line[0]}) {' '.join(words)}\n".encode(),
            "status": f"Name:\tx\nUid:\t{told.uid}\t{told.uid}\t{told.uid}\t{told.uid}\nVmRSS:\t{kib} kB\n".encode(),
            "cmdline": b"" if told.is_thread else told.command.replace(" ", "\0").encode() + b"\0",
            "cgroup": f"0::{told.group}\n".encode(),
        }
        if not told.is_thread:
            rollup = f"0-1 ---p 00000000 00:00 0 [rollup]\nRss: {kib} kB\nPss: {kib} kB\n"
            self._files["smaps_rollup"] = rollup.encode()

    def read(self, name: str) -> bytes:
        if name == "smaps_rollup" and self._is_refused:
            raise Denied(f"{self.pid}/{name}: Permission denied")
        if name not in self._files:
            raise Missing(f"{self.pid}/{name}")
        return self._files[name]

    def chunks(self, name: str) -> Iterator[bytes]:
        return iter((self.read(name),))

    def uid(self) -> int | None:
        return self._uid


class _Machine:
    """What is there at one sample."""

    is_live = True
    manifest = None
    commands_from = None
    facts = Facts("live", None, "6.12.0", 4096, None)

    def __init__(self, told: Sequence[Told], number: int, files: Mapping[str, bytes]) -> None:
        sizes = [(each, each.size(number)) for each in told]
        self._there = {each.pid: (each, kib) for each, kib in sizes if kib is not None}
        self._files = files

    def pids(self) -> list[int]:
        return sorted(self._there)

    @contextmanager
    def process(self, pid: int) -> Iterator[_Files]:
        yield _Files(*self._there[pid])

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise Missing(path)
        return self._files[path]

    def names(self, path: str) -> list[str]:
        below = (name.removeprefix(f"{path}/") for name in self._files if name.startswith(f"{path}/"))
        return sorted({name.partition("/")[0] for name in below})

    def user_name(self, uid: int) -> str | None:
        return {0: "root", 1000: "ada"}.get(uid)

    def beside(self) -> list[str]:
        return []

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        raise Missing(path)


class Sample(NamedTuple):
    """When a sample was taken, and what the files of the machine said."""

    at_s: float  # since the first
    files: Mapping[str, bytes]
    boot: str = "first"


def meminfo(available: int, **more: int) -> bytes:
    """Write a meminfo, in KiB."""
    figures = {"MemTotal": 8 << 20, "MemFree": available, "MemAvailable": available, **more}
    return "".join(f"{key}: {kib} kB\n" for key, kib in figures.items()).encode()


def record(path: str, told: Sequence[Told], samples: Sequence[Sample]) -> str:
    """Record these samples, the first of which has the number 1."""
    with Writer(path, {"page_size": 4096, "every_s": EVERY_S, "host": "made-up"}) as writer:
        for number, sample in enumerate(samples, 1):
            files = {"version": b"Linux version 6.12.0 (x) #1\n", "sys/kernel/random/boot_id": sample.boot.encode()}
            machine = _Machine(told, number, files | dict(sample.files))
            writer.sample(machine, Tick(START + sample.at_s, 1000 + sample.at_s, 3600))
    return path


def every_ten_seconds(count: int, files: Callable[[int], Mapping[str, bytes]]) -> list[Sample]:
    """Give so many samples, each 10 s after the one before."""
    return [Sample(EVERY_S * number, files(number)) for number in range(count)]

"""What is run on what: the sources, the modes of ``modes.txt`` and the formats, and how one call is recorded."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from recordings import Told, every_ten_seconds, meminfo, record

HERE = Path(__file__).parent
TESTS = HERE.parent
EXAMPLE = TESTS.parent / "pymemtools" / "data" / "example.tar.gz"
FORMATS = ("text", "json", "jsonl", "csv", "tsv", "github", "html")


class Frozen(NamedTuple):
    """A source that does not change: its file, two of its processes, and another capture to compare it with."""

    path: Path
    pids: tuple[str, str]
    other: str


FIRST = "x86_64-7.2.tar.gz"
SOURCES: Mapping[str, Frozen] = {
    FIRST: Frozen(EXAMPLE, ("297", "279"), "earlier.tar.gz"),
    "armv7": Frozen(HERE / "armv7-highmem-6.1.tar.gz", ("230", "239"), "earlier-armv7.tar.gz"),
    "smemcap.tar": Frozen(TESTS / "captures/x86_64-6.1/smemcap.tar.gz", ("244", "247"), FIRST),
    "zones-only.tar.gz": Frozen(TESTS / "captures/ppc64le-6.1/reserves.tar.gz", ("1", "2"), FIRST),
}
_FULL = (FIRST, "armv7")  # they hold all that the commands read
_OTHERS = {  # files beside the sources: name -> where from
    "earlier.tar.gz": TESTS / "captures/x86_64-7.2/smemcap.tar.gz",
    "earlier-armv7.tar.gz": TESTS / "captures/armv7-highmem-6.1/smemcap.tar.gz",
    "together.tar.gz": TESTS / "captures/groups-6.1/together.tar.gz",
    "docker.jsonl": TESTS / "oom_logs/docker.jsonl",
    "old.csv": TESTS / "vgraph/old.csv",
    "new.csv": TESTS / "vgraph/new.csv",
    "sizes.csv": TESTS / "vgraph/sizes.csv",
    "memcg.log": TESTS / "oom_reports/own-x86_64-6.18.44-memcg-v1.txt",
    "tst.csv": TESTS / "vgraph/tst.csv",
    "raspberry-pi-4": TESTS / "iomem/raspberry-pi-4",
    "deep": TESTS / "iomem/deep",
    "deep-later": TESTS / "iomem/deep-later",
    "oom.log": TESTS / "oom_reports/own-x86_64-6.1.176-464M-100Mswap-global-r1.txt",
}


class Case(NamedTuple):
    """One call: the source's name (empty for none) and the arguments."""

    source: str
    arguments: tuple[str, ...]

    @property
    def command(self) -> str:
        """Name the command, with which it is recorded."""
        return self.arguments[0]

    @property
    def name(self) -> str:
        """Give the call as one would type it."""
        return shlex.join(self.arguments)


def cases() -> Iterator[Case]:
    """Give every call of the corpus."""
    for names, mode in _modes():
        for source in names:
            yield from _calls(source, mode)


def _modes() -> Iterator[tuple[Sequence[str], list[str]]]:
    groups = {"*": tuple(SOURCES), "full": _FULL, "first": (FIRST,), "alone": ("",)}
    names: Sequence[str] = ()
    for line in (HERE / "modes.txt").read_text().splitlines():
        if line.startswith("["):
            names = groups[line[1:].partition(" ")[0]]
        elif line and not line.startswith("#"):
            yield names, shlex.split(line)


def _calls(source: str, mode: list[str]) -> Iterator[Case]:
    if not source:
        yield Case(source, tuple(mode))
        return
    frozen = SOURCES[source]
    places = {"{pid}": frozen.pids[0], "{pid2}": frozen.pids[1], "{other}": frozen.other}
    words = []
    for word in mode:
        for place, value in places.items():
            word = word.replace(place, value)
        words.append(word)
    if "-S" not in words:
        words += ["-S", source]
    formats: tuple[str, ...] = FORMATS if source == FIRST else FORMATS[:2]
    if words[:2] in (["tunables", "get"], ["tunables", "explain"]) or {"-f", "-o"} & {*words}:
        formats = FORMATS[:1]
    for style in formats:
        yield Case(source, (*words, *(() if style == "text" else ("-f", style))))


def lay_out(place: Path) -> None:
    """Put the sources, and what else the calls name, into a folder."""
    for name, frozen in SOURCES.items():
        if name == "armv7":  # a source of each kind: a packed archive, a plain one, and a directory
            with tarfile.open(frozen.path) as packed:
                packed.extractall(place / name, filter="data")
        elif name.endswith(".tar"):
            (place / name).write_bytes(gzip.decompress(frozen.path.read_bytes()))
        else:
            shutil.copy(frozen.path, place / name)
    for name, path in _OTHERS.items():
        shutil.copy(path, place / name)
    with tarfile.open(place / "sosreport.tar", "w") as left:
        left.add(TESTS / "captures/sosreport", "sosreport-web1", filter=_like_any_checkout)
    (place / "growing.rec").write_bytes(_growing())
    (place / "not-an-archive").write_bytes(b"nothing of the kind\n" * 100)
    whole = (place / "smemcap.tar").read_bytes()
    (place / "cut-short.tar").write_bytes(whole[: len(whole) // 2])


@cache
def _growing() -> bytes:
    """Record twenty minutes in which a process leaks, one fills a cache, and RAM becomes less."""
    processes = (
        Told(501, "/usr/bin/leaky --serve", lambda number: 200_000 + 100 * number + 7 * number % 300, "/web.slice"),
        Told(502, "/usr/bin/calm -x", lambda number: 150_000 + 7919 * number % 301, uid=1000),
        Told(503, "/usr/bin/calm -y", lambda number: 50_000 + (number >= 60) * 80_000),
        Told(504, "short", lambda number: 300 if number < 20 else None),
    )
    samples = every_ten_seconds(120, lambda number: {"meminfo": meminfo(4_000_000 - 100 * number)})
    with TemporaryDirectory() as folder:
        return Path(record(f"{folder}/growing.rec", processes, samples)).read_bytes()


def _like_any_checkout(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out of a member what a checkout does not keep: owner and time."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def run(calls: Sequence[Case], place: Path) -> dict[str, dict[str, Any]]:
    """Run calls in a folder, in a process that forks for each, and give what they did, by name."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS))),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(place),
        "SOURCE_DATE_EPOCH": "0",
    }
    worker = subprocess.run(
        [sys.executable, "-m", "golden.worker"],
        input=json.dumps([list(call.arguments) for call in calls]).encode(),
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return {call.name: done for call, done in zip(calls, json.loads(worker.stdout))}


def recorded() -> dict[str, dict[str, Any]]:
    """Read the corpus: by command, then by call, what the program did."""
    return {
        path.name.removesuffix(".json.xz"): json.loads(lzma.decompress(path.read_bytes()))
        for path in sorted(HERE.glob("*.json.xz"))
    }

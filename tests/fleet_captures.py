"""Captures of many boards, made from the bundled example: each has its name, its boot and its clock."""

from __future__ import annotations

import io
import re
import tarfile
from functools import cache
from pathlib import Path

from conftest import HERE

EXAMPLE = HERE.parent / "pymemtools/data/example.tar.gz"
START, HOUR = 1_795_000_000, 3600  # 2026-11-18
GROWS = 278  # the process, by so many KiB a capture and board
Files = dict[str, bytes]


@cache
def example() -> Files:
    """Read the example."""
    with tarfile.open(EXAMPLE) as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive if member.isreg())
        return {name: file.read() for name, file in files if file is not None}


def board(number: int, moment: int, grows: int = 0) -> Files:
    """Give the files of a board at a moment: an hour each, its first process larger by ``grows`` KiB a moment."""
    smaps = example()[f"proc/{GROWS}/smaps"]
    larger = grows * moment

    def grown(match: re.Match[bytes]) -> bytes:
        return b"%s: %*d" % (match[1], len(match[0]) - len(match[1]) - 2, int(match[2]) + larger)

    for key in (b"Rss", b"Pss", b"Private_Dirty", b"Anonymous"):
        smaps = re.sub(rb"(?m)^(%s): +([0-9]+)" % key, grown, smaps, count=1)
    return example() | {
        f"proc/{GROWS}/smaps": smaps,
        "proc/sys/kernel/hostname": b"board-%03d\n" % number,
        "proc/sys/kernel/random/boot_id": b"00000000-0000-4000-8000-%012d\n" % number,
        "proc/uptime": b"%d.19 1.0\n" % (1000 + moment * HOUR),
    }


def packed(files: Files, taken_at: int, level: int = 6) -> bytes:
    """Pack files as a capture."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=level) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), taken_at
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def make_captures(folder: Path, boards: int, moments: int, grows: int = 500) -> list[Path]:
    """Write captures: ``board-NNN-M.tar.gz``; every other board has a process that grows."""
    folder.mkdir(exist_ok=True)
    paths = []
    for moment in range(moments):
        for number in range(boards):
            path = folder / f"board-{number:03}-{moment}.tar.gz"
            path.write_bytes(packed(board(number, moment, grows * (number % 2)), START + moment * HOUR))
            paths.append(path)
    return paths

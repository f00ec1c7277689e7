"""Headers as other readers take them: the checksum added up plainly, and changed archives by Python's tarfile."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from archives import BLOCK, SOUND, opened
from hypothesis import given
from hypothesis import strategies as st
from test_archive_damage import WHOLE
from test_archive_shapes import SHAPES
from test_archive_sparse import FORMATS, MANY
from trees import Proc, write_tree

from pymemtools.errors import ArchiveError
from pymemtools.sources.archive.header import data_size


@given(
    before=st.binary(min_size=148, max_size=148), after=st.binary(min_size=356, max_size=356), off=st.integers(-1, 1)
)
def test_a_checksum_is_right_when_it_is_the_sum(before: bytes, after: bytes, off: int) -> None:
    """Or that of signed bytes, as old programs wrote; a wrong one is not mended by any other field."""
    after = b"0" + after[1:]
    before = before[:124] + b"00000000017\0" + before[136:]
    fields = before + b" " * 8 + after
    for total in (sum(fields), sum(byte - 256 if byte > 127 else byte for byte in fields)):
        said = max(total + off, 0)
        block = before + b"%06o\0 " % said + after
        is_right = said in (sum(fields), sum(byte - 256 if byte > 127 else byte for byte in fields))
        if is_right:
            assert data_size(block, 2) == 15
        else:
            with pytest.raises(ArchiveError, match="bad checksum in member 2"):
                data_size(block, 2)


def test_the_largest_checksum() -> None:
    """Half a header of 255s adds up to 65280, just below what Adler-32 is counted modulo."""
    fields = b"\xff" * 124 + b"00000000017\0" + b"\xff" * 12 + b" " * 8 + b"0" + b"\xff" * 355
    assert data_size(fields[:148] + b"%07o\0" % sum(fields) + fields[156:], 2) == 15


TARS = {
    **{f"tar --format={form}": ["tar", f"--format={form}"] for form in ("v7", "oldgnu", "gnu", "ustar", "posix")},
    **{f"bsdtar --format={form}": ["bsdtar", f"--format={form}"] for form in ("v7", "ustar", "pax", "gnutar")},
    "busybox tar": ["busybox", "tar"],
}
MADE = [
    *(data for name, (data, _) in SHAPES.items() if name not in ("a large cpuinfo", "a line without end")),
    *WHOLE.values(),
    *(make(MANY) + SOUND for make in FORMATS.values()),
]


def changed(data: bytes, chance: random.Random) -> bytes:
    """Change a header, mostly in a way that its checksum does not tell."""
    place = chance.randrange(len(data) // BLOCK) * BLOCK
    block = bytearray(data[place : place + BLOCK])
    at = chance.choice((0, 100, 108, 115, 124, 130, 135, 148, 155, 156, 156, 257, 263, 345, 386, 482, 483))
    block[at] = chance.choice(b"\0 01579SxgLKV/.\xff\x80-")
    if chance.random() < 0.8:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return data[:place] + bytes(block) + data[place + BLOCK :]


def as_tarfile_reads(data: bytes) -> dict[str, bytes]:
    """Give every regular file by its name, as it is written but for a ``./``; none where tarfile gives up."""
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
            for member in archive:
                if member.isreg() and (file := archive.extractfile(member)) is not None:
                    files[member.name.removeprefix("./")] = file.read()
    except tarfile.ReadError:
        return {}
    return files


def check(folder: Path, data: bytes) -> bool:
    """Tell whether an archive is read; one that is must hold of each process what tarfile finds."""
    try:
        source = opened(folder, data)
    except ArchiveError as error:
        assert "\n" not in str(error)
        return False
    theirs = as_tarfile_reads(data)
    for pid in source.pids():
        with source.process(pid) as files:
            for name in ("smaps", "cmdline", "stat"):
                path = next(
                    (path for path in theirs if path == f"{pid}/{name}" or path.endswith(f"proc/{pid}/{name}")), None
                )
                if path is not None:
                    assert files.read(name) == theirs[path]
    return True


def test_changed_archives_are_refused_or_read_as_tarfile_reads_them(tmp_path: Path) -> None:
    chance = random.Random(14)
    read = [check(tmp_path, changed(chance.choice(MADE), chance)) for _ in range(400)]
    assert 100 < sum(read) < 300


@pytest.mark.parametrize("program", TARS)
def test_changed_archives_of_tar_programs(tmp_path: Path, program: str) -> None:
    command = TARS[program]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    write_tree(tmp_path / "tree", Proc(7, "prog"), Proc(8, "other"))
    subprocess.run([*command, "-cf", tmp_path / "b.tar", "-C", tmp_path / "tree", "proc"], check=True)
    data = (tmp_path / "b.tar").read_bytes()
    assert check(tmp_path, data)
    chance = random.Random(14)
    read = [check(tmp_path, changed(data, chance)) for _ in range(60)]
    assert 0 < sum(read) < len(read)

"""Archives with files that have holes: the four ways to write them are read, and none is a bomb."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from archives import BLOCK, END, SMAPS, directory, header, machine, member, opened, packed, padded, pax, process, rows
from conftest import Run

from pymemtools.errors import ArchiveError
from pymemtools.sources import open_source

Pieces = list[tuple[int, bytes]]
SIZE = 100_000
# A command line with zeros in it. GNU tar ends a map with a piece of no bytes at the end of the file.
FEW: Pieces = [(0, b"prog\0"), (4096, b"x" * 700), (SIZE, b"")]
MANY: Pieces = [(place, b"a%d\0" % place) for place in range(0, SIZE, 2000)]  # more than a header and a block hold
PIECES = {"few": FEW, "many": MANY, "one hole": [(SIZE, b"")], "nothing": []}


def whole(pieces: Pieces, size: int = SIZE) -> bytes:
    """Give the file itself."""
    data = bytearray(size)
    for place, text in pieces:
        data[place : place + len(text)] = text
    return bytes(data)


def gnu(pieces: Pieces, size: int = SIZE, name: bytes = b"7/cmdline") -> bytes:
    """Make a member as ``tar --format=gnu --sparse`` does: four pieces in the header, 21 in each block behind it."""
    entries = [b"%011o\0%011o\0" % (place, len(text)) for place, text in pieces]
    blocks = [entries[at : at + 21] for at in range(4, len(entries), 21)]
    held = b"".join(text for _, text in pieces)
    tail = b"".join(entries[:4]).ljust(96, b"\0") + bytes([bool(blocks)]) + b"%011o\0" % size
    block = header(name, len(held), b"S", magic=b"ustar  \0")
    block = block[:386] + tail + block[386 + len(tail) :]
    more = (b"".join(each).ljust(504, b"\0") + bytes([each is not blocks[-1]]) for each in blocks)
    return summed(block) + b"".join(each.ljust(BLOCK, b"\0") for each in more) + padded(held)


def summed(block: bytes) -> bytes:
    """Give a changed header its checksum."""
    return block[:148] + b"%06o\0 " % sum(block[:148] + b" " * 8 + block[156:]) + block[156:]


def pax_00(pieces: Pieces, size: int = SIZE, name: bytes = b"7/cmdline") -> bytes:
    """Make a member of pax format 0.0, with a record for each number."""
    numbers = [
        record
        for place, text in pieces
        for record in ((b"GNU.sparse.offset", b"%d" % place), (b"GNU.sparse.numbytes", b"%d" % len(text)))
    ]
    said = pax((b"GNU.sparse.size", b"%d" % size), (b"GNU.sparse.numblocks", b"%d" % len(pieces)), *numbers)
    return said + member(name, b"".join(text for _, text in pieces))


def pax_01(pieces: Pieces, size: int = SIZE, name: bytes = b"7/cmdline") -> bytes:
    """Make a member of pax format 0.1, with the map in one record."""
    numbers = b",".join(b"%d,%d" % (place, len(text)) for place, text in pieces)
    said = pax((b"GNU.sparse.name", name), (b"GNU.sparse.size", b"%d" % size), (b"GNU.sparse.map", numbers))
    return said + member(b"./GNUSparseFile.1/cmdline", b"".join(text for _, text in pieces))


def pax_10(pieces: Pieces, size: int = SIZE, name: bytes = b"7/cmdline") -> bytes:
    """Make a member of pax format 1.0, with the map before the data."""
    numbers = b"%d\n" % len(pieces) + b"".join(b"%d\n%d\n" % (place, len(text)) for place, text in pieces)
    said = pax(
        (b"GNU.sparse.major", b"1"),
        (b"GNU.sparse.minor", b"0"),
        (b"GNU.sparse.name", name),
        (b"GNU.sparse.realsize", b"%d" % size),
    )
    return said + member(b"./GNUSparseFile.1/cmdline", padded(numbers) + b"".join(text for _, text in pieces))


FORMATS = {"GNU": gnu, "pax 0.0": pax_00, "pax 0.1": pax_01, "pax 1.0": pax_10}


@pytest.mark.parametrize("kind", ["", "gz"])
@pytest.mark.parametrize("pieces", PIECES)
@pytest.mark.parametrize("form", FORMATS)
def test_a_file_with_holes_is_read_whole(tmp_path: Path, form: str, pieces: str, kind: str) -> None:
    """And so is what comes behind it, whose header must not be looked for within its data."""
    data = machine() + FORMATS[form](PIECES[pieces]) + member(b"7/smaps", SMAPS) + process(8) + END
    source = opened(tmp_path, packed(data, kind) if kind else data)
    assert source.read("7/cmdline") == whole(PIECES[pieces])
    assert source.read("7/smaps") == SMAPS
    assert source.pids() == [7, 8]


@pytest.mark.parametrize("form", FORMATS)
def test_a_smaps_of_one_piece(tmp_path: Path, form: str) -> None:
    """As tar takes files that its file system has not given blocks yet."""
    made = FORMATS[form]([(0, SMAPS)], len(SMAPS), b"7/smaps")
    assert rows(opened(tmp_path, machine() + made + END)) == [(7, "?", 102400)]


SPARSE_TARS = {
    "tar, GNU": ["tar", "--format=gnu", "--sparse"],
    **{f"tar, pax {v}": ["tar", "--format=pax", "--sparse", f"--sparse-version={v}"] for v in ("0.0", "0.1", "1.0")},
    "bsdtar": ["bsdtar", "--format=pax"],
}


@pytest.mark.parametrize("program", SPARSE_TARS)
def test_what_tar_programs_write_of_files_with_holes(tmp_path: Path, program: str) -> None:
    command = SPARSE_TARS[program]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    folder = tmp_path / "proc" / "7"
    folder.mkdir(parents=True)
    (folder / "smaps").write_bytes(SMAPS)
    with (folder / "cmdline").open("wb") as file:
        for place in range(0, 4 << 20, 1 << 17):
            file.seek(place)
            file.write(b"prog %d" % place)
        file.truncate(5 << 20)
    subprocess.run([*command, "-cf", tmp_path / "a.tar", "-C", tmp_path, "proc"], check=True)
    if os.stat(folder / "cmdline").st_blocks * 512 < 5 << 20:
        assert (tmp_path / "a.tar").stat().st_size < 2 << 20
    assert open_source(str(tmp_path / "a.tar")).read("7/cmdline") == (folder / "cmdline").read_bytes()


TEXT = b"x" * 10
BAD_MAP = "damaged archive: bad sparse map in member 3"
REFUSED = {
    "pieces that overlap": (gnu([(0, TEXT), (9, TEXT)]), BAD_MAP),
    "pieces in the wrong order": (gnu([(100, TEXT), (0, TEXT)]), BAD_MAP),
    "a piece behind the end": (gnu([(0, TEXT)], 9), BAD_MAP),
    "more pieces than data": (
        summed(gnu(FEW)[:124] + b"00000000001" + gnu(FEW)[135:BLOCK]) + gnu(FEW)[BLOCK:],
        BAD_MAP,
    ),
    "no size": (summed(gnu(FEW)[:BLOCK][:483] + bytes(29)) + gnu(FEW)[BLOCK:], BAD_MAP),
    "a negative place": (summed(gnu(FEW)[:386] + b"-0000000001\0" + gnu(FEW)[398:BLOCK]), BAD_MAP),
    "cut in its map": (gnu(MANY)[: BLOCK + 100], "truncated archive: in the sparse map of member 3"),
    "no map": (header(b"7/smaps", 512, b"S"), BAD_MAP),
    "pax: no size": (pax((b"GNU.sparse.map", b"0,10")) + member(b"x", TEXT), BAD_MAP.replace("3", "4")),
    "pax: half a piece": (
        pax((b"GNU.sparse.size", b"10"), (b"GNU.sparse.map", b"0,10,7")) + member(b"x", TEXT),
        BAD_MAP.replace("3", "4"),
    ),
    "pax: no numbers": (
        pax((b"GNU.sparse.size", b"10"), (b"GNU.sparse.map", b"0,ten")) + member(b"x", TEXT),
        BAD_MAP.replace("3", "4"),
    ),
    "pax of all members": (
        pax((b"GNU.sparse.size", b"10"), kind=b"g"),
        "sparse files by the extended header of member 3: not supported",
    ),
    "a format to come": (
        pax((b"GNU.sparse.major", b"2"), (b"GNU.sparse.minor", b"0")) + member(b"x", TEXT),
        "sparse file of format 2.0 in member 4: not supported",
    ),
    "pax 1.0 without a map": (
        pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")) + member(b"x", b"y" * 600),
        BAD_MAP.replace("3", "4"),
    ),
    "pax 1.0, cut in its map": (
        pax_10(MANY)[: 4 * BLOCK - 10],
        "truncated archive: in the sparse map of member 4",
    ),
    "1 TiB": (gnu([(0, TEXT)], (1 << 36) - 1), "7/cmdline (member 3) is too large: 68719476735 bytes"),
    "1 TiB of smaps": (
        pax_01([(0, TEXT)], 1 << 40, b"7/smaps"),
        "7/smaps (member 4) is too large: 1099511627776 bytes",
    ),
    "very many pieces": (
        pax_10([(place, b"x") for place in range(0, 200_002, 2)], 1 << 20),
        "archive with more than 100000 pieces of sparse files",
    ),
    "many of many pieces": (
        b"".join(
            gnu([(place, b"x") for place in range(0, 2000, 2)], name=b"%d/cmdline" % pid) for pid in range(1, 102)
        ),
        "archive with more than 100000 pieces of sparse files",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    data, reason = REFUSED[case]
    with pytest.raises(ArchiveError) as refused:
        opened(tmp_path, machine() + data + END * (not reason.startswith("truncated")))
    assert str(refused.value) == f"{tmp_path}/a.tar: {reason}"


def test_holes_count_as_what_is_unpacked(tmp_path: Path, pymemtools: Run) -> None:
    """Each is allowed, but a hundred of them would take the reader a hundred times as long."""
    bombs = b"".join(gnu([(0, SMAPS)], 15 << 20, b"%d/smaps" % pid) for pid in range(1, 101))
    (tmp_path / "a.tar").write_bytes(machine() + bombs + END)
    done = pymemtools("smem", "-S", str(tmp_path / "a.tar"), "--max-size", "16M")
    reason = "unpacks to more than 16 MiB (see --max-size)"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", f"pymemtools: {tmp_path}/a.tar: {reason}\n")


def test_holes_in_what_nobody_asks_for_cost_nothing(tmp_path: Path) -> None:
    data = machine() + gnu(MANY, 1 << 30, b"disk.img") + directory(b"7") + process(8) + END
    assert rows(opened(tmp_path, data, max_bytes=1 << 20)) == [(8, "prog", 102400)]

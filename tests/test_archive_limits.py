"""Archives that would take all memory or time: they are stopped, with one line."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import zlib
from pathlib import Path
from shlex import quote

import pytest
from archives import END, SMAPS, SOUND, gz_of_zeros, header, machine, member, opened, packed, process
from conftest import HERE, Run
from peak import peak

from pymemtools.errors import ArchiveError
from pymemtools.sources.archive import tar

BOMBS = {
    "zeros after the end": gz_of_zeros(64 << 20, SOUND),
    "a member of zeros that is not ours": gz_of_zeros(64 << 20, machine() + header(b"README", 64 << 20)),
    "a smaps of zeros": gz_of_zeros(64 << 20, machine() + header(b"7/smaps", 64 << 20)),
    "empty members": packed(header(b"x") * 100_000, "gz"),
    "empty gz streams": packed(b"", "gz") * 200_000,
}


def within_limits(path: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Run smem with 200 MB of addresses: about 128 MiB and an interpreter."""
    call = f"ulimit -v 200000; exec {quote(sys.executable)} -m pymemtools smem -S {path} {' '.join(options)}"
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    return subprocess.run(["bash", "-c", call], env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_stop_at_the_limit(tmp_path: Path, bomb: str) -> None:
    (tmp_path / "bomb").write_bytes(BOMBS[bomb])
    done = within_limits(tmp_path / "bomb", "--max-size", "16M")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert b"out of memory" not in done.stderr


def test_more_members_than_any_machine_has_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tar.MAX_MEMBERS >= 14 * 100_000  # a full capture of a hundred thousand; so many take seconds
    monkeypatch.setattr(tar, "MAX_MEMBERS", 2000)
    with pytest.raises(ArchiveError, match="archive with more than 2000 members"):
        opened(tmp_path, machine() + header(b"x") * 2000)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"%d/comm", "archive with more than 262144 processes"),
        (b"sys/fs/cgroup/%d/memory.max", "archive with more than 200000 files that are no process's"),
        (b"a%d/hostname", "archive with more than 200000 files that are no process's"),
    ],
)
def test_memory_for_what_is_kept_by_its_name_is_limited(tmp_path: Path, name: bytes, reason: str) -> None:
    with (tmp_path / "a").open("wb") as file:
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        file.write(packer.compress(machine()))
        for number in range(1, 262_146):
            file.write(packer.compress(header(name % number)))
        file.write(packer.flush())
    done = within_limits(tmp_path / "a")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"pymemtools: {tmp_path}/a: {reason}\n"


def test_a_hundred_megabytes_in_one_line(pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(machine() + process(7) + header(b"8/smaps", 100 << 20))
    with path.open("ab") as file:
        file.truncate((100 << 20) + path.stat().st_size + len(END))
    done = pymemtools("smem", "-H", "-c", "pid", "-S", str(path))
    assert (done.returncode, done.stdout) == (0, b"    7 \n")
    assert b"1 of 2 processes could not be read (smaps: a line of more than 64 KiB)" in done.stderr


def test_a_hundred_megabytes_in_one_line_of_maps(tmp_path: Path, pymemtools: Run) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(machine() + process(7) + header(b"7/maps", 100 << 20))
    with path.open("ab") as file:
        file.truncate((100 << 20) + path.stat().st_size + len(END))
    done = pymemtools("pmap", "7", "-S", str(path))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"pymemtools: pmap: 7/maps: a line of more than 64 KiB\n"


def stored_gz(*parts: bytes) -> bytes:
    """Pack without packing, quickly."""
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    return b"".join((*map(packer.compress, parts), packer.flush()))


NOISE = random.Random(0).randbytes(1 << 20)
HUNGRY = {
    "a smaps of noise": stored_gz(machine(), header(b"7/smaps", 150 << 20), *[NOISE] * 150),
    "small files of noise": stored_gz(machine(), *(member(b"%d/comm" % pid, NOISE[:2000]) for pid in range(1, 60_000))),
}


@pytest.mark.parametrize("case", HUNGRY)
def test_memory_for_what_does_not_pack_is_limited(tmp_path: Path, case: str) -> None:
    (tmp_path / "a").write_bytes(HUNGRY[case])
    done = within_limits(tmp_path / "a")
    reason = "takes more than 85 MiB of memory to read; unpack it to a plain file first"
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"pymemtools: {tmp_path}/a: {reason}\n"


def test_memory_for_very_many_processes(tmp_path: Path) -> None:
    """A hundred thousand took 263 MiB; the limit is of a fifth of them, above what a small capture takes."""
    (tmp_path / "small.tar").write_bytes(SOUND)
    many = b"".join(member(b"%d/smaps" % pid, SMAPS) for pid in range(1, 20_001))
    (tmp_path / "large.tar").write_bytes(machine() + many + END)
    for command, most in (("smem", 27), ("info", 7)):  # info counts whom smem reads, and keeps them meanwhile
        above = peak(command, "-S", str(tmp_path / "large.tar")) - peak(command, "-S", str(tmp_path / "small.tar"))
        assert above < most << 20

"""Archives of every shape that is read, and whose processes and users they show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from archives import (
    BLOCK,
    BOTH,
    END,
    MEMINFO,
    SMAPS,
    SOUND,
    busybox_process,
    directory,
    header,
    machine,
    member,
    opened,
    packed,
    pax,
    process,
    rows,
    signed,
)
from trees import Proc, stat, write_tree

from pymemtools.errors import ArchiveError, Missing
from pymemtools.readings.processes import read_processes
from pymemtools.readings.wants import Wants
from pymemtools.sources import open_source
from pymemtools.sources.archive import Archive

pytestmark = pytest.mark.live

SMALL = 4 << 20  # bytes unpacked: what is larger is kept in another way
ZSTD = pytest.param("zst", marks=pytest.mark.skipif(sys.version_info >= (3, 15), reason="no zstandard yet"))

SHAPES = {
    "smemcap": (SOUND, BOTH),
    "no end mark": (SOUND[: -len(END)], BOTH),
    "half an end mark": (SOUND[:-BLOCK], BOTH),
    "padded to 10 KiB": (SOUND + bytes(10240), BOTH),
    "./ prefix": (machine(b"./") + process(7, prefix=b"./") + process(8, "other", 300, prefix=b"./") + END, BOTH),
    "proc/ prefix": (
        machine(b"proc/") + process(7, prefix=b"proc/") + process(8, "other", 300, prefix=b"proc/") + END,
        BOTH,
    ),
    "./proc/ prefix": (machine(b"./proc/") + process(7, prefix=b"./proc/") + END, BOTH[:1]),
    "a top folder": (
        directory(b"report-1")
        + member(b"report-1/etc/passwd", b"ann:x:0:0::/:\n")
        + machine(b"report-1/proc/")
        + process(7, prefix=b"report-1/proc/")
        + END,
        BOTH[:1],
    ),
    "no directories": (machine() + process(7)[BLOCK:] + END, BOTH[:1]),
    "no meminfo": (process(7) + END, BOTH[:1]),
    "no stat": (
        machine() + directory(b"7") + member(b"7/smaps", SMAPS) + member(b"7/cmdline", b"prog\0") + END,
        BOTH[:1],
    ),
    "no cmdline": (machine() + directory(b"7") + member(b"7/smaps", SMAPS) + END, [(7, "?", 102400)]),
    "ustar": (machine() + process(7, magic=b"ustar\x0000") + END, BOTH[:1]),
    "ustar, name in two parts": (
        machine() + member(b"smaps", SMAPS, magic=b"ustar\x0000", prefix=b"7") + END,
        [(7, "?", 102400)],
    ),
    "GNU long name": (
        machine() + member(b"././@LongLink", b"7/smaps\0", kind=b"L") + member(b"cut", SMAPS) + END,
        [(7, "?", 102400)],
    ),
    "pax name": (machine() + pax((b"path", b"7/smaps")) + member(b"cut", SMAPS) + END, [(7, "?", 102400)]),
    "pax name, cut off by a long name": (
        machine() + pax((b"path", b"9/smaps")) + member(b"x", b"7/smaps\0", kind=b"L") + member(b"cut", SMAPS) + END,
        [(7, "?", 102400)],
    ),
    "a long link name": (machine() + member(b"x", b"y" * 300, kind=b"K") + process(7) + END, BOTH[:1]),
    "what pax and GNU tar say of other things": (
        machine() + pax((b"atime", b"1.5"), (b"SCHILY.dev", b"7"), (b"comment", b"=\n")) + process(7) + END,
        BOTH[:1],
    ),
    "a label, as GNU tar writes it": (header(b"board", b"", b"V", magic=b"ustar  \0") + SOUND, BOTH),
    "another folder's etc": (
        machine(b"proc/") + process(7, prefix=b"proc/") + member(b"opt/etc/passwd", b"x") + END,
        BOTH[:1],
    ),
    "labels and dumped directories": (
        machine() + header(b"x", kind=b"V") + member(b"y", b"z", kind=b"D") + process(7) + END,
        BOTH[:1],
    ),
    "pax, for all members": (machine() + pax((b"comment", b"x"), kind=b"g") + process(7) + END, BOTH[:1]),
    "type NUL": (machine() + member(b"7/smaps", SMAPS, kind=b"\0") + END, [(7, "?", 102400)]),
    "type 7": (machine() + member(b"7/smaps", SMAPS, kind=b"7") + END, [(7, "?", 102400)]),
    "unpadded octal": (machine() + member(b"7/smaps", SMAPS, size=b"%o" % len(SMAPS)) + END, [(7, "?", 102400)]),
    "octal after blanks": (machine() + member(b"7/smaps", SMAPS, size=b"%11o " % len(SMAPS)) + END, [(7, "?", 102400)]),
    "other members": (machine() + member(b"README", b"x") + member(b"7/environ", b"x") + process(7) + END, BOTH[:1]),
    "absolute names are not ours": (machine() + process(7) + member(b"/etc/passwd", b"root:x:0") + END, BOTH[:1]),
    ".. is not ours": (
        machine() + process(7) + member(b"../7/smaps", SMAPS) + member(b"8/../9/smaps", SMAPS) + END,
        BOTH[:1],
    ),
    "symbolic links are not ours": (machine() + process(7) + header(b"8/smaps", 0, b"2") + END, BOTH[:1]),
    "hard links are not ours": (machine() + process(7) + header(b"8/smaps", 5, b"1") + END, BOTH[:1]),
    "devices and FIFOs are not ours": (
        machine() + process(7) + b"".join(header(b"8/smaps", 9, kind) for kind in (b"3", b"4", b"6")) + END,
        BOTH[:1],
    ),
    "what is no PID": (
        machine()
        + process(7)
        + b"".join(
            member(name + b"/smaps", SMAPS)
            for name in (b"0", b"-1", b"007", "٣".encode(), b"1e3", b"99999999999", b"4194305", b"+7", b" 7", b"self")
        )
        + END,
        BOTH[:1],
    ),
    "the largest PID": (machine() + member(b"4194304/smaps", SMAPS) + END, [(4194304, "?", 102400)]),
    "an unreadable process": (machine() + process(7) + directory(b"8") + member(b"8/smaps") + END, BOTH[:1]),
    "a smaps that is none": (machine() + process(7) + member(b"8/smaps", b"\xff\0garbage\n") + END, BOTH[:1]),
    "a line without end": (machine() + process(7) + member(b"8/smaps", b"a" * (70 << 10)) + END, BOTH[:1]),
    "a stat that is none": (
        machine() + process(7) + member(b"8/stat", b"8 (x") + member(b"8/smaps", SMAPS) + END,
        BOTH[:1],
    ),
    "a smaps with numbers of 5,000 digits": (
        machine() + process(7) + member(b"8/smaps", SMAPS.replace(b" 100 kB", b"9" * 5000 + b" kB")) + END,
        BOTH[:1],
    ),
    "a large cpuinfo": (machine() + member(b"cpuinfo", bytes(3 << 20)) + process(7) + END, BOTH[:1]),
    "names of any bytes": (
        machine() + member(b"\x1b[2J\xff/7/smaps", SMAPS) + member(b"7\n/smaps", SMAPS) + process(7) + END,
        BOTH[:1],
    ),
    "a checksum of signed bytes": (
        machine() + signed(header("caf\xe9".encode("latin-1"))) + process(7) + END,
        BOTH[:1],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_are_read(tmp_path: Path, shape: str) -> None:
    data, expected = SHAPES[shape]
    assert rows(opened(tmp_path, data)) == expected


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", ZSTD])
def test_compressed_archives_are_read(tmp_path: Path, kind: str) -> None:
    assert rows(opened(tmp_path, packed(SOUND, kind))) == BOTH


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", ZSTD])
def test_several_compressed_streams_are_one(tmp_path: Path, kind: str) -> None:
    pieces = b"".join(packed(SOUND[at : at + 1000], kind) for at in range(0, len(SOUND), 1000))
    assert rows(opened(tmp_path, pieces)) == BOTH


def test_zstd_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ArchiveError) as refused:
        opened(tmp_path, b"\x28\xb5\x2f\xfd" + bytes(600))
    assert str(refused.value) == f"{tmp_path}/a.tar: zstd archives need the zstd extra: pip install 'pymemtools[zstd]'"


@pytest.mark.parametrize("kind", [ZSTD])
def test_frames_that_zstd_skips(tmp_path: Path, kind: str) -> None:
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    assert rows(opened(tmp_path, skipped + packed(SOUND, kind) + skipped)) == BOTH


TARS = {
    **{f"tar --format={form}": ["tar", f"--format={form}"] for form in ("v7", "oldgnu", "gnu", "ustar", "pax")},
    "tar --sparse": ["tar", "--format=pax", "--sparse"],
    "busybox tar": ["busybox", "tar"],
}


@pytest.mark.parametrize("program", TARS)
@pytest.mark.parametrize("what", [["proc"], ["."], ["proc/meminfo", "proc/7"]])
def test_what_tar_programs_write(tmp_path: Path, program: str, what: list[str]) -> None:
    command = TARS[program]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    write_tree(tmp_path / "tree", Proc(7, "prog"))
    path = tmp_path / "a.tar"
    subprocess.run([*command, "-cf", path, "-C", tmp_path / "tree", *what], check=True)
    assert rows(open_source(str(path))) == BOTH[:1]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_what_tarfile_writes(tmp_path: Path, form: int, packing: str) -> None:
    write_tree(tmp_path / "tree", Proc(7, "prog"))
    with tarfile.open(tmp_path / "a", f"w:{packing}", format=form) as archive:  # type: ignore[call-overload]
        archive.add(tmp_path / "tree", arcname="a machine of \N{SNOWMAN}" + "x" * 120)
    assert rows(open_source(str(tmp_path / "a"))) == BOTH[:1]


def test_what_smemcap_writes(tmp_path: Path) -> None:
    if shutil.which("smemcap") is None:
        pytest.skip("smemcap is not installed")
    source = opened(tmp_path, subprocess.run(["smemcap"], capture_output=True, check=True).stdout)
    with source.process(os.getpid()) as files:
        assert files.uid() == os.geteuid()
        assert files.read("cmdline") == Path("/proc/self/cmdline").read_bytes()
        assert b"[stack]\n" in files.read("smaps")
    assert source.facts.kernel == os.uname().release


def test_owners_of_both_kinds_of_smemcap(tmp_path: Path) -> None:
    data = (
        machine()
        + process(7, uid=b"0001750", uname=b"ann", magic=b"ustar  \0")
        + process(8, uid=b"0000000")
        + busybox_process(9, 33)
        + END
    )
    source = opened(tmp_path, data)
    found = {process.pid: (process.uid, process.user) for process in read_processes(source, Wants(())).processes}
    assert found == {7: (1000, "ann"), 8: (0, None), 9: (33, None)}


def test_owners_of_a_copy_that_was_packed_again(tmp_path: Path) -> None:
    """Files unpacked by anybody but root belong to him: meminfo, which is root's, tells."""
    own: dict[str, Any] = {"uid": b"0001750", "uname": b"ann"}
    source = opened(tmp_path, member(b"meminfo", MEMINFO, **own) + process(7, **own) + process(8) + END)
    found = {process.pid: (process.uid, process.user) for process in read_processes(source, Wants(())).processes}
    assert found == {7: (None, None), 8: (0, None)}


def test_an_owner_that_does_not_fit_its_field_is_unknown(tmp_path: Path) -> None:
    """Of uid 1000000000, smemcap's ``%07o`` leaves 73465450."""
    source = opened(tmp_path, machine() + process(7, uid=b"73465450") + END)
    with source.process(7) as files:
        assert files.uid() is None


def test_users_of_pax_headers(tmp_path: Path) -> None:
    """Those of one member, of all, and neither for what is no number."""
    all_members = pax((b"uid", b"1000000000"), (b"uname", b"ann"), kind=b"g")
    one_member = pax((b"uid", b"5"), (b"uname", b"bob")) + directory(b"8", uid=b"0000007")
    no_number = pax((b"uid", b"-1")) + directory(b"9")
    source = opened(tmp_path, machine() + all_members + directory(b"7") + one_member + no_number + process(10) + END)
    found = {}
    for pid in (7, 8, 9):
        with source.process(pid) as files:
            found[pid] = files.uid()
    assert found == {7: 1000000000, 8: 5, 9: None}
    assert (source.user_name(1000000000), source.user_name(5)) == ("ann", "bob")


def test_names_and_files_as_a_directory_gives_them(tmp_path: Path) -> None:
    swappiness = member(b"proc/sys/vm/swappiness", b"60\n")
    passwd = member(b"etc/passwd", b"ann:x:0:0::/:\n")
    source = opened(tmp_path, machine(b"proc/") + process(7, prefix=b"proc/") + swappiness + passwd + END)
    assert source.names("") == ["meminfo", "sys", "version"]
    assert (source.names("sys/vm"), source.names("sys/vm/"), source.names("/")) == (
        ["swappiness"],
        ["swappiness"],
        ["etc"],
    )
    assert (source.names("meminfo"), source.names("nothing"), source.names("/etc")) == ([], [], ["passwd"])
    assert source.read("7/smaps") == SMAPS
    for path in ("7/maps", "9/smaps", "/proc/meminfo", "../meminfo", "sys", ""):
        with pytest.raises(Missing):
            source.read(path)


def test_names_come_from_the_archives_own_passwd(tmp_path: Path) -> None:
    passwd = member(b"etc/passwd", b"toor:x:0:0::/:\nann\x1b:x:1000:1000::/:\n")
    source = opened(tmp_path, machine(b"proc/") + process(7, prefix=b"proc/", uid=b"0001750") + passwd + END)
    assert (source.user_name(0), source.user_name(1000), source.user_name(33)) == ("toor", "ann\x1b", None)


def test_what_is_beside_another_proc_is_not_used(tmp_path: Path) -> None:
    ours, others = member(b"a/etc/passwd", b"ann:x:0:0::/:\n"), member(b"etc/passwd", b"bob:x:0:0::/:\n")
    for data in (others + ours + machine(b"a/proc/"), machine(b"a/proc/") + ours + others):
        source = opened(tmp_path, data + END)
        assert (source.user_name(0), source.names("/etc")) == ("ann", ["passwd"])


def test_a_capture_of_ours_that_was_packed_again_in_a_folder(tmp_path: Path) -> None:
    manifest = b'{"format": 1, "page_size": 16384, "taken_at": 1795435662, "users": {"0": "ann"}, "host": "board"}'
    source = opened(tmp_path, machine(b"a/proc/") + member(b"a/manifest.json", manifest) + END)
    assert source.facts[2:] == ("6.12.0", 16384, "2026-11-23T12:07:42Z")
    assert source.user_name(0) == "ann"


def test_facts_are_the_studied_machines(tmp_path: Path) -> None:
    large = SMAPS.replace(b"KernelPageSize:        4 kB", b"KernelPageSize:       64 kB")
    source = opened(tmp_path, machine() + member(b"7/smaps", large) + END)
    path = str(tmp_path / "a.tar")
    assert source.facts == ("archive", path, "6.12.0", 65536, "2026-11-22T23:31:18Z")


@pytest.mark.parametrize(
    ("statm", "expected"),
    [(b"1024 9\n", 16384), (b"256 9\n", 65536), (b"1025 9\n", None), (b"0 0\n", None), (b"x\n", None), (b"", None)],
)
def test_the_page_size_of_a_machine_without_smaps(tmp_path: Path, statm: bytes, expected: int | None) -> None:
    """Stat tells the size of the address space in bytes, here 16 MiB, and statm in pages."""
    thread = member(b"2/stat", stat(Proc(2, "kthread")).encode()) + member(b"2/statm", b"0 0 0 0 0 0 0\n")
    of_7 = member(b"7/stat", stat(Proc(7, "a) b")).encode()) + member(b"7/statm", statm)
    source = opened(tmp_path, machine() + thread + of_7 + END)
    assert source.facts.page_size == expected


COUNTERS = (
    (b"MemFree", b"nr_free_pages", 4000),
    (b"Mapped", b"nr_mapped", 300),
    (b"Active(file)", b"nr_active_file", 900),
    (b"PageTables", b"nr_page_table_pages", 7),
)


@pytest.mark.parametrize(
    ("kib", "free", "expected"),
    [(64, 4000, 65536), (16, 4100, 16384), (4, 4000, 4096), (64, 9000, None), (5, 4000, None), (0, 4000, None)],
)
def test_the_page_size_by_what_two_files_count(tmp_path: Path, kib: int, free: int, expected: int | None) -> None:
    """A sosreport has neither smaps nor statm; of a container, whose meminfo is its own, the counters differ."""
    meminfo = b"MemTotal: 900000 kB\n" + b"".join(b"%b: %d kB\n" % (name, count * kib) for name, _, count in COUNTERS)
    vmstat = b"".join(b"%b %d\n" % (key, count) for _, key, count in COUNTERS).replace(b" 4000\n", b" %d\n" % free)
    source = opened(tmp_path, member(b"meminfo", meminfo) + member(b"vmstat", vmstat) + END)
    assert source.facts.page_size == expected


def test_facts_that_are_not_told_are_unknown(tmp_path: Path) -> None:
    no_sizes = b"".join(line for line in SMAPS.splitlines(True) if b"PageSize" not in line)
    source = opened(tmp_path, member(b"meminfo", MEMINFO, mtime=b"00000000000") + member(b"7/smaps", no_sizes) + END)
    assert source.facts == ("archive", str(tmp_path / "a.tar"), None, None, None)
    assert [source.user_name(uid) for uid in (0, os.getuid())] == [None, None]


SMAPS_OF_8 = {
    "binary": (bytes(range(256)) * 40, "smaps holds no mapping"),
    "NULs": (bytes(5000), "smaps holds no mapping"),
    "reversed": (
        b"\n".join(SMAPS.split(b"\n")[::-1]) + b"\n",
        "smaps: line 2: expected a field, got 'VmFlags: rd wr mr mw me",
    ),
    "numbers of 5,000 digits": (
        SMAPS.replace(b"     100 kB", b"9" * 5000 + b" kB"),
        "smaps: line 6: expected 'Pss: N kB', got",
    ),
    "other digits": (SMAPS.replace(b"     100 kB", "٤٠ kB".encode()), "smaps: line 6: expected 'Pss: N kB', got"),
    "a line of 1 MiB": (b"a" * (1 << 20) + b"\n" + SMAPS, "smaps: a line of more than 64 KiB"),
    "CR LF": (SMAPS.replace(b"\n", b"\r\n"), "smaps: line 6: expected 'Pss: N kB', got"),
    "text": (b"No such process\n", "smaps: line 1: expected a field, got 'No such process'"),
    "empty": (b"", "no smaps"),
}


@pytest.mark.parametrize("body", SMAPS_OF_8)
def test_a_bad_smaps_is_counted_and_hides_no_other(tmp_path: Path, body: str) -> None:
    data, reason = SMAPS_OF_8[body]
    smaps_of_8 = member(b"8/smaps", data) if data else b""
    source = opened(
        tmp_path, machine() + process(7) + directory(b"8") + smaps_of_8 + member(b"8/cmdline", b"x\0") + END
    )
    sample = read_processes(source, Wants(("Pss",)))
    assert [process.pid for process in sample.processes] == [7]
    assert sample.unreadable == 1
    assert sample.reason.startswith(reason)


@pytest.mark.parametrize("size", [SMALL - 2 * BLOCK, SMALL, 2 * SMALL])
@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_what_is_read_is_the_same_below_and_above_the_size_up_to_which_all_is_kept(
    tmp_path: Path, size: int, kind: str
) -> None:
    more = SOUND[: -len(END)] + member(b"README", bytes(size - len(SOUND) - BLOCK))
    assert rows(opened(tmp_path, packed(more + END, kind))) == BOTH
    with pytest.raises(ArchiveError, match=r"no end mark|in the data of member"):
        opened(tmp_path, packed((more + END)[: len(more) - size // 2 - 7], kind))
    whole = packed(more + END, kind)
    partial = opened(tmp_path, whole[: len(whole) - 9], partial=True)
    assert rows(partial) == BOTH
    assert isinstance(partial, Archive)
    assert partial.damage is not None

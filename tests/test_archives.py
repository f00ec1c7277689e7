"""Archives of every shape: what is read, what is refused, and with which line."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from archives import (
    BLOCK,
    END,
    MEMINFO,
    SOUND,
    busybox_process,
    directory,
    gz_of_zeros,
    header,
    machine,
    member,
    packed,
    pax,
    process,
    signed,
)
from conftest import CAPTURES, HERE, Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trees import Map, smaps

from pymemtools.errors import ArchiveError, MemtoolsError, Missing
from pymemtools.reports.processes import Wanted, read_processes
from pymemtools.sources import open_source
from pymemtools.sources.archive import Archive
from pymemtools.sources.base import Source

Rows = list[tuple[int, str, int | None]]
BOTH: Rows = [(7, "prog", 102400), (8, "other", 307200)]
SMAPS = smaps((Map("[heap]", 100),)).encode()
ZSTD = pytest.param("zst", marks=pytest.mark.skipif(sys.version_info >= (3, 15), reason="no zstandard yet"))


def rows(source: Source) -> Rows:
    sample = read_processes(source, Wanted(("Pss",)))
    return [(process.pid, process.command, process.sums["Pss"]) for process in sample.processes]


def opened(tmp_path: Path, data: bytes, **options: object) -> Source:
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    return open_source(str(path), **options)  # type: ignore[arg-type]


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
    "two top folders: the first counts": (
        machine(b"a/proc/") + process(7, prefix=b"a/proc/") + process(8, prefix=b"b/proc/") + END,
        BOTH[:1],
    ),
    "no directories": (machine() + process(7)[BLOCK:] + END, BOTH[:1]),
    "no meminfo": (process(7) + END, BOTH[:1]),
    "no stat": (machine() + directory(b"7") + member(b"7/smaps", SMAPS) + member(b"7/cmdline", b"prog\0"), BOTH[:1]),
    "no cmdline": (machine() + directory(b"7") + member(b"7/smaps", SMAPS), [(7, "?", 102400)]),
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
    "pax, for all members": (machine() + pax((b"comment", b"x"), kind=b"g") + process(7) + END, BOTH[:1]),
    "type NUL": (machine() + member(b"7/smaps", SMAPS, kind=b"\0") + END, [(7, "?", 102400)]),
    "type 7": (machine() + member(b"7/smaps", SMAPS, kind=b"7") + END, [(7, "?", 102400)]),
    "unpadded octal": (machine() + member(b"7/smaps", SMAPS, size=b"%o" % len(SMAPS)) + END, [(7, "?", 102400)]),
    "octal after blanks": (machine() + member(b"7/smaps", SMAPS, size=b"%11o " % len(SMAPS)), [(7, "?", 102400)]),
    "other members": (machine() + member(b"README", b"x") + member(b"7/environ", b"x") + process(7) + END, BOTH[:1]),
    "absolute names are not ours": (machine() + process(7) + member(b"/etc/passwd", b"root:x:0") + END, BOTH[:1]),
    ".. is not ours": (
        machine() + process(7) + member(b"../7/smaps", SMAPS) + member(b"8/../9/smaps", SMAPS),
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
        ),
        BOTH[:1],
    ),
    "the largest PID": (machine() + member(b"4194304/smaps", SMAPS), [(4194304, "?", 102400)]),
    "an unreadable process": (machine() + process(7) + directory(b"8") + member(b"8/smaps"), BOTH[:1]),
    "a smaps that is none": (machine() + process(7) + member(b"8/smaps", b"\xff\0garbage\n"), BOTH[:1]),
    "a line without end": (machine() + process(7) + member(b"8/smaps", b"a" * (70 << 10)), BOTH[:1]),
    "a stat that is none": (machine() + process(7) + member(b"8/stat", b"8 (x") + member(b"8/smaps", SMAPS), BOTH[:1]),
    "a checksum of signed bytes": (machine() + signed(header("caf\xe9".encode("latin-1"))) + process(7), BOTH[:1]),
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


def test_owners_of_both_kinds_of_smemcap(tmp_path: Path) -> None:
    data = (
        machine()
        + process(7, uid=b"0001750", uname=b"ann", magic=b"ustar  \0")
        + process(8, uid=b"0000000")
        + busybox_process(9, 33)
        + END
    )
    source = opened(tmp_path, data)
    found = {process.pid: (process.uid, process.user) for process in read_processes(source, Wanted(())).processes}
    assert found == {7: (1000, "ann"), 8: (0, None), 9: (33, None)}


def test_names_come_from_the_archives_own_passwd(tmp_path: Path) -> None:
    passwd = member(b"etc/passwd", b"toor:x:0:0::/:\nann\x1b:x:1000:1000::/:\n")
    source = opened(tmp_path, machine(b"proc/") + process(7, prefix=b"proc/", uid=b"0001750") + passwd + END)
    assert (source.user_name(0), source.user_name(1000), source.user_name(33)) == ("toor", "ann\x1b", None)


def test_facts_are_the_studied_machines(tmp_path: Path) -> None:
    large = SMAPS.replace(b"KernelPageSize:        4 kB", b"KernelPageSize:       64 kB")
    source = opened(tmp_path, machine() + member(b"7/smaps", large) + END)
    path = str(tmp_path / "a.tar")
    assert source.facts == ("archive", path, "6.12.0", 65536, "2026-11-22T23:31:18Z")


REFUSED = {
    "empty file": (b"", "no process and no file of /proc in it"),
    "text": (b"hello world\n" * 100, "not a tar archive"),
    "less than a block": (b"x", "not a tar archive"),
    "zeros": (bytes(10240), "no process and no file of /proc in it"),
    "ELF": (b"\x7fELF" + bytes(2000), "not a tar archive"),
    "nothing of ours": (member(b"README", b"x") + END, "no process and no file of /proc in it"),
    "GNU tar of /proc": (
        directory(b"proc/7") + member(b"proc/7/smaps") + member(b"proc/meminfo") + END,
        "all files in it are empty, as tar reads those of /proc: use smemcap, or copy them first",
    ),
    "first header damaged": (b"X" + SOUND[1:], "not a tar archive"),
    "later header damaged": (
        SOUND[: 2 * BLOCK] + b"X" + SOUND[2 * BLOCK + 1 :],
        "damaged archive: bad checksum in member 2",
    ),
    "negative size": (machine() + header(b"7/smaps", b"-0000000001"), "damaged archive: bad size field in member 3"),
    "size in base 256": (
        machine() + header(b"7/smaps", b"\x80" + bytes(10) + b"\x05"),
        "damaged archive: bad size field in member 3",
    ),
    "negative size in base 256": (
        machine() + header(b"7/smaps", b"\xff" * 12),
        "damaged archive: bad size field in member 3",
    ),
    "size of 64 GiB": (machine() + header(b"7/smaps", b"7" * 12), "member 3 is too large: 68719476735 bytes"),
    "size that is no number": (machine() + header(b"7/smaps", b"12x"), "damaged archive: bad size field in member 3"),
    "size missing": (machine() + header(b"7/smaps", b""), "damaged archive: bad size field in member 3"),
    "decimal size": (machine() + header(b"7/smaps", b"00000000009"), "damaged archive: bad size field in member 3"),
    "no checksum": (machine() + header(b"x", checksum=bytes(8)), "damaged archive: bad checksum in member 3"),
    "sparse file": (machine() + header(b"7/smaps", 512, b"S"), "sparse file in member 3: not supported"),
    "pax size": (
        machine() + pax((b"size", b"5")) + member(b"7/smaps", b"x"),
        "extended header with size in member 3: not supported",
    ),
    "pax sparse": (
        machine() + pax((b"GNU.sparse.realsize", b"99999999999")),
        "extended header with GNU.sparse.realsize in member 3: not supported",
    ),
    "pax record too long": (
        machine() + member(b"x", b"99 path=7/smaps\n", kind=b"x"),
        "damaged archive: bad extended header in member 3",
    ),
    "pax record of length 0": (
        machine() + member(b"x", b"0 path=7/smaps\n", kind=b"x"),
        "damaged archive: bad extended header in member 3",
    ),
    "pax record without =": (
        machine() + member(b"x", b"10 path/7\n", kind=b"x"),
        "damaged archive: bad extended header in member 3",
    ),
    "pax that is no pax": (
        machine() + member(b"x", b"\xff" * 40, kind=b"x"),
        "damaged archive: bad extended header in member 3",
    ),
    "large pax header": (
        machine() + header(b"x", 1 << 30, b"x"),
        "damaged archive: extended header of 1073741824 bytes in member 3",
    ),
    "large long name": (
        machine() + header(b"x", 1 << 20, b"L"),
        "damaged archive: extended header of 1048576 bytes in member 3",
    ),
    "cut in a pax header": (
        machine() + pax((b"path", b"x"))[:-1],
        "truncated archive: in the extended header of member 3",
    ),
    "a file twice": (machine() + process(7) + member(b"7/smaps", SMAPS), "damaged archive: member 7 comes twice"),
    "a file twice, by another prefix": (
        machine() + process(7) + member(b"./proc/7/smaps", SMAPS),
        "damaged archive: member 7 comes twice",
    ),
    "meminfo twice": (machine() + member(b"meminfo", MEMINFO), "damaged archive: member 3 comes twice"),
    "a large stat": (machine() + header(b"7/stat", 2 << 20), "member 3 is too large: 2097152 bytes"),
    "a large meminfo": (header(b"meminfo", 1 << 32), "member 1 is too large: 4294967296 bytes"),
    "cut in data": (SOUND[: BLOCK + 20], "truncated archive: in the data of member 1"),
    "cut in a header": (SOUND[: 2 * BLOCK + 20], "truncated archive: member 2 has no complete header"),
    "text after the end": (SOUND + b"hello", "damaged archive: something follows the end of the archive"),
    "another archive after the end": (SOUND + SOUND, "damaged archive: something follows the end of the archive"),
    "a member after one block of zeros": (
        machine() + bytes(BLOCK) + process(7),
        "damaged archive: something follows the end of the archive",
    ),
    "gz cut": (packed(SOUND, "gz")[:-30], "truncated archive: the compressed data ends early"),
    "gz cut in its check": (packed(SOUND, "gz")[:-3], "truncated archive: the compressed data ends early"),
    "gz of a cut archive": (packed(SOUND[: BLOCK + 20], "gz"), "truncated archive: in the data of member 1"),
    "gz with a wrong CRC": (
        packed(SOUND, "gz")[:-8] + b"abcd" + packed(SOUND, "gz")[-4:],
        "damaged archive: Error -3 while decompressing data: incorrect data check",
    ),
    "gz with a wrong length": (
        packed(SOUND, "gz")[:-4] + b"abcd",
        "damaged archive: Error -3 while decompressing data: incorrect length check",
    ),
    "gz header alone": (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "truncated archive: the compressed data ends early"),
    "gz of an unknown method": (
        b"\x1f\x8b\x09" + bytes(30),
        "damaged archive: Error -3 while decompressing data: unknown compression method",
    ),
    "junk after gz": (packed(SOUND, "gz") + b"junk", "damaged archive: junk after the compressed data"),
    "gz then bz2": (packed(SOUND, "gz") + packed(SOUND, "bz2"), "damaged archive: junk after the compressed data"),
    "bz2 cut": (packed(SOUND, "bz2")[:-9], "truncated archive: the compressed data ends early"),
    "bz2 damaged": (
        packed(SOUND, "bz2")[:99] + b"X" + packed(SOUND, "bz2")[100:],
        "damaged archive: Invalid data stream",
    ),
    "xz cut": (packed(SOUND, "xz")[:-9], "truncated archive: the compressed data ends early"),
    "xz damaged": (packed(SOUND, "xz")[:40] + bytes(80), "damaged archive: Corrupt input data"),
    "zip": (b"PK\3\4" + bytes(600), "not a tar archive"),
    "gz of gz": (packed(packed(SOUND, "gz"), "gz"), "not a tar archive"),
    "gz of nothing": (packed(b"", "gz"), "no process and no file of /proc in it"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    data, reason = REFUSED[case]
    with pytest.raises(ArchiveError) as refused:
        opened(tmp_path, data)
    assert str(refused.value) == f"{tmp_path}/a.tar: {reason}"


@pytest.mark.parametrize("case", ["text", "later header damaged", "a file twice", "cut in data", "gz cut"])
def test_a_refusal_is_one_line_and_no_table(pymemtools: Run, tmp_path: Path, case: str) -> None:
    data, reason = REFUSED[case]
    (tmp_path / "a.tar").write_bytes(data)
    for command in ("smem", "free"):
        for arguments, stdin in (((str(tmp_path / "a.tar"),), b""), (("-",), data)):
            done = pymemtools(command, "-S", *arguments, input=stdin)
            assert (done.returncode, done.stdout) == (1, b"")
            assert done.stderr.decode() == f"pymemtools: {arguments[0]}: {reason}\n"


def test_every_truncation_is_noticed_or_at_a_members_end(tmp_path: Path) -> None:
    whole = rows(opened(tmp_path, SOUND))
    ends = set()
    for end in range(0, len(SOUND) - len(END) + 1, 128):
        try:
            found = rows(opened(tmp_path, SOUND[:end]))
        except ArchiveError:
            continue
        assert end % BLOCK == 0
        assert all(row in whole or row[1] == "?" for row in found)
        ends.add(end)
    assert len(ends) == 10  # after each member and directory


def test_partial_shows_what_was_whole(pymemtools: Run, tmp_path: Path) -> None:
    cut = machine() + process(7) + process(8)[: 3 * BLOCK]
    (tmp_path / "cut.tar").write_bytes(cut)
    (tmp_path / "cut.gz").write_bytes(packed(cut, "gz"))
    for name in ("cut.tar", "cut.gz"):
        done = pymemtools("smem", "-H", "-S", str(tmp_path / name), "--partial")
        assert done.returncode == 3
        assert done.stdout == b"    7 0        prog                               0      100      100      100 \n"
        assert done.stderr.decode().splitlines() == [
            f"pymemtools: {tmp_path}/{name}: truncated archive: in the data of member 8; showing what was complete "
            "before that"
        ]


def test_partial_does_not_make_an_archive_of_what_is_none(tmp_path: Path) -> None:
    for case in ("empty file", "text", "zeros", "first header damaged", "GNU tar of /proc", "gz of nothing"):
        with pytest.raises(ArchiveError):
            opened(tmp_path, REFUSED[case][0], partial=True)


BOMBS = {
    "zeros after the end": gz_of_zeros(64 << 20, SOUND),
    "a member of zeros that is not ours": gz_of_zeros(64 << 20, machine() + header(b"README", 64 << 20)),
    "a smaps of zeros": gz_of_zeros(64 << 20, machine() + header(b"7/smaps", 64 << 20)),
    "empty members": packed(header(b"x") * 100_000, "gz"),
    "empty gz streams": packed(b"", "gz") * 200_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_stop_at_the_limit(tmp_path: Path, bomb: str) -> None:
    """In a few seconds, and within 128 MiB and what the interpreter takes."""
    (tmp_path / "bomb").write_bytes(BOMBS[bomb])
    call = f"ulimit -v 200000 -t 5; exec {sys.executable} -m pymemtools smem -S {tmp_path}/bomb --max-size 16M"
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(["bash", "-c", call], env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert b"out of memory" not in done.stderr


SMAPS_OF_8 = {
    "binary": (bytes(range(256)) * 40, "smaps holds no mapping"),
    "NULs": (bytes(5000), "smaps holds no mapping"),
    "reversed": (
        b"\n".join(SMAPS.split(b"\n")[::-1]) + b"\n",
        "line 2: expected a field, got 'VmFlags: rd wr mr mw me",
    ),
    "numbers of 5,000 digits": (
        SMAPS.replace(b"     100 kB", b"9" * 5000 + b" kB"),
        "line 6: expected 'Pss: N kB', got",
    ),
    "other digits": (SMAPS.replace(b"     100 kB", "٤٠ kB".encode()), "line 6: expected 'Pss: N kB', got"),
    "a line of 1 MiB": (b"a" * (1 << 20) + b"\n" + SMAPS, "a line of more than 64 KiB"),
    "CR LF": (SMAPS.replace(b"\n", b"\r\n"), "line 6: expected 'Pss: N kB', got"),
    "text": (b"No such process\n", "line 1: expected a field, got 'No such process'"),
    "empty": (b"", "no smaps"),
}


@pytest.mark.parametrize("body", SMAPS_OF_8)
def test_a_bad_smaps_is_counted_and_hides_no_other(tmp_path: Path, body: str) -> None:
    data, reason = SMAPS_OF_8[body]
    smaps_of_8 = member(b"8/smaps", data) if data else b""
    source = opened(
        tmp_path, machine() + process(7) + directory(b"8") + smaps_of_8 + member(b"8/cmdline", b"x\0") + END
    )
    sample = read_processes(source, Wanted(("Pss",)))
    assert [process.pid for process in sample.processes] == [7]
    assert sample.unreadable == 1
    assert sample.reason.startswith(reason)


def test_more_members_than_any_machine_has_processes(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="archive with more than 200000 members"):
        opened(tmp_path, machine() + header(b"x") * 200_000)


def test_a_hundred_megabytes_in_one_line(pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(machine() + process(7) + header(b"8/smaps", 100 << 20))
    os.truncate(path, (100 << 20) + path.stat().st_size)
    done = pymemtools("smem", "-H", "-c", "pid", "-S", str(path), timeout=20)
    assert (done.returncode, done.stdout) == (0, b"    7 \n")
    assert b"1 of 2 processes could not be read (a line of more than 64 KiB)" in done.stderr


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "fifo", "socket", "link to nothing", "no\0name"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, path: str) -> None:
    import socket

    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link to nothing").symlink_to("nothing")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(MemtoolsError) as refused:
            Archive.open(path if path.startswith("/") else str(tmp_path / path))
    assert refused.type is not MemtoolsError
    assert str(refused.value).startswith(path if path.startswith("/") else str(tmp_path / path))


def test_standard_input_may_be_a_file_that_was_begun(pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a line before\n" + SOUND)
    with path.open("rb", buffering=0) as file:
        file.read(14)
        done = pymemtools("smem", "-H", "-c", "pid", "-S", "-", stdin=file)
    assert (done.returncode, done.stdout) == (0, b"    7 \n    8 \n")


def test_descriptors_are_closed(tmp_path: Path) -> None:
    gc.collect()  # what other tests' exceptions still hold
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        rows(opened(tmp_path, SOUND))
        with pytest.raises(ArchiveError):
            opened(tmp_path, b"no archive")
    with pytest.raises(Missing):
        open_source(str(tmp_path / "nothing"))
    assert len(os.listdir("/proc/self/fd")) == before


def test_nothing_is_written_and_no_member_is_opened(tmp_path: Path) -> None:
    """Watch, by Python's audit events, every file that a report of an archive opens."""
    path = CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"
    code = """
import os, sys
opened = []
sys.addaudithook(lambda event, args: opened.append((args[0], args[2])) if event == "open" else None)
del opened[:]
from pymemtools.entry import main
sys.argv = ["pymemtools", "smem", "-S", sys.argv[1], "-u"]
import pymemtools.cli
pymemtools.cli.leave = lambda status: (print(repr(opened), file=sys.stderr), os._exit(status))
main()
"""
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    opens = [(name, flags) for name, flags in eval(done.stderr) if not str(name).endswith((".py", ".pyc"))]
    written = [name for name, flags in opens if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)]
    assert written == []
    assert {name for name, _ in opens if isinstance(name, str) and "python" not in name} <= {str(path)}
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(["flip", "cut", "delete", "insert"]),
            st.integers(0, len(SOUND)),
            st.binary(min_size=1, max_size=12),
        ),
        min_size=1,
        max_size=4,
    ),
    kind=st.sampled_from(["", "gz"]),
)
def test_any_damage_gives_rows_or_one_error(tmp_path: Path, edits: list[tuple[str, int, bytes]], kind: str) -> None:
    data = packed(SOUND, kind) if kind else SOUND
    for what, at, some in edits:
        place = at % (len(data) + 1)
        if what == "cut":
            data = data[:place]
        elif what == "delete":
            data = data[:place] + data[place + len(some) :]
        elif what == "insert":
            data = data[:place] + some + data[place:]
        else:
            data = data[:place] + some[: len(data) - place] + data[place + len(some) :]
    for partial in (False, True):
        try:
            source = opened(tmp_path, data, partial=partial)
        except ArchiveError as error:
            assert "\n" not in str(error)
        else:
            rows(source)

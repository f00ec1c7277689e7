"""Archives that are refused: damaged, hostile or none at all, each with its one line."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from archives import BLOCK, END, MEMINFO, SMAPS, SOUND, directory, header, machine, member, opened, packed, pax, process
from conftest import Run

from pymemtools.cli import cli
from pymemtools.errors import ArchiveError
from pymemtools.render.escape import escape

ALL_EMPTY = (
    "all files in it are empty: programs that go by the size of a file see nothing in those of /proc; "
    "use pymemtools capture or smemcap"
)


def packed_for_much_memory() -> bytes:
    """Give an xz file that says it needs a dictionary of 1 GiB, as ``xz --lzma2=dict=1GiB`` writes."""
    return (
        bytes.fromhex(
            "fd377a585a000004e6d6b446"  # stream header with CRC64
            "0200210124000000"  # block header: one filter, LZMA2, dictionary size 36 = 1 GiB
        )
        + zlib.crc32(bytes.fromhex("0200210124000000")).to_bytes(4, "little")
        + bytes(100)
    )


REFUSED = {
    "empty file": (b"", "is empty"),
    "text": (b"hello world\n" * 100, "not a tar archive"),
    "less than a block": (b"x", "not a tar archive"),
    "zeros": (bytes(10240), "no process and no file of /proc in it"),
    "ELF": (b"\x7fELF" + bytes(2000), "not a tar archive"),
    "nothing of ours": (member(b"README", b"x") + END, "no process and no file of /proc in it"),
    "GNU tar of /proc": (
        directory(b"proc/7") + member(b"proc/7/smaps") + member(b"proc/meminfo") + END,
        ALL_EMPTY,
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
    "size of 64 GiB": (machine() + header(b"7/smaps", b"7" * 12), "7/smaps (member 3) is too large: 68719476735 bytes"),
    "size that is no number": (machine() + header(b"7/smaps", b"12x"), "damaged archive: bad size field in member 3"),
    "size missing": (machine() + header(b"7/smaps", b""), "damaged archive: bad size field in member 3"),
    "decimal size": (machine() + header(b"7/smaps", b"00000000009"), "damaged archive: bad size field in member 3"),
    "no checksum": (machine() + header(b"x", checksum=bytes(8)), "damaged archive: bad checksum in member 3"),
    "pax size": (
        machine() + pax((b"size", b"5")) + member(b"7/smaps", b"x"),
        "extended header with size in member 3: not supported",
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
    "a file twice": (
        machine() + process(7) + member(b"7/smaps", SMAPS),
        "damaged archive: 7/smaps (member 7) comes twice",
    ),
    "a file twice, by another prefix": (
        machine() + process(7) + member(b"./proc/7/smaps", SMAPS),
        "damaged archive: 7/smaps (member 7) comes twice",
    ),
    "meminfo twice": (machine() + member(b"meminfo", MEMINFO), "damaged archive: meminfo (member 3) comes twice"),
    "a large stat": (machine() + header(b"7/stat", 2 << 20), "7/stat (member 3) is too large: 2097152 bytes"),
    "a large meminfo": (header(b"meminfo", 1 << 32), "meminfo (member 1) is too large: 4294967296 bytes"),
    "a large command line": (
        machine() + header(b"7/cmdline", 9 << 20),
        "7/cmdline (member 3) is too large: 9437184 bytes",
    ),
    "passwd twice": (
        machine() + 2 * member(b"etc/passwd", b"x"),
        "damaged archive: etc/passwd (member 4) comes twice",
    ),
    "two /proc trees": (
        machine(b"a/proc/") + process(7, prefix=b"b/proc/"),
        "two /proc trees in it, below 'a' and below 'b'",
    ),
    "two /proc trees with long names": (
        pax((b"path", b"a" * 5000 + b"/proc/meminfo")) + member(b"x", b"x") + process(7, prefix=b"\xff\x1b/proc/"),
        f"two /proc trees in it, below '{'a' * 60}' and below '\udcff\x1b'",
    ),
    "a /proc tree within another": (
        machine() + process(7) + process(8, prefix=b"a/proc/"),
        "two /proc trees in it, below '.' and below 'a'",
    ),
    "/sys alone, as tar pads it": (
        member(b"sys/kernel/mm/ksm/run", bytes(4096)) + member(b"proc/meminfo") + END,
        ALL_EMPTY,
    ),
    "nothing after a pax header": (
        machine() + pax((b"path", b"7/smaps")),
        "truncated archive: nothing follows the extended header of member 3",
    ),
    "the end after a long name": (
        machine() + member(b"x", b"7/smaps\0", kind=b"L") + END,
        "truncated archive: nothing follows the extended header of member 3",
    ),
    "ustar without end": (
        member(b"meminfo", MEMINFO, magic=b"ustar\x0000") + process(7, magic=b"ustar\x0000"),
        "truncated archive: no end mark",
    ),
    "GNU tar without end": (
        member(b"meminfo", MEMINFO, magic=b"ustar  \0") + process(7, magic=b"ustar  \0"),
        "truncated archive: no end mark",
    ),
    "V7 without end, but none of smemcap's": (
        machine(b"./") + process(7, prefix=b"./"),
        "truncated archive: no end mark",
    ),
    "pax size, for all members": (
        machine() + pax((b"size", b"5"), kind=b"g") + process(7),
        "extended header with size in member 3: not supported",
    ),
    "more zeros after the end than anybody writes": (
        SOUND + bytes(17 << 20),
        "damaged archive: more than 16 MiB of zeros at its end",
    ),
    "smemcap's, cut within its only process": (machine() + process(7)[: 4 * BLOCK], "truncated archive: in process 7"),
    "smemcap's, cut within a process": (
        machine() + process(7) + directory(b"8"),
        "truncated archive: in process 8",
    ),
    "cut in data": (SOUND[: BLOCK + 20], "truncated archive: in the data of member 1"),
    "cut in a header": (SOUND[: 2 * BLOCK + 20], "truncated archive: no complete header of member 2"),
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
        "cannot be unpacked: Error -3 while decompressing data: incorrect data check",
    ),
    "gz with a wrong length": (
        packed(SOUND, "gz")[:-4] + b"abcd",
        "cannot be unpacked: Error -3 while decompressing data: incorrect length check",
    ),
    "gz header alone": (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "truncated archive: the compressed data ends early"),
    "gz of an unknown method": (
        b"\x1f\x8b\x09" + bytes(30),
        "cannot be unpacked: Error -3 while decompressing data: unknown compression method",
    ),
    "junk after gz": (packed(SOUND, "gz") + b"junk", "damaged archive: junk after the compressed data"),
    "gz then bz2": (packed(SOUND, "gz") + packed(SOUND, "bz2"), "damaged archive: junk after the compressed data"),
    "bz2 cut": (packed(SOUND, "bz2")[:-9], "truncated archive: the compressed data ends early"),
    "bz2 damaged": (
        packed(SOUND, "bz2")[:99] + b"X" + packed(SOUND, "bz2")[100:],
        "cannot be unpacked: Invalid data stream",
    ),
    "xz cut": (packed(SOUND, "xz")[:-9], "truncated archive: the compressed data ends early"),
    "xz damaged": (packed(SOUND, "xz")[:40] + bytes(80), "cannot be unpacked: Corrupt input data"),
    "xz that asks for 1 GiB of memory": (packed_for_much_memory(), "cannot be unpacked: Memory usage limit exceeded"),
    "zip": (b"PK\3\4" + bytes(600), "not a tar archive"),
    "gz of gz": (packed(packed(SOUND, "gz"), "gz"), "not a tar archive"),
    "gz, zeros, junk": (
        packed(SOUND, "gz") + bytes(1 << 20) + b"junk",
        "damaged archive: junk after the compressed data",
    ),
    "zip file by another name": (packed(b"PK\3\4" + bytes(600), "gz"), "not a tar archive"),
    "gz of nothing": (packed(b"", "gz"), "is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    """The one message comes from every command, and not a line of a table before it."""
    data, reason = REFUSED[case]
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    for command in ("smem", "free"):
        with pytest.raises(ArchiveError) as refused:
            cli.main([command, "-S", str(path)], standalone_mode=False)
        assert str(refused.value) == f"{path}: {reason}{advice(reason)}"
    assert capsys.readouterr() == ("", "")


def advice(reason: str) -> str:
    """Give what the command line adds: of an archive that was cut, what shows its beginning."""
    is_cut = reason.startswith("truncated archive: ")
    return "; --partial shows what was complete before that" if is_cut else ""


SAMPLE = (
    *("text", "later header damaged", "a file twice", "cut in data", "gz cut", "negative size", "zip", "empty file"),
    *("GNU tar of /proc", "two /proc trees with long names"),
)


@pytest.mark.parametrize("case", SAMPLE)
def test_a_refusal_is_one_line_and_no_table(pymemtools: Run, tmp_path: Path, case: str) -> None:
    data, reason = REFUSED[case]
    (tmp_path / "a.tar").write_bytes(data)
    for command, place, stdin in (("smem", str(tmp_path / "a.tar"), b""), ("free", "-", data)):
        done = pymemtools(command, "-S", place, input=stdin)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == f"pymemtools: {place}: {escape(reason)}{advice(reason)}\n"


def test_partial_does_not_make_an_archive_of_what_is_none(tmp_path: Path) -> None:
    for case in ("empty file", "text", "zeros", "first header damaged", "GNU tar of /proc", "gz of nothing"):
        with pytest.raises(ArchiveError):
            opened(tmp_path, REFUSED[case][0], partial=True)

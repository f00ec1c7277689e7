"""Tar archives, sound and not, made byte by byte: what a hostile or broken maker would send."""

from __future__ import annotations

import io
from pathlib import Path

from trees import Map, Proc, smaps, stat

from pymemtools.readings.processes import expect_processes, read_processes
from pymemtools.readings.wants import Wants
from pymemtools.sources import open_source
from pymemtools.sources.base import Source

BLOCK = 512
END = bytes(2 * BLOCK)
MEMINFO = b"MemTotal:        1024000 kB\nMemFree:          512000 kB\nSwapTotal:             0 kB\nSwapFree: 0 kB\n"
VERSION = b"Linux version 6.12.0 (builder) #1 SMP\n"


def header(
    name: bytes,
    size: int | bytes = 0,
    kind: bytes = b"0",
    *,
    mode: bytes = b"0000444",
    uid: bytes = b"0000000",
    mtime: bytes = b"15300675506",
    magic: bytes = b"",
    uname: bytes = b"",
    prefix: bytes = b"",
    checksum: bytes | None = None,
) -> bytes:
    """Make a header block, by default as Debian's smemcap writes it (V7); ``size`` as bytes is put in as it is."""
    digits = size if isinstance(size, bytes) else b"%011o" % size
    block = b"".join(
        field.ljust(width, b"\0")[:width]
        for field, width in (
            *((name, 100), (mode, 8), (uid, 8), (b"0000000", 8), (digits, 12), (mtime, 12), (b" " * 8, 8)),
            *((kind, 1), (b"", 100), (magic, 8), (uname, 32), (b"", 32), (b"", 16), (prefix, 155), (b"", 12)),
        )
    )
    return block[:148] + (checksum or b"%06o\0 " % sum(block)) + block[156:]


def member(name: bytes, data: bytes = b"", **fields: object) -> bytes:
    """Make a header and its data."""
    return header(name, fields.pop("size", len(data)), **fields) + padded(data)  # type: ignore[arg-type]


def padded(data: bytes) -> bytes:
    """Fill data up to whole blocks."""
    return data + bytes(-len(data) % BLOCK)


def directory(name: bytes, **fields: object) -> bytes:
    """Make the header of a directory."""
    return header(name, 0, b"5", **fields)  # type: ignore[arg-type]


def process(pid: int, command: str = "prog", pss: int = 100, *, prefix: bytes = b"", **fields: object) -> bytes:
    """Make the members of one process."""
    one = Proc(pid, command, (Map("[heap]", pss),))
    name = prefix + b"%d" % pid
    return b"".join(
        (
            directory(name, **fields),
            member(name + b"/smaps", smaps(one.maps).encode(), **fields),
            member(name + b"/cmdline", command.encode() + b"\0", **fields),
            member(name + b"/stat", stat(one).encode(), **fields),
        )
    )


def machine(prefix: bytes = b"") -> bytes:
    """Make the members that are no process's."""
    return member(prefix + b"meminfo", MEMINFO) + member(prefix + b"version", VERSION)


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """Make an extended header."""
    data = b"".join(map(_pax_record, records))
    return member(b"PaxHeaders/x", data, kind=kind, magic=b"ustar\x0000")


def _pax_record(record: tuple[bytes, bytes]) -> bytes:
    body = b" " + record[0] + b"=" + record[1] + b"\n"
    length = len(body)
    while length != len(b"%d" % length) + len(body):
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def busybox_process(pid: int, uid: int, command: bytes = b"prog\0") -> bytes:
    """Make a process as busybox's smemcap does: a zeroed directory header, unpadded numbers, the owner on the files."""
    one = Proc(pid, "prog", (Map("[heap]", 100),))
    files = ((b"smaps", smaps(one.maps).encode()), (b"cmdline", command), (b"stat", stat(one).encode()))
    top = directory(b"%d" % pid, magic=b"ustar  \0", mode=b"555", uid=b"0", mtime=b"0")
    return top + b"".join(busybox_member(b"%d/%s" % (pid, name), data, uid) for name, data in files)


def busybox_member(name: bytes, data: bytes, uid: int = 0) -> bytes:
    """Make a file as busybox's smemcap writes it."""
    return member(name, data, size=b"%o" % len(data), magic=b"ustar  \0", mode=b"444", uid=b"%o" % uid)


def signed(block: bytes) -> bytes:
    """Give a header the checksum that old programs wrote: the sum of signed bytes."""
    fields = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(byte - 256 if byte > 127 else byte for byte in fields) + block[156:]


SMAPS = smaps((Map("[heap]", 100),)).encode()
SOUND = machine() + process(7) + process(8, "other", 300) + END


def packed(data: bytes, kind: str) -> bytes:
    """Compress with one of gz, bz2, xz, zst."""
    if kind == "gz":
        import gzip

        return gzip.compress(data, mtime=0)
    if kind == "bz2":
        import bz2

        return bz2.compress(data)
    if kind == "xz":
        import lzma

        return lzma.compress(data)
    import zstandard

    return zstandard.ZstdCompressor().compress(data)


def gz_of_zeros(size: int, before: bytes = b"") -> bytes:
    """Make a bomb: a few KiB that unpack to so many zeros."""
    import gzip

    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as file:
        file.write(before)
        block = bytes(1 << 20)
        for _ in range(size >> 20):
            file.write(block)
    return out.getvalue()


Rows = list[tuple[int, str, "int | None"]]
BOTH: Rows = [(7, "prog", 102400), (8, "other", 307200)]  # of SOUND


def rows(source: Source) -> Rows:
    """Give the PID, command and PSS of each process."""
    expect_processes(source)
    sample = read_processes(source, Wants(("Pss",)))
    return [(process.pid, process.command, process.sums["Pss"]) for process in sample.processes]


def opened(folder: Path, data: bytes, **options: object) -> Source:
    """Write an archive and open it."""
    path = folder / "a.tar"
    path.write_bytes(data)
    return open_source(str(path), **options)  # type: ignore[arg-type]

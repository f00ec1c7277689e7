"""The size in memory of an uncompressed kernel image (vmlinux), read from its ELF section headers."""

from __future__ import annotations

import os
import stat
import struct

from pymemtools.errors import Denied, Missing, ParseError

_SHF_ALLOC = 0x2
_COMPRESSED = ("gzip", b"\x1f\x8b"), ("xz", b"\xfd7zXZ"), ("bzip2", b"BZh"), ("zstd", b"\x28\xb5\x2f\xfd")
_HINT = "give the uncompressed vmlinux"


def kernel_image_size(path: str) -> int:
    """Sum the sections that occupy memory, in bytes: what size(1) calls text, data and bss together.

    Reads 32- and 64-bit images of either byte order; nothing else is started or searched. Raises Missing, Denied or
    ParseError. Source: elf(5).
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Missing(f"{path}: no such file") from None
    except OSError as error:
        raise Denied(f"{path}: {os.strerror(error.errno or 0)}") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ParseError(path, None, "not a regular file")
        return _alloc_size(fd, path)
    finally:
        os.close(fd)


def _alloc_size(fd: int, path: str) -> int:
    head = os.pread(fd, 64, 0)
    if head[:4] != b"\x7fELF" or len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise ParseError(path, None, _not_elf(head))
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    if wide and len(head) < 64:
        raise ParseError(path, None, f"the ELF header is cut short; {_HINT}")
    table, entry, count = (
        *struct.unpack_from(order + ("Q" if wide else "L"), head, 40 if wide else 32),
        *struct.unpack_from(order + "2H", head, 58 if wide else 46),
    )
    section = struct.Struct(order + ("8xQ16xQ24x" if wide else "8xL8xL16x"))  # sh_flags, sh_size
    if not table or entry < section.size:
        raise ParseError(path, None, "an ELF file without section headers: its size in memory cannot be told")
    if count == 0:  # more than 65,279 sections: the first section's sh_size tells how many
        count = min(section.unpack(_at(fd, table, section.size, path))[1], 1 << 20)
    sizes = (section.unpack_from(_at(fd, table + i * entry, section.size, path)) for i in range(count))
    return sum(size for flags, size in sizes if flags & _SHF_ALLOC)


def _at(fd: int, place: int, size: int, path: str) -> bytes:
    data = os.pread(fd, size, place) if place < 1 << 62 else b""
    if len(data) < size:
        raise ParseError(path, None, f"the section headers are cut short; {_HINT}")
    return data


def _not_elf(head: bytes) -> str:
    for name, magic in _COMPRESSED:
        if head.startswith(magic):
            return f"compressed with {name}; {_HINT}"
    return f"a compressed boot image, no ELF file; {_HINT}" if head[:2] == b"MZ" else f"not an ELF file; {_HINT}"

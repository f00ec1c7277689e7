"""/proc/meminfo: every figure the kernel printed, in bytes."""

from __future__ import annotations

from collections.abc import Mapping

from pymemtools.errors import ParseError, excerpt

_LONGEST = 20  # digits of an unsigned 64-bit number
_32_BITS = 1 << 32
_LINUX_2_4 = (b"Mem", b"Swap")  # rows of the table that it printed above the lines


def parse_meminfo(text: bytes, file: str = "meminfo") -> Mapping[str, int]:
    """Map each key to bytes; the HugePages_* lines, which carry no ``kB``, to pages.

    Keys of kernels to come are carried through. A later duplicate wins, as in procps. The table that
    Linux 2.4 printed above the lines is passed over.

    >>> parse_meminfo(b"MemTotal:  8 kB\\nHugePages_Total: 3\\n")
    {'MemTotal': 8192, 'HugePages_Total': 3}

    Raises ParseError for a line of the right shape with a wrong value, and when MemTotal is missing: without it
    the text is no meminfo. Source: fs/proc/meminfo.c, meminfo_proc_show().
    """
    fields: dict[str, int] = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        key, colon, value = line.partition(b":")
        if colon and _is_key(key):
            if key not in _LINUX_2_4:
                fields[key.decode("ascii")] = _amount(value, line, file, number)
        elif not line.isascii() or b"\0" in line:
            raise _damage(line, file, number)
    if "MemTotal" not in fields:
        raise ParseError(file, None, "no MemTotal field")
    return fields


def hugetlb_pool(meminfo: Mapping[str, int]) -> int | None:
    """Give the bytes of all hugetlb pools; before Linux 4.16 meminfo tells that of the default size only.

    >>> hugetlb_pool({"HugePages_Total": 3, "Hugepagesize": 2 << 20}) >> 20
    6

    None on kernels without them.
    """
    if "Hugetlb" in meminfo:
        return meminfo["Hugetlb"]
    pages, size = meminfo.get("HugePages_Total"), meminfo.get("Hugepagesize")
    return None if pages is None or size is None else pages * size


def has_32_bits(meminfo: Mapping[str, int]) -> bool | None:
    """Tell whether a kernel's addresses have 32 bits: VmallocTotal is a part of them, and of 64 bits far more.

    >>> has_32_bits({"VmallocTotal": 247808 << 10}), has_32_bits({"VmallocTotal": 34359738367 << 10})
    (True, False)

    None where it is not told. Source: fs/proc/meminfo.c, meminfo_proc_show(), VMALLOC_TOTAL.
    """
    room = meminfo.get("VmallocTotal")
    return None if room is None else room < _32_BITS


def _is_key(text: bytes) -> bool:
    """Tell a key, such as ``Active(anon)`` or ``HugePages_Free``, from the words of a header."""
    return text[:1].isalpha() and text.translate(None, b"_()").isalnum()


def _amount(text: bytes, line: bytes, file: str, number: int) -> int:
    words = text.split()
    if not words or not words[0].isdigit() or len(words[0]) > _LONGEST or words[1:] not in ([], [b"kB"]):
        raise _damage(line, file, number)
    return int(words[0]) * (1024 if words[1:] else 1)


def _damage(line: bytes, file: str, number: int) -> ParseError:
    return ParseError(file, number, f"expected 'Name: N kB', got {excerpt(line)}")

"""/proc/meminfo, as kernels from 2.4 on print it, and as damage leaves it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymemtools.errors import ParseError
from pymemtools.procfs.meminfo import parse_meminfo

LINUX_2_4 = b"""        total:    used:    free:  shared: buffers:  cached:
Mem:  1054134272 1039437824 14696448        0 176300032 661839872
Swap: 2139119616 11513856 2127605760
MemTotal:      1029428 kB
MemFree:         14352 kB
MemShared:           0 kB
"""


def test_amounts_are_bytes_and_huge_pages_are_pages() -> None:
    text = b"MemTotal:       481432 kB\nHugePages_Total:       2\nDirectMap4k:   1 kB\nActive(anon): 3 kB\n"
    assert parse_meminfo(text) == {
        "MemTotal": 481432 * 1024,
        "HugePages_Total": 2,
        "DirectMap4k": 1024,
        "Active(anon)": 3072,
    }


def test_linux_2_4_has_a_table_above() -> None:
    assert parse_meminfo(LINUX_2_4) == {"MemTotal": 1029428 * 1024, "MemFree": 14352 * 1024, "MemShared": 0}


@pytest.mark.parametrize(
    "line", [b"MemTotal:5 kB", b"MemTotal:\t5\tkB ", b"MemTotal: 5 kB\r", b"MemTotal: 9 kB\nMemTotal: 5 kB"]
)
def test_spaces_do_not_matter_and_a_later_line_wins(line: bytes) -> None:
    assert parse_meminfo(line + b"\nNewField: 7 kB\nno colon here\n\n") == {"MemTotal": 5120, "NewField": 7168}


@pytest.mark.parametrize(
    "line",
    [
        b"MemFree: -5 kB",
        b"MemFree: 77x kB",
        b"MemFree: 7 MB",
        b"MemFree: 7 kB kB",
        b"MemFree: kB",
        b"MemFree:",
        b"MemFree: 1.5 kB",
        b"MemFree: 123456789012345678901 kB",
        "MemFree: ٣ kB".encode(),
        b"MemFree\0: 5 kB",
        b"\xff\xfe",
        b"\0",
    ],
)
def test_a_damaged_line_is_named(line: bytes) -> None:
    with pytest.raises(ParseError, match=r"^meminfo: line 2: expected 'Name: N kB', got '"):
        parse_meminfo(b"MemTotal: 8 kB\n" + line + b"\nCached: 1 kB\n")


@pytest.mark.parametrize("text", [b"", b"\n", b"hello\n", b"MemFree: 5 kB\n", b"  MemTotal: 5 kB\n"])
def test_without_memtotal_it_is_no_meminfo(text: bytes) -> None:
    with pytest.raises(ParseError, match=r"^meminfo: no MemTotal field$"):
        parse_meminfo(text)


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Za-z0-9_()]{0,15}", fullmatch=True), st.integers(0, 2**64 - 1)))
def test_what_the_kernel_would_print_is_read_back(fields: dict[str, int]) -> None:
    fields = {key: amount for key, amount in fields.items() if key not in ("Mem", "Swap")} | {"MemTotal": 1}
    text = "".join(f"{key + ':':<16} {amount:>7} kB\n" for key, amount in fields.items())
    assert parse_meminfo(text.encode()) == {key: amount * 1024 for key, amount in fields.items()}


@given(
    st.one_of(st.binary(), st.lists(st.sampled_from([b"MemTotal:", b" 8", b" kB", b"\n", b"\0", b"x"])).map(b"".join))
)
def test_nothing_but_a_parse_error(text: bytes) -> None:
    try:
        fields = parse_meminfo(text)
    except ParseError as error:
        assert re.match(r"meminfo: (line \d+: expected|no MemTotal)", str(error))
    else:
        assert fields["MemTotal"] >= 0

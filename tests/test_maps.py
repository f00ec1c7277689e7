"""/proc/PID/maps and smaps: any bytes give records or the one error; text made from records gives them back."""

from collections.abc import Iterator

import pytest
from conftest import HERE
from hypothesis import example, given
from hypothesis import strategies as st

from pymemtools.errors import ParseError
from pymemtools.procfs.maps import Mapping, parse_maps
from pymemtools.procfs.smaps.table import SmapsReader, SmapsTable
from pymemtools.sources import open_source

HEADER = b"00400000-00401000 r-xp 00001000 fe:00 18    "
ONE = HEADER + b"/bin/x\nSize:                  4 kB\nRss:                   8 kB\nVmFlags: rd ex mr \n"


def table(text: bytes, piece: int = 1 << 20, wanted: frozenset[str] | None = None) -> SmapsTable:
    reader = SmapsReader((lambda key: True) if wanted is None else wanted.__contains__)
    for at in range(0, len(text), piece):
        reader.feed(text[at : at + piece])
    return reader.finish()


def columns(found: SmapsTable) -> dict[str, list[int | None]]:
    return {key: list(column) for key, column in found.columns.items()}


NAMES = st.one_of(
    st.just(b""),
    st.sampled_from([b"[heap]", b"/x (deleted)", b"Rss: 9 kB", b"Size:                  4 kB", b"/a b", b"\x1b[2J"]),
    st.binary(max_size=40).filter(lambda name: b"\n" not in name and not name.startswith(b" ")),
)
ADDRESS = st.integers(0, (1 << 64) - 1)
MAPPINGS = st.builds(
    lambda edges, perms, offset, device, inode, name: Mapping(
        min(edges), max(edges), perms, offset, device, inode, name
    ),
    st.tuples(ADDRESS, ADDRESS),
    st.sampled_from([b"r-xp", b"rw-s", b"---p"]),
    ADDRESS,
    st.sampled_from([b"00:00", b"fe:00", b"103:10302"]),
    st.integers(0, (1 << 64) - 1),
    NAMES,
)
KEYS = ("Size", "Rss", "Pss_Dirty", "Shared_Hugetlb", "THPeligible")
NUMBERS = st.one_of(st.integers(0, 9), st.integers(0, 99_999_999), st.integers(0, 10**15 - 1))
RECORDS = st.lists(st.tuples(MAPPINGS, st.tuples(*[NUMBERS] * len(KEYS)), st.sampled_from([b"rd wr", b"", b"??"])))


def line_of(mapping: Mapping) -> bytes:
    head = b"%08x-%08x %b %08x %b %d " % mapping[:6]
    return head.ljust(73) + mapping.name + b"\n" if mapping.name else head + b"\n"


def lines_of(records: list[tuple[Mapping, tuple[int, ...], bytes]]) -> Iterator[bytes]:
    """Write smaps as the kernel does: SEQ_PUT_DEC() and show_smap() in fs/proc/task_mmu.c."""
    for mapping, numbers, flags in records:
        yield line_of(mapping)
        for key, number in zip(KEYS, numbers):
            unit = b"" if key == "THPeligible" else b" kB"
            yield b"%-16b%8d%b\n" % (key.encode() + b":", number, unit)
        yield b"VmFlags: %b \n" % flags


@given(st.lists(MAPPINGS))
def test_maps_made_from_mappings_gives_them_back(mappings: list[Mapping]) -> None:
    assert list(parse_maps(b"".join(map(line_of, mappings)))) == mappings


@given(st.binary())
@example(b"\n")
@example(HEADER)
def test_any_bytes_are_mappings_or_one_error(text: bytes) -> None:
    try:
        assert len(list(parse_maps(text))) == text.count(b"\n")
    except ParseError as error:
        assert str(error).startswith("maps: line ")


def test_a_mapping_that_ends_before_it_starts_is_none() -> None:
    with pytest.raises(ParseError, match="maps: line 2: expected a mapping, got '2-1 "):
        parse_maps(b"1-2 r-xp 0 00:00 0\n2-1 r-xp 0 00:00 0\n")


@given(RECORDS, st.integers(40, 4000), st.one_of(st.none(), st.frozensets(st.sampled_from(KEYS))))
def test_smaps_made_from_records_gives_them_back(
    records: list[tuple[Mapping, tuple[int, ...], bytes]], piece: int, wanted: frozenset[str] | None
) -> None:
    found = table(b"".join(lines_of(records)), piece, wanted)
    assert list(found.mappings) == [mapping._replace(vmflags=flags) for mapping, _, flags in records]
    expected = {
        key: [numbers[i] * (1 if key == "THPeligible" else 1024) for _, numbers, _ in records]
        for i, key in enumerate(KEYS)
        if records and (wanted is None or key in wanted)
    }
    assert columns(found) == expected
    assert not found.cut_short


@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(ONE.split(b"\n")))), st.integers(1, 200))
def test_any_bytes_are_smaps_or_one_error(lines: list[bytes], piece: int) -> None:
    try:
        found = table(b"\n".join(lines), piece)
    except ParseError as error:
        assert str(error).startswith("smaps: line ")
    else:
        assert all(len(column) == len(found.mappings) for column in found.columns.values())


@pytest.mark.parametrize("cut", range(1, len(ONE)))
def test_a_record_cut_anywhere_is_left_out(cut: int) -> None:
    found = table(ONE + ONE[:cut])
    assert len(found.mappings) == 1
    assert columns(found) == {"Size": [4096], "Rss": [8192]}
    assert found.cut_short


def test_a_cut_header_costs_nothing_that_was_complete() -> None:
    found = table(ONE + ONE + b"0040")
    assert len(found.mappings) == 2
    assert found.cut_short


def test_names_are_never_believed_to_be_fields() -> None:
    hostile = ONE.replace(b"/bin/x", b"/tmp/a\\012Rss: 9 kB") + ONE.replace(b"/bin/x", b"Size:                  9 kB")
    assert columns(table(hostile)) == {"Size": [4096, 4096], "Rss": [8192, 8192]}


def test_fields_that_come_and_go_are_unknown_where_they_are_not() -> None:
    odd = ONE.replace(b"Rss:  ", b"New:  ")
    assert columns(table(ONE + odd + ONE)) == {
        "Size": [4096] * 3,
        "Rss": [8192, None, 8192],
        "New": [None, 8192, None],
    }


def test_records_without_flags_and_with_odd_lines() -> None:
    old = ONE.replace(b"VmFlags: rd ex mr \n", b"Name:           [anon:x]\n")
    found = table(old * 3)
    assert columns(found) == {"Size": [4096] * 3, "Rss": [8192] * 3}
    assert {mapping.vmflags for mapping in found.mappings} == {b""}


def test_a_record_without_end_is_refused() -> None:
    with pytest.raises(ParseError, match="smaps: line 1: record without end"):
        table(HEADER + b"x" * 3_000_000)


@pytest.mark.parametrize("machine", ["armv7-highmem-6.1", "x86_64-6.1", "x86_64-7.2"])
def test_every_kernel_takes_the_same_two_ways(machine: str) -> None:
    """Fields that come first make records that the fast way has no layout for."""
    source = open_source(str(HERE / "pmap" / machine / "processes.tar.gz"))
    for pid in source.pids():
        with source.process(pid) as files:
            text = files.read("smaps")
            maps = [mapping._replace(vmflags=b"") for mapping in parse_maps(files.read("maps"))]
        fast, slow = table(text), table(text.replace(b"\nSize:", b"\nOdd\nSize:").replace(b"\nOdd\n", b"\nName: [x]\n"))
        assert columns(fast) == columns(slow)
        assert list(fast.mappings) == list(slow.mappings)
        assert [mapping._replace(vmflags=b"") for mapping in fast.mappings] == maps

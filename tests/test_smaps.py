"""smaps by its three readers: the plain one, the sums and the table agree, whatever the kernel prints."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CAPTURES, HERE
from hypothesis import given, settings
from hypothesis import strategies as st

from pymemtools.errors import ParseError
from pymemtools.procfs.smaps.accounted import Accounting
from pymemtools.procfs.smaps.records import parse_smaps
from pymemtools.procfs.smaps.rollup import Rollups, parse_smaps_rollup
from pymemtools.procfs.smaps.table import SmapsReader
from pymemtools.procfs.smaps.tally import Tally

KEYS = ("Swap", "Private_Clean", "Private_Dirty", "Pss", "Rss")
FIELDS = (
    *("KernelPageSize", "MMUPageSize", "Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Private_Clean", "Private_Dirty"),
    *("Referenced", "Anonymous", "Swap", "SwapPss", "Locked", "NewInLinux9"),
)
NAMES = st.sampled_from(
    [
        b"",
        b"[heap]",
        b"[anon:x y]",
        b"/lib/libc.so.6",
        b"/tmp/x (deleted)",
        b"/tmp/a b  c",
        b"/tmp/x\\012Rss:                9 kB",
        b"/tmp/Rss:                   9 kB",
        b"/tmp/Size: 4 kB",
        b"/caf\xe9\xff\x0b\x1b[2J\xe2\x80\xa8-x",
        b"/" + b"n" * 4095,
        b"anon_inode:[eventpoll]",
        b"//enon",
    ]
)
NUMBERS = st.one_of(st.just(0), st.integers(0, 99_999_999), st.integers(10**8, 10**11))


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Write a smaps: one kernel's fields for all records, or now and then a record of another layout."""
    usual = draw(st.lists(st.sampled_from(FIELDS), unique=True))
    has_thp, has_flags = draw(st.booleans()), draw(st.booleans())
    out = []
    for number in range(draw(st.integers(1, 8))):
        start = 0x10000 + number * 0x100000
        name = draw(NAMES)
        header = b"%08x-%08x rw-p %08x 08:01 %d " % (start, start + 4096, draw(st.integers(0, 2**32)), number)
        out.append(header.ljust(73) + name if name else header)
        fields = draw(st.permutations(usual)) if has_flags and draw(st.integers(0, 9)) == 0 else usual
        out.append(b"Size:           %8d kB" % draw(NUMBERS))
        out += [b"%-16s%8d kB" % (field.encode() + b":", draw(NUMBERS)) for field in fields]
        if has_thp:
            out.append(b"THPeligible:    %8d" % draw(st.integers(0, 1)))
        if has_flags:
            out.append(b"VmFlags: " + draw(st.sampled_from([b"rd wr mr mw me ac sd ", b"rd mr", b"ac dc sd ", b""])))
    return b"".join(line + b"\n" for line in out)


def naive(text: bytes, keys: tuple[str, ...]) -> tuple[int, dict[str, int | None], dict[bytes, list[int]]]:
    """Add smaps up in the most pedestrian way there is."""
    count, sums, by_name = 0, dict[str, int | None].fromkeys(keys), dict[bytes, list[int]]()
    row: list[int] = []
    for line in text.split(b"\n"):
        if re.match(rb"[0-9a-f]+-[0-9a-f]+ ", line):
            count += 1
            fields = line.split(None, 5)
            row = by_name.setdefault(fields[5] if len(fields) > 5 else b"<anonymous>", [0] * (len(keys) + 1))
            row[0] += 1
        for place, key in enumerate(keys, 1):
            if line.startswith(key.encode() + b":"):
                value = int(line.split()[1]) * 1024
                sums[key] = (sums[key] or 0) + value
                row[place] += value
    return count, sums, by_name


def tally(pieces: list[bytes], keys: tuple[str, ...] = KEYS, reuse: Tally | None = None) -> Tally:
    made = reuse or Tally(keys, by_name=True)
    made.restart()
    for piece in pieces:
        made.feed(piece)
    return made


def accounted(pieces: list[bytes], keys: tuple[str, ...]) -> int | None:
    accounting, made = Accounting(), Tally(tuple(dict.fromkeys((*keys, "Size"))))
    made.restart(accounting)
    for piece in pieces:
        made.feed(piece)
    made.finish()
    found = accounting.finish()
    return None if found is None else found.whole


def cut(text: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(text) + 1) for place in places} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends)]


@settings(max_examples=400, deadline=None)
@given(text=texts(), places=st.lists(st.integers(0, 1 << 16), max_size=6), keys=st.permutations([*FIELDS, "Size"]))
def test_all_readers_agree(text: bytes, places: list[int], keys: list[str]) -> None:
    wanted = tuple(keys[:5])
    count, sums, by_name = naive(text, wanted)
    added = tally(cut(text, places), wanted)
    assert added.finish() == (count, sums)
    assert added.by_name == by_name
    charged = [vma.fields["Size"] for vma in parse_smaps(text) if b"ac" in vma.mapping.vmflags.split()]
    assert accounted(cut(text, places), wanted) == (sum(charged) if b"VmFlags" in text else None)
    plain: dict[str, int | None] = dict.fromkeys(wanted)
    records = list(parse_smaps(text))
    for record in records:
        for key in wanted:
            if key in record.fields:
                plain[key] = (plain[key] or 0) + record.fields[key]
    assert (len(records), plain) == (count, sums)
    reader = SmapsReader()
    for piece in cut(text, places):
        reader.feed(piece)
    table = reader.finish()
    columns = {key: [value for value in table.columns.get(key, ()) if value is not None] for key in wanted}
    assert {key: sum(column) if column else None for key, column in columns.items()} == sums
    assert list(table.mappings) == [record.mapping for record in records]


@settings(max_examples=60, deadline=None)
@given(text=texts(), size=st.sampled_from([1, 2, 7, 73, 512, 4096]))
def test_pieces_of_any_size_make_the_same_whole(text: bytes, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    added, whole = tally(pieces), tally([text])
    assert (added.finish(), added.by_name) == (whole.finish(), whole.by_name)
    reader, at_once = SmapsReader(), SmapsReader()
    for piece in pieces:
        reader.feed(piece)
    at_once.feed(text)
    table, expected = reader.finish(), at_once.finish()
    assert list(table.mappings) == list(expected.mappings)
    assert table._replace(mappings=expected.mappings) == expected


@settings(max_examples=100, deadline=None)
@given(several=st.lists(texts(), min_size=2, max_size=4))
def test_one_tally_serves_many_kernels(several: list[bytes]) -> None:
    reused = Tally(KEYS, by_name=True)
    for text in several:
        count, sums, by_name = naive(text, KEYS)
        assert tally([text], reuse=reused).finish() == (count, sums)
        assert reused.by_name == by_name


@settings(max_examples=100, deadline=None)
@given(text=texts(), end=st.integers(1, 1 << 16))
def test_a_record_cut_in_a_line_is_left_out(text: bytes, end: int) -> None:
    whole = text[: end % len(text) or 1]
    whole = whole[:-1] if whole.endswith(b"\n") else whole
    start = [match.start() for match in re.finditer(rb"^[0-9a-f]", whole, re.MULTILINE)][-1]
    for pieces in ([whole], [whole[: len(whole) // 2], whole[len(whole) // 2 :]]):
        added = tally(pieces)
        assert added.finish() == naive(whole[:start], KEYS)[:2]
        assert added.cut_short


def test_every_capture_by_both_ways() -> None:
    """The fast way gives what the plain reader gives, on two real machines."""
    from pymemtools.sources import open_source

    for machine in ("armv7-highmem-6.1", "x86_64-7.2"):
        source = open_source(str(CAPTURES / machine / "smemcap.tar.gz"))
        for pid in source.pids():
            with source.process(pid) as files:
                text = b"".join(files.chunks("smaps"))
            sums = {key: sum(record.fields[key] for record in parse_smaps(text)) if text else None for key in KEYS}
            assert tally([text]).finish().sums == sums


def test_duplicate_fields_count_once() -> None:
    text = b"00400000-00401000 r--p 00000000 00:03 18 /x\nSize: 4 kB\nRss: 4 kB\nRss: 8 kB\n"
    assert [record.fields for record in parse_smaps(text)] == [{"Size": 4096, "Rss": 4096}]
    assert tally([text], ("Rss",)).finish().sums == {"Rss": 4096}


def test_no_smaps_at_all() -> None:
    assert tally([]).finish() == (0, dict.fromkeys(KEYS))
    assert list(parse_smaps(b"")) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"Rss: 4 kB\n", "smaps: line 1: expected a field, got 'Rss: 4 kB'"),
        (b"hello\n", "smaps: line 1: expected a field, got 'hello'"),
        (b"0040-zz r--p 0 0:0 0\n", "smaps: line 1: expected a mapping, got '0040-zz r--p 0 0:0 0'"),
        (b"00402000-00401000 r--p 00000000 00:03 18\n", "smaps: line 1: expected a mapping, got '00402000-00401000"),
        (b"00400000-00401000 r--p 00000000 00:03 18\n\xff\xfe\n", "smaps: line 2: expected a field, got '"),
        (b"00400000-00401000 r--p 00000000 00:03 18\nRss: -4 kB\n", "smaps: line 2: expected 'Rss: N kB', got"),
        (b"00400000-00401000 r--p 00000000 00:03 18\nRss: 4 MB\n", "smaps: line 2: expected 'Rss: N kB', got"),
        ("00400000-00401000 r--p 00000000 00:03 18\nRss: ٤ kB\n".encode(), "smaps: line 2: expected 'Rss: N kB', got"),
        (b"00400000-00401000 r--p 00000000 00:03 18\nRss: %s kB\n" % (b"9" * 5000), "smaps: line 2: expected 'Rss: N"),
    ],
)
def test_text_that_is_no_smaps(text: bytes, reason: str) -> None:
    with pytest.raises(ParseError) as plain:
        list(parse_smaps(text, ("Rss",)))
    assert str(plain.value).startswith(reason)
    with pytest.raises(ParseError) as added:
        tally([text], ("Rss",)).finish()
    assert str(added.value) == str(plain.value)


def test_android_names_anonymous_memory_on_a_line_of_its_own() -> None:
    record = (
        b"%08x-%08x rw-p 00000000 00:00 0 \nName:           [anon:libc]\n"
        b"Size:                  4 kB\nRss:            %8d kB\n"
    )
    text = b"".join(record % (start, start + 4096, 4) for start in (0x1000, 0x3000, 0x5000))
    for pieces in ([text], [text[:100], text[100:]]):
        assert tally(pieces, ("Rss",)).finish() == (3, {"Rss": 3 << 12})


@pytest.mark.parametrize("size", [4096, 100_000])
def test_a_record_without_end_is_refused(size: int) -> None:
    header = b"00400000-00401000 r--p 00000000 00:03 18 /"
    for reader, reason in (
        (Tally(KEYS), "smaps: a record of more than 1024 KiB"),
        (SmapsReader(), "smaps: line 1: record without end"),
    ):
        reader.feed(header)
        with pytest.raises(ParseError, match=f"^{reason}$"):
            for _ in range(1 + (2 << 20) // size):
                reader.feed(b"a" * size)


def test_one_line_of_ten_megabytes_is_no_mapping() -> None:
    text = b"00400000-00401000 r--p 00000000 00:03 18 /x\nSize: 4 kB\n" + b"f" * 10_000_000
    added = tally([text], ("Size",))
    assert added.finish() == (1, {"Size": 4096})
    assert added.cut_short
    with pytest.raises(ParseError, match=r"^smaps: line 3: expected a mapping, got 'fff"):
        tally([text + b"\n"], ("Size",)).finish()


@pytest.mark.parametrize(
    "hostile",
    [
        b"00400000-00401000 r--p 00000000 00:03 18" + b" " * 1_000_000,
        b"00400000-00401000 r--p 00000000 00:03 18 " + b"/x" * 500_000,
        b"f\n" * 500_000 + b"f",
        b"0 " * 500_000,
    ],
)
def test_what_is_nearly_a_record_is_gone_through_once(hostile: bytes) -> None:
    """From each byte of it to the end would take hours."""
    record = b"00400000-00401000 r--p 00000000 00:03 18 /x\nSize:                  4 kB\n"
    for text in (record + hostile + b"\n" + record, record + hostile + b"\nRss: 4 kB\n"):
        for named in (True, False):
            added = Tally(("Size",), by_name=named)
            added.feed(text)
            with contextlib.suppress(ParseError):
                added.finish()


def test_records_that_are_not_all_alike() -> None:
    """A line too many, or one in another's place, is found whether or not its like was read before."""
    record = b"0040%d000-00410000 r--p 00000000 00:03 18 /x\nSize: %16d kB\nRss:  %16d kB\n"
    usual = b"".join(record % (number, 4, number % 3) for number in range(9))
    moved = record.replace(b"Size: %16d kB\nRss:  %16d kB\n", b"Rss:  %16d kB\nSize: %16d kB\n") % (9, 7, 4)
    wider = record % (9, 4, 10**8)
    more = record % (9, 4, 7) + b"Foo: 1 kB\n"
    for text in (usual + moved, usual + wider + usual, more + usual, usual + more + usual):
        count, sums, by_name = naive(text, ("Rss", "Size"))
        for reuse in (Tally(("Rss", "Size"), by_name=True), tally([usual], ("Rss", "Size"))):
            added = tally([text], ("Rss", "Size"), reuse)
            assert (added.finish(), added.by_name) == ((count, sums), by_name)


def test_rollup() -> None:
    head = b"00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\n"
    assert parse_smaps_rollup(head + b"Rss:    8 kB\nPss:    5 kB\nPss_Anon:  1 kB\n") == {
        "Rss": 8192,
        "Pss": 5120,
        "Pss_Anon": 1024,
    }
    for text, reason in ((b"", "cut short"), (head + b"Rss:    8 k", "cut short"), (head, "no Rss field")):
        with pytest.raises(ParseError, match=f"^smaps_rollup: {reason}$"):
            parse_smaps_rollup(text)


LARGE = """
import resource, sys
from pymemtools.procfs.smaps.tally import Tally
sys.path.insert(0, sys.argv[1])
from trees import Map, smaps
block = smaps(tuple(Map(f"/lib/{i}.so", 4) for i in range(1000))).encode()
size = int(sys.argv[2])
tally = Tally(("Swap", "Private_Clean", "Private_Dirty", "Pss", "Rss"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(1000):
    for at in range(0, len(block), size):
        tally.feed(block[at : at + size])
print(*tally.finish(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_million_mappings_take_no_room() -> None:
    command = [sys.executable, "-c", LARGE, str(Path(__file__).parent), str(192 * 1024)]
    done = subprocess.run(command, env={"PYTHONPATH": str(HERE.parent)}, capture_output=True, text=True, check=True)
    maps, *sums, grown = done.stdout.replace(",", "").split()
    assert maps == "1000000"
    assert sums[-2:] == ["'Rss':", f"{4_096_000_000}}}"]
    assert int(grown) < 16 * 1024  # KiB


def rollup(**kib: int) -> bytes:
    lines = "".join(f"{name + ':':<16}{value:8} kB\n" for name, value in kib.items())
    return f"00400000-7fff0000 ---p 00000000 00:00 0                   [rollup]\n{lines}".encode()


@pytest.mark.parametrize(
    "text",
    [
        rollup(Rss=7, Pss=6, Pss_Anon=5, Swap=4),
        rollup(Rss=123_456_789, Pss=6, Pss_Anon=5, Swap=4),  # nine digits shift what follows
        rollup(Pss=6, Rss=7, Pss_Anon=5, Swap=4),
        rollup(Rss=7, Pss=6, Foo=5, Swap=4),
        rollup(Rss=7, Pss=6, Swap=4),
        rollup(Rss=7, Pss=6, Pss_Anon=5, Swapped=4),
        rollup(Rss=7, Pss=6, Pss_Anon=5, Swap=4)[:-1] + b" \n",
    ],
)
def test_rollups_one_after_the_other_are_read_as_each_alone(text: bytes) -> None:
    """By places learnt of another, and of the wrong one, as by looking for the fields."""
    wanted = ("Rss", "Swap", "Pss")
    rollups = Rollups(wanted)
    other = rollup(Rss=1, Pss=2, Pss_Anon=3, Swap=0)
    for each in (other, other, text, text, other):
        assert rollups.parse(each) == {name: size for name, size in parse_smaps_rollup(each).items() if name in wanted}


@pytest.mark.parametrize("text", [b"", b"nonsense\n", rollup(Pss=5), rollup(Rss=7, Pss=6)[:-1]])
def test_what_is_no_rollup_is_none_after_a_good_one(text: bytes) -> None:
    rollups = Rollups(("Rss",))
    for _ in range(2):
        with pytest.raises(ParseError):
            rollups.parse(text)
        assert rollups.parse(rollup(Rss=7, Pss=6)) == {"Rss": 7 << 10}

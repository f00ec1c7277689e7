"""iomem-graph: the physical address space as a table, a picture and sums; what course script and hostile files do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import HERE, Run
from hypothesis import given
from hypothesis import strategies as st

from pymemtools.errors import ParseError
from pymemtools.procfs.iomem import Region, parse_iomem
from pymemtools.reports.physical import Totals, region_rows, totals
from pymemtools.reports.physical_areas import physical_areas

MAPS = HERE / "iomem"


def transcripts() -> list[object]:
    text = "".join((MAPS / name).read_text() for name in ("transcript", "widths.transcript"))
    calls = text.split("$ iomem-graph ")[1:]
    return [pytest.param(*call.split("\n", 1), id=call.split("\n", 1)[0]) for call in calls]


@pytest.mark.parametrize(("arguments", "expected"), transcripts())
def test_whole_output(pymemtools: Run, arguments: str, expected: str) -> None:
    done = pymemtools("iomem-graph", *arguments.split(), cwd=MAPS)
    assert (done.stdout.decode(), done.stderr) == (expected, b"")


def test_hidden_addresses_are_one_line_that_says_what_to_do(pymemtools: Run) -> None:
    done = pymemtools("iomem-graph", "hidden", cwd=MAPS)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        "pymemtools: hidden: all addresses are 0, which is what the kernel shows to who lacks CAP_SYS_ADMIN in the "
        "initial user namespace: run as root outside of containers, or give a file that root saved\n"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"hello\n", "iomem: line 1: expected 'START-END : NAME', got 'hello'"),
        (b"0-1 : a\n\n", "iomem: line 2: expected 'START-END : NAME', got ''"),
        (b"10-0f : a\n", "iomem: line 1: the region ends before it starts: '10-0f : a'"),
        (b"0-1 : a\n" + b" " * 80 + b"0-1 : b\n", "iomem: line 2: indented deeper than any kernel does"),
        (b"0-10000000000000000 : a\n", "iomem: line 1: expected 'START-END : NAME', got '0-10000000000000000 : a'"),
        (b"0-1 : " + b"a" * 5000, f"iomem: line 1: expected 'START-END : NAME', got '0-1 : {'a' * 54}'"),
    ],
)
def test_what_no_kernel_writes_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse_iomem(text)
    assert str(raised.value) == reason


def test_the_last_address_of_all() -> None:
    (region,) = parse_iomem(b"0-ffffffffffffffff : everything\n")
    assert region.size == 1 << 64


@given(st.binary(max_size=300))
def test_any_text_is_read_or_refused(text: bytes) -> None:
    try:
        assert len(parse_iomem(text)) == text.removesuffix(b"\n").count(b"\n") + 1
    except ParseError:
        pass


regions = st.builds(
    lambda start, size, name: Region(0, start, start + size, name),
    st.integers(0, 2000),
    st.integers(0, 500),
    st.sampled_from([b"System RAM", b"Reserved", b"reserved", b"PCI Bus", b"RAM buffer"]),
)


@given(st.lists(regions, min_size=1, max_size=12))
def test_every_address_counts_once(found: list[Region]) -> None:
    kinds: dict[int, str] = {}
    both = set[int]()
    for kind, names in (("device", b"PCI Bus"), ("reserved", b"Reserved reserved RAM buffer"), ("ram", b"System RAM")):
        for region in found:
            if region.name in names:
                addresses = range(region.start, region.last + 1)
                both |= {address for address in addresses if kind == "ram" and kinds.get(address) == "reserved"}
                kinds |= dict.fromkeys(addresses, kind)
    ram, reserved, device = (list(kinds.values()).count(kind) for kind in ("ram", "reserved", "device"))
    end = max(kinds) + 1
    assert totals(found) == Totals(ram, reserved, device, end - len(kinds), len(both))


def test_a_driver_shares_the_line_of_its_device() -> None:
    found = parse_iomem(b"0-ff : bus\n  0-f : dev\n    0-f : driver\n      0-7 : part\n  10-1f : dev\n    10-17 : x\n")
    (area,) = physical_areas(region_rows(found))
    assert [(each.level, each.start, each.end, each.label) for each in area.inner] == [
        *((1, 0, 16, "dev > driver"), (2, 0, 8, "part"), (1, 16, 32, "dev"), (2, 16, 24, "x")),
    ]


def test_json_has_every_region_with_its_size_in_bytes(pymemtools: Run) -> None:
    document = json.loads(pymemtools("iomem-graph", "-f", "json", "sticking-out", cwd=MAPS).stdout)
    assert document["totals"] == {
        "ram": 3220828160,
        "reserved": 135168,
        "devices": 262144,
        "holes": 0,
        "reserved_ram": 0,
    }
    assert document["rows"][3] == {
        "level": 1,
        "start": "0xa0000",
        "end": "0xf0000",
        "size": 327680,
        "kind": "device",
        "region": "PCI Bus 0000:00",
        "reaches_out_of": "Reserved",
        "change": None,
        "delta": 0,
    }


def test_the_kernel_in_ram_is_ram(pymemtools: Run) -> None:
    found = parse_iomem(
        b"0-fff : System RAM\n  0-ff : Kernel code\n  100-1ff : reserved\n  f00-1fff : dev\n2000-2fff : x\n"
    )
    assert [row.kind for row in region_rows(found)] == ["ram", "ram", "reserved", "device", "device"]


def test_an_iomem_that_a_terminal_saved(pymemtools: Run) -> None:
    saved = (MAPS / "armv7").read_bytes().replace(b"\n", b"\r\n")
    done = pymemtools("iomem-graph", "-", input=saved + b"\r\n\r\n")
    assert done.stdout == pymemtools("iomem-graph", "armv7", cwd=MAPS).stdout


def test_regions_of_petabytes(pymemtools: Run) -> None:
    done = pymemtools("iomem-graph", "--table", "-", input=b"0-fff : Reserved\n10000000000000-1fffffffffffff : CXL\n")
    assert done.stdout.decode() == (
        "Region             start              end              KB         MB       GB\n"
        "Reserved  00000000000000 - 00000000000fff :             4\n"
        "CXL       10000000000000 - 1fffffffffffff : 4398046511104 4294967296  4194304\n"
        "\n"
        "RAM 0 B, reserved 4 KiB, devices 4 PiB, holes 4.00 PiB\n"
    )


def test_a_picture_marks_what_changed_within_a_region(pymemtools: Run, tmp_path: Path) -> None:
    out = tmp_path / "a.svg"
    assert pymemtools("iomem-graph", "--diff", "deep", "-o", str(out), "deep-later", cwd=MAPS).returncode == 0
    boxes = re.findall(r'<g class="[a-z]+ (new|gone|grown|shrunk)"><title>([^&]+)', out.read_text())
    assert boxes == [("new", "Kernel data"), ("gone", "five"), ("grown", "sibling over")]


def test_names_are_escaped_in_every_output(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "map").write_bytes(b"0-fff : a: \x1b[2J</svg><script>alert(1)</script>&\xff\"'\n")
    modes: list[tuple[str, ...]] = [(), ("--legacy",), ("-f", "json"), ("-f", "csv"), ("-o", "a.svg"), ("-o", "a.html")]
    for arguments in modes:
        done = pymemtools("iomem-graph", *arguments, "map", cwd=tmp_path)
        written = (tmp_path / arguments[1]).read_bytes() if "-o" in arguments else done.stdout
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"\x1b" not in written
        assert b"\xff" not in written
        if "-o" in arguments:
            assert b"<script>alert" not in written
            assert b"&lt;script&gt;alert(1)&lt;/script&gt;&amp;\\xff&quot;&#x27;" in written


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nothing",), "nothing: No such file or directory"),
        ((".",), "iomem-graph: . is a directory; did you mean -S .?"),
        (("a.tar",), "iomem-graph: a.tar is no text; did you mean -S a.tar?"),
        (("-S", ".", "x"), "iomem-graph: FILE and --source are two answers to the same question"),
        (("-o", "a.png", "x"), "a.png: pictures are .svg or .html (a browser or rsvg-convert makes PNG of them)"),
        (("--legacy", "-f", "json", "x"), "iomem-graph: --legacy has no --format, --diff or --output"),
        (("--table", "-o", "a.svg", "x"), "iomem-graph: --table is the part that is no picture: it has no --output"),
    ],
)
def test_what_makes_no_sense(pymemtools: Run, tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    (tmp_path / "a.tar").write_bytes(b"\x1f\x8b\0")
    done = pymemtools("iomem-graph", *arguments, cwd=tmp_path)
    assert (done.stdout, done.stderr.decode()) == (b"", f"pymemtools: {reason}\n")
    assert done.returncode in (1, 2)


def test_a_source_and_standard_input(pymemtools: Run) -> None:
    text = (MAPS / "armv7").read_bytes()
    piped = pymemtools("iomem-graph", "--table", "-", input=text)
    named = pymemtools("iomem-graph", "--table", "armv7", cwd=MAPS)
    assert piped.stdout == named.stdout
    assert named.stdout.decode().splitlines()[-1] == "RAM 1 GiB, reserved 0 B, devices 768 MiB, holes 256 MiB"

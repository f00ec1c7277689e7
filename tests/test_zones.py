"""zones: what /proc/zoneinfo says, in words, against the model, and as the kernel's own report says it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import CAPTURES, Run
from hypothesis import given
from hypothesis import strategies as st

from pymemtools.errors import ParseError
from pymemtools.procfs.buddyinfo import parse_buddyinfo
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.procfs.zoneinfo import Zone, parse_zoneinfo
from pymemtools.reports.zones import state_of

MACHINES = ("armv7-highmem-6.1", "x86_64-7.2")
OLD = b"""\
Node 0, zone      DMA
  pages free     2125
        min      17
        low      21
        high     25
        scanned  0 (a: 2 i: 30)
        spanned  4096
        present  4064
    nr_free_pages 2125
    nr_inactive  9
        protection: (0, 873, 2014, 2014)
  pagesets
    cpu: 0 pcp: 0
              count: 3
              high:  0
              batch: 1
  all_unreclaimable: 0
  prev_priority:     12
  start_pfn:         0
Node 0, zone  HighMem
  pages free     1000
        min      128
        low      434
        high     740
        scanned  0 (a: 0 i: 0)
        spanned  294400
        present  292307
        protection: (0, 0, 0, 0)
  all_unreclaimable: 0
"""


def test_the_layout_of_linux_2_6() -> None:
    dma, high = parse_zoneinfo(OLD)
    assert dma == Zone(
        *(0, "DMA", 2125, 17, 21, 25, None, None, 4096, 4064, None, None, (0, 873, 2014, 2014)),
        {"nr_free_pages": 2125, "nr_inactive": 9},
        {},
    )
    assert (high.name, high.usable, high.protection) == ("HighMem", 292307, (0, 0, 0, 0))


def test_todays_layout(pymemtools: Run) -> None:
    text = (CAPTURES / "x86_64-7.2" / "wmark-minfree").read_bytes().split(b"## ")[1].partition(b"\n")[2]
    zones = parse_zoneinfo(text)
    assert [(zone.name, zone.managed, zone.boost) for zone in zones] == [
        *(("DMA", 3840, 0), ("DMA32", 178269, 0), ("Normal", 0, 0), ("Movable", 0, 0), ("Device", 0, 0))
    ]
    assert zones[0].node_counters["nr_active_anon"] > 0
    assert zones[1].node_counters == {}
    assert zones[0].protection == (0, 696, 696, 696, 696)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "zoneinfo: no zone in it"),
        (b"hello\n", "zoneinfo: line 1: expected 'Node N, zone NAME', got 'hello'"),
        (b"Node 0, zone DMA\n", "zoneinfo: line 1: zone DMA without free"),
        (OLD.replace(b"present  4064", b"present  -1"), "zoneinfo: line 1: zone DMA without present"),
        (OLD.replace(b"min      128", b"min      " + b"9" * 50), "zoneinfo: line 20: zone HighMem without min"),
        (OLD.replace(b"min      128", b"min      12x"), "zoneinfo: line 20: zone HighMem without min"),
        (OLD.replace(b"spanned  4096", b""), "zoneinfo: line 1: zone DMA without spanned"),
        (
            OLD.replace(b"(0, 0, 0, 0)", b"(0, 0, -1, 0)"),
            "zoneinfo: line 28: expected what follows in a zone, got '        protection: (0, 0, -1, 0)'",
        ),
        (
            OLD.replace(b"Node 0, zone  HighMem\n", b""),
            "zoneinfo: line 20: expected what follows in a zone, got '  pages free     1000'",
        ),
        (
            OLD.replace(b"Node 0, zone  HighMem", b"Node ?, zone  HighMem"),
            "zoneinfo: line 20: expected 'Node N, zone NAME', got 'Node ?, zone  HighMem'",
        ),
        (OLD.replace(b"HighMem", b"DMA"), "zoneinfo: line 20: zone DMA of node 0 a second time"),
    ],
)
def test_what_is_no_zoneinfo(text: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=f"^{re.escape(reason)}$"):
        parse_zoneinfo(text)


@given(st.binary(max_size=400), st.integers(0, len(OLD)))
def test_any_bytes_give_zones_or_the_one_error(some: bytes, place: int) -> None:
    for text in (some, OLD[:place] + some + OLD[place:]):
        for parse in (parse_zoneinfo, parse_buddyinfo, parse_vmstat):
            try:
                parse(text)
            except ParseError:
                continue


@pytest.mark.parametrize(
    ("free", "state"),
    [
        *((500, "ok"), (126, "ok"), (125, "kswapd awake"), (101, "kswapd awake"), (100, "direct reclaim")),
        *((51, "direct reclaim"), (50, "only for the desperate"), (0, "only for the desperate")),
    ],
)
def test_states(free: int, state: str) -> None:
    zone = parse_zoneinfo(OLD)[0]._replace(free=free, min=100, low=125, high=150)
    assert state_of(zone) == state
    assert state_of(zone._replace(present=0)) == "empty"


def test_half_of_an_odd_watermark_is_the_larger_half() -> None:
    """GFP_ATOMIC may go down to min - min / 2, in whole pages."""
    zone = parse_zoneinfo(OLD)[0]._replace(min=101, low=125, high=150)
    assert state_of(zone._replace(free=52)) == "direct reclaim"
    assert state_of(zone._replace(free=51)) == "only for the desperate"


def made_up(node: int, name: str, managed: int, *, low: int = 0) -> str:
    return (
        f"Node {node}, zone {name:>8}\n  per-node stats\n      nr_active_anon {node + 5}\n"
        f"  pages free     {managed // 2}\n        boost    {low}\n"
        f"        min      {low}\n        low      {low}\n        high     {low}\n"
        f"        promo    {low}\n        spanned  {managed}\n        present  {managed}\n        managed  {managed}\n"
        "        cma      0\n        protection: (0, 0, 0, 0, 0)\n  pagesets\n    cpu: 0\n              high:  186\n"
    )


GIB = 1 << 18  # pages
NODES = (("DMA", 3840), ("DMA32", 700_000), ("Normal", 8 * GIB), ("Movable", 0), ("Device", 0))


ONE_NODE = [(0, *zone) for zone in NODES]
HAND = "set by hand or by another rule: the square root of lowmem would give"
HUGE = "what transparent huge pages ask for, which are off now (the square root of lowmem would give about"
ROOT = "four times the square root of lowmem in kB, worked out at boot (now it would be"


@pytest.mark.parametrize(
    ("kernel", "zones", "least", "reason"),
    [
        ("6.8.0", ONE_NODE, 67584, f"{HUGE} 13388)"),
        ("6.8.0", [*ONE_NODE, (1, "Normal", 8 * GIB)], 90112, f"{HUGE} 17705)"),
        ("4.4.0", [(0, "Normal", 8 * GIB), (0, "Movable", 8 * GIB)], 45056, f"{HUGE} 11585)"),
        ("5.0.0", ONE_NODE, 65536, f"{HAND} 13388"),
        ("5.0.0", [(0, "Normal", 512 * GIB)], 65536, "the most that the kernel chooses by itself (65536 kB)"),
        ("6.8.0", [(0, "Normal", 512 * GIB)], 65536, f"{HAND} 92681"),
        ("6.1.0", [(0, "DMA", 3840), (0, "DMA32", 12580)], 951, f"{ROOT} 1025)"),  # a guest with mem=112M
        ("6.1.0", [(0, "DMA", 3840), (0, "DMA32", 12580)], 880, f"{HAND} 1025"),
        ("6.8.0", [(0, "Normal", 1 << 30)], 262144, "the most that the kernel chooses by itself (262144 kB)"),
        ("6.8.0", [(0, "Normal", GIB), (0, "Movable", GIB)], 4096, f"{ROOT} 4096)"),
    ],
)
def test_why_min_free_kbytes_is_what_it_is(
    pymemtools: Run, tmp_path: Path, kernel: str, zones: list[tuple[int, str, int]], least: int, reason: str
) -> None:
    tree = tmp_path / "proc"
    (tree / "sys" / "vm").mkdir(parents=True)
    (tree / "meminfo").write_text("MemTotal: 1 kB\n")
    (tree / "zoneinfo").write_text("".join(made_up(*zone) for zone in zones))
    (tree / "version").write_text(f"Linux version {kernel} (x)\n")
    (tree / "sys" / "vm" / "min_free_kbytes").write_text(f"{least}\n")
    lines = pymemtools("zones", "-S", str(tmp_path)).stdout.decode().splitlines()
    assert [line for line in lines if line.startswith("min_free_kbytes")] == [f"min_free_kbytes {least}: {reason}"]


def test_large_zones_boosts_and_nodes(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 1 kB\n")
    text = made_up(0, "Normal", 1 << 40, low=3) + made_up(1, "Normal", 512)
    (tmp_path / "proc" / "zoneinfo").write_text(text)
    done = pymemtools("zones", "-S", str(tmp_path))
    assert done.stdout.decode().splitlines() == [
        "Node Zone             Free     Min     Low    High       Managed  0 to 2x high  State",
        "   0 Normal  2199023255552      12      12      12 4398046511104  ######h#####  ok",
        "   1 Normal           1024       0       0       0          2048  ............  ok",
        "",
        "min_free_kbytes -: the source does not tell min_free_kbytes",
        "model: the source does not tell min_free_kbytes and watermark_scale_factor",
        "boost: node 0 Normal 12, which min, low and high include",
        "promo: node 0 Normal 12",
    ]
    done = pymemtools("zones", "--sysrq", "-S", str(tmp_path))
    assert [line for line in done.stdout.decode().splitlines() if "active_anon:" in line] == [
        "active_anon:11",
        "Node 0 active_anon:20kB",
        "Node 1 active_anon:24kB",
    ]


def test_report(pymemtools: Run) -> None:
    done = pymemtools("zones", "-S", str(CAPTURES / "x86_64-7.2" / "reserves.tar.gz"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "Node Zone        Free     Min     Low    High  Managed  0 to 2x high  State",
        "   0 DMA        15232      84     104     124    15360  ####mlh#####  ok",
        "   0 DMA32     491652    4008    5008    6008   713076  ####mlh#####  ok",
        "   0 Normal         0       0       0       0        0                empty",
        "   0 Movable        0     128     128     128        0                empty",
        "   0 Device         0       0       0       0        0                empty",
        "",
        "min_free_kbytes 4096: set by hand or by another rule: the square root of lowmem would give 3413, "
        "huge pages ask for 36112",
        "model: gives the same watermarks",
        "promo: node 0 DMA 144, node 0 DMA32 7008",
        "protection: node 0 DMA 0 2784 2784 2784 2784",
        *(line for line in done.stdout.decode().splitlines() if line.startswith("free blocks:")),
    ]
    blocks = [line for line in done.stdout.decode().splitlines() if line.startswith("free blocks:")]
    assert len(blocks) == 2
    assert blocks[0].endswith(" 3*4096kB, largest 4096kB")


def test_pages_of_64_kib(pymemtools: Run) -> None:
    """A pageblock is what pagetypeinfo says; the kernel has no DMA zone, and prints all zones that it has."""
    path = str(CAPTURES / "ppc64le-6.1" / "reserves.tar.gz")
    assert pymemtools("zones", "-S", path).stdout.decode().splitlines() == [
        "Node Zone        Free     Min     Low    High  Managed  0 to 2x high  State",
        "   0 Normal    633600   22528   28160   33792   727680  ####mlh#####  ok",
        "   0 Movable        0       0       0       0        0                empty",
        "",
        "min_free_kbytes 22528: what transparent huge pages ask for (the square root of lowmem would give about 3412)",
        "model: gives the same watermarks",
        "free blocks: node 0 Normal 8*64kB 4*128kB 3*256kB 2*512kB 2*1024kB 3*2048kB 2*4096kB 1*8192kB 37*16384kB, "
        "largest 16384kB",
    ]
    rows = json.loads(pymemtools("zones", "-S", path, "-f", "json").stdout)["rows"]
    assert [(row["protection"], row["model_protection"]) for row in rows] == [([0, 0], [0, 0])] * 2


def test_nodes(pymemtools: Run) -> None:
    """The first has the processor and no memory, which the others have."""
    path = str(CAPTURES / "x86_64-numa-6.1" / "reserves.tar.gz")
    lines = pymemtools("zones", "-S", path).stdout.decode().splitlines()
    assert [line for line in lines if line.endswith("  ok")] == [
        "   1 DMA        14848     408     508     608    15360  ####mlh#####  ok",
        "   1 DMA32    1473572   41012   51264   61516  1531716  ####mlh#####  ok",
        "   2 DMA32     958168   26160   32700   39240   986156  ####mlh#####  ok",
    ]
    assert lines[lines.index("") : -3] == [
        "",
        "min_free_kbytes 67584: what transparent huge pages ask for (the square root of lowmem would give about 6366)",
        "model: node 1 DMA32 40864/51080/61296 after a write to min_free_kbytes; boot left it as it is",
        "model: node 2 DMA32 26308/32884/39460 after a write to min_free_kbytes; boot left it as it is",
        "protection: node 1 DMA 0 5980 5980 5980 5980",
    ]


@pytest.mark.parametrize("machine", MACHINES)
def test_rows_for_programs(pymemtools: Run, machine: str) -> None:
    done = pymemtools("zones", "-S", str(CAPTURES / machine / "reserves.tar.gz"), "-f", "json")
    document = json.loads(done.stdout)
    for row in document["rows"]:
        assert (row["min"], row["low"], row["high"]) == (row["model_min"], row["model_low"], row["model_high"])
        assert row["protection"] == row["model_protection"]
        assert row["managed"] <= row["present"]
        assert row["state"] == ("empty" if row["managed"] == 0 else "ok")
        assert all(row[key] % 4096 == 0 for key in ("free", "min", "low", "high", "managed", "present"))
    assert document["notes"][0].startswith("min_free_kbytes is set by hand")


def figures(lines: list[str]) -> dict[str, tuple[int, ...]]:
    """Take what does not change from second to second out of zones' lines: marks without boost, sizes, reserves."""
    found: dict[str, tuple[int, ...]] = {}
    name = ""
    for line in lines:
        zone = re.search(r"((?:Node \d+ )?\w+) free:\d+kB", line)  # without NUMA the kernel names no node
        if zone:
            name = zone[1]
            value = {key: int(size) for key, size in re.findall(r"(\w+):(\d+)kB", line)}
            marks = tuple(value[key] - value.get("boost", 0) for key in ("min", "low", "high"))
            found[name] = (*marks, value["present"], value["managed"])
        elif "lowmem_reserve[]:" in line and name not in ("", "done"):
            found[name] += tuple(map(int, line.partition("]:")[2].split()))
    return found


@pytest.mark.parametrize("machine", MACHINES)
def test_agrees_with_the_kernels_own_report(pymemtools: Run, machine: str) -> None:
    done = pymemtools("zones", "--sysrq", "-S", str(CAPTURES / machine / "reserves.tar.gz"))
    assert (done.returncode, done.stderr) == (0, b"")
    ours = done.stdout.decode().splitlines()
    kernels = (CAPTURES / machine / "sysrq-m").read_text().splitlines()
    assert ours[0] == "Mem-Info:"
    assert figures(ours) == figures(kernels)
    assert len(figures(ours)) == 2
    for line in ours:  # Node 0 DMA: 5*4kB 2*8kB ... = 746008kB
        if "*4kB" in line:
            blocks, _, total = line.partition(":")[2].partition(" = ")
            pairs = re.findall(r"(\d+)\*(\d+)kB", blocks)
            assert f"{sum(int(count) * int(size) for count, size in pairs)}kB" == total


def test_movable_memory_is_no_high_memory(pymemtools: Run) -> None:
    """Whatever the label says; it is where it is taken from high memory."""
    machine = CAPTURES / "x86_64-movable-5.10"
    ours = pymemtools("zones", "--sysrq", "-S", str(machine / "reserves.tar.gz")).stdout.decode().splitlines()
    kernels = [line.partition("] ")[2] for line in (machine / "sysrq-m").read_text().splitlines()]
    assert ours[-4:] == kernels[-4:]
    assert ours[-4:-1] == ["1279870 pages RAM", "0 pages HighMem/MovableOnly", "50644 pages reserved"]


def test_the_table_of_the_kernels_comment(pymemtools: Run) -> None:
    assert pymemtools("zones", "--table").stdout.decode().splitlines() == [
        *("    16MB:      512k", "    32MB:      724k", "    64MB:     1024k", "   128MB:     1448k"),
        *("   256MB:     2048k", "   512MB:     2896k", "  1024MB:     4096k", "  2048MB:     5792k"),
        *("  4096MB:     8192k", "  8192MB:    11585k", " 16384MB:    16384k"),
    ]
    assert pymemtools("zones", "--ram", "910336K").stdout == b"   889MB:     3816k\n"
    rows = json.loads(pymemtools("zones", "--ram", "1G", "-f", "json").stdout)["rows"]
    assert rows == [{"lowmem": 1 << 30, "min_free": 4 << 20}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--table", "-S", "x"),
        ("--table", "--ram", "1G"),
        ("--ram", "1G", "--sysrq"),
        ("--sysrq", "-f", "json"),
    ],
)
def test_calls_that_make_no_sense(pymemtools: Run, arguments: tuple[str, ...]) -> None:
    done = pymemtools("zones", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)


def test_a_source_without_zoneinfo(pymemtools: Run) -> None:
    path = str(CAPTURES / "x86_64-7.2" / "smemcap.tar.gz")
    done = pymemtools("zones", "-S", path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"pymemtools: zoneinfo: not in {path}\n"


def test_a_source_that_tells_little(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 1 kB\n")
    (tmp_path / "proc" / "zoneinfo").write_bytes(OLD)
    done = pymemtools("zones", "-S", str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        "Node Zone        Free     Min     Low    High  Managed  0 to 2x high  State",
        "   0 DMA         8500      68      84     100    16256  ####mlh#####  ok",
        "   0 HighMem     4000     512    1736    2960  1169228  #m#l##h#....  ok",
        "",
        "min_free_kbytes -: the source does not tell min_free_kbytes",
        "model: the source does not tell min_free_kbytes and watermark_scale_factor",
        "protection: node 0 DMA 0 3492 8056 8056",
    ]
    assert done.stderr.decode().splitlines() == [
        "pymemtools: zones: the source does not tell its page size: 4096 is assumed",
        f"pymemtools: zones: no free blocks: {tmp_path}/proc/buddyinfo: No such file or directory",
    ]


def test_live(pymemtools: Run) -> None:
    rows = json.loads(pymemtools("zones", "-f", "json").stdout)["rows"]
    assert sum(row["managed"] for row in rows) > 64 << 20

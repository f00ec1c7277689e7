"""Figures that contradict each other, that cannot be, or that are not there: each costs what rests on it, no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import HERE, Run
from trees import MEMINFO, write_tree

from pymemtools.procfs.zoneinfo import parse_zoneinfo
from pymemtools.readings.doubt import zones_differ
from pymemtools.readings.machine import Machine, read_machine
from pymemtools.sources import open_source
from pymemtools.sources.example import open_example

ODD = HERE / "captures" / "odd"
EXAMPLE = str(HERE.parent / "pymemtools" / "data" / "example.tar.gz")
ZONEINFO = """\
Node 0, zone      DMA
  pages free     3840
  min      16
  low      32
  high     48
  present  3998
  managed  3840
  protection: (0, 11000)
Node 0, zone   Normal
  pages free     100000
  min      4000
  low      5000
  high     6000
  present  120000
  managed  110000
  protection: (0, 0)
"""


def ask(pymemtools: Run, *args: str) -> dict[str, Any]:
    done = pymemtools(*args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def test_zones_need_a_zoneinfo_and_no_more(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "zoneinfo").write_text(ZONEINFO)
    for place in (tmp_path, tmp_path / "proc"):
        rows = ask(pymemtools, "zones", "-S", str(place))["rows"]
        assert [(row["zone"], row["free"]) for row in rows] == [("DMA", 3840 * 4096), ("Normal", 100000 * 4096)]


def test_a_zone_keeps_no_more_than_it_has(pymemtools: Run, tmp_path: Path) -> None:
    vm = tmp_path / "proc" / "sys" / "vm"
    vm.mkdir(parents=True)
    (tmp_path / "proc" / "zoneinfo").write_text(ZONEINFO)
    (vm / "lowmem_reserve_ratio").write_text("10\t32\n")
    done = pymemtools("tunables", "list", "-S", str(tmp_path))
    assert "DMA keeps all of its 15.0 MiB\n" in done.stdout.decode()
    (vm / "lowmem_reserve_ratio").write_text("256\t32\n")
    done = pymemtools("tunables", "list", "-S", str(tmp_path))
    assert "DMA keeps 1.7 MiB\n" in done.stdout.decode()


def test_kswapd_wakes_at_one_level(pymemtools: Run) -> None:
    explained = pymemtools("tunables", "explain", "min_free_kbytes", "-S", EXAMPLE)
    low = ask(pymemtools, "what-if", "watermarks", "-S", EXAMPLE)["totals"]["low"]
    assert f"kswapd wakes below {low / (1 << 20):.1f} MiB free" in " ".join(explained.stdout.decode().split())
    rows = ask(pymemtools, "zones", "-S", EXAMPLE)["rows"]
    assert sum(row["low"] for row in rows) == low


def test_the_supposed_mode_is_not_now(pymemtools: Run) -> None:
    rows = ask(pymemtools, "what-if", "overcommit", "-S", EXAMPLE, "--set", "overcommit_memory=2")["rows"]
    assert [row["is_current"] for row in rows] == [True, False, False]


# Zones that tell of other memory than meminfo.


@pytest.mark.parametrize("amount", ["6G", "7G"])
def test_pages_that_join_later_are_had(pymemtools: Run, amount: str) -> None:
    """So it was: 7 GiB were granted there, and touched, though zones managed 5.6 GiB."""
    found = ask(pymemtools, "what-if", "alloc", amount, "-S", str(ODD / "pages-join-later"))
    assert found["totals"]["outcome"] == "fits"
    assert found["totals"]["zones"] == []
    doubt = "zones manage 5.6 GiB, but MemTotal is 23.5 GiB: zones decide nothing"
    assert sum(note.startswith(doubt) for note in found["notes"]) == 1
    text = pymemtools("what-if", "alloc", amount, "-S", str(ODD / "pages-join-later"))
    assert text.stderr.decode().count(doubt) == 1


def test_a_container_has_its_own_memory_and_not_its_hosts(pymemtools: Run) -> None:
    found = ask(pymemtools, "what-if", "alloc", "1900M", "-S", str(ODD / "lxcfs-swap"))
    assert found["totals"]["outcome"] == "OOM"
    assert found["totals"]["free_after"] == 0
    assert sum(row["most"] for row in found["rows"]) == (524288 + 2 * 393216) << 10
    free = next(row for row in found["rows"] if row["source"] == "free below the low watermarks")
    assert free["error_bound"] == free["most"] > 0 == free["least"]


def made(tmp_path: Path, *, free: int, managed: str = "managed  113840", version: str = "6.1.0") -> Machine:
    """Give a machine of 444.7 MiB whose meminfo tells so many pages free."""
    (tmp_path / "meminfo").write_text(f"MemTotal: {113840 * 4} kB\nMemFree: {free * 4} kB\n")
    text = "Node 0, zone   Normal\n  pages free     100000\n  min      40\n  low      50\n  high     60\n"
    (tmp_path / "zoneinfo").write_text(f"{text}  present  120000\n  {managed}\n")
    (tmp_path / "version").write_text(f"Linux version {version} (x)\n")
    return read_machine(open_source(str(tmp_path)))


@pytest.mark.parametrize(
    ("doubt", "case"),
    [
        (None, {"free": 100000}),
        (None, {"free": 100300}),  # as much may have been freed between two reads
        ("zones have 390.6 MiB free, but MemFree is 234.4 MiB: zones decide nothing", {"free": 60000}),
        (
            "zones manage 390.6 MiB, but MemTotal is 444.7 MiB: zones decide nothing",
            {"free": 100000, "managed": "managed  100000"},
        ),
        (
            "zones manage 507.8 MiB, but MemTotal is 444.7 MiB: zones decide nothing",
            {"free": 100000, "managed": "managed  130000"},
        ),
        (None, {"free": 100000, "managed": "", "version": "2.6.32"}),  # present is what boot kept above MemTotal
        (
            "zones have 390.6 MiB free, but MemFree is 234.4 MiB: zones decide nothing",
            {"free": 60000, "managed": "", "version": "2.6.32"},
        ),
    ],
)
def test_when_zones_and_meminfo_differ(tmp_path: Path, doubt: str | None, case: dict[str, Any]) -> None:
    assert made(tmp_path, **case).doubt == doubt


def test_no_capture_is_in_doubt() -> None:
    found = [EXAMPLE, *map(str, sorted((HERE / "captures").glob("*/*.tar.gz")))]
    assert [read_machine(open_source(path)).doubt for path in found] == [None] * len(found)


def test_live_memory_may_change_between_the_reads() -> None:
    zones = parse_zoneinfo(ZONEINFO.encode())
    free, total = 103840 * 4096, 113840 * 4096
    before, after = ({"MemTotal": total, "MemFree": free + change} for change in (-(99 << 20), 99 << 20))
    assert zones_differ(zones, [before], 4096, None) is not None
    assert zones_differ(zones, [before, after], 4096, None) is None


@pytest.mark.parametrize(("part", "mib", "agree"), [(1, 22, True), (1, 23, False), (64, 4, True), (64, 5, False)])
def test_what_is_free_may_differ_by_a_32nd_or_4_mib(part: int, mib: int, agree: bool) -> None:
    """Of a machine of 711 MiB, and of one of the 64th part."""
    machine = read_machine(open_example())
    zones = [
        zone._replace(free=zone.free // part, managed=zone.managed // part, present=zone.present // part)
        for zone in machine.zones
        if zone.managed is not None
    ]
    free = sum(zone.free for zone in zones) * 4096
    meminfo = {"MemTotal": sum(zone.usable for zone in zones) * 4096, "MemFree": free + (mib << 20)}
    assert (zones_differ(zones, [meminfo], 4096, machine.version) is None) is agree


# Figures that cannot be.


@pytest.mark.parametrize(
    ("field", "kib"),
    [
        ("SwapFree", 2**64 - 128),
        ("SwapFree", 204801),
        ("MemFree", 1024001),
        ("MemAvailable", 9 << 30),
        ("Shmem", 2**53),
    ],
)
def test_what_cannot_be_is_unknown_and_named(pymemtools: Run, tmp_path: Path, field: str, kib: int) -> None:
    figures = {**MEMINFO, "MemAvailable": 700000, "Cached": 9, "Buffers": 9, "SReclaimable": 9, "Shmem": 9}
    source = str(write_tree(tmp_path, meminfo={**figures, field: kib}))
    found = ask(pymemtools, "free", "-S", source)
    mem, *_, swap, total, _ = found["rows"]
    row, column = {
        "SwapFree": (swap, "free"),
        "MemFree": (mem, "free"),
        "MemAvailable": (mem, "available"),
        "Shmem": (mem, "shared"),
    }[field]
    assert row[column] is None
    assert all(size is None or 0 <= size < 2**40 for each in found["rows"] for size in list(each.values())[1:])
    assert [field in note for note in found["notes"]] == [True]
    assert (total["free"] is None) == (field in ("SwapFree", "MemFree"))
    for command in (("smem", "-w"), ("smem", "-W"), ("what-if", "overcommit")):
        assert sum(
            note.startswith(f"meminfo: {field} of ") for note in ask(pymemtools, *command, "-S", source)["notes"]
        )


def test_free_prints_what_procps_prints(pymemtools: Run) -> None:
    done = pymemtools("free", "-S", str(ODD / "lxcfs-swap"))
    assert done.stdout.decode().splitlines()[2].split() == ["Swap:", "0", "0", "18446744073709551488"]
    assert done.stderr == b""


def test_no_model_counts_swap_that_cannot_be(pymemtools: Run) -> None:
    for command in (("what-if", "alloc", "100M"), ("what-if", "overcommit"), ("what-if", "drop-caches", "3")):
        done = pymemtools(*command, "-S", str(ODD / "lxcfs-swap"))
        assert (done.returncode, b"EiB" in done.stdout, done.stderr.count(b"SwapFree")) == (0, False, 1)


def test_no_area_is_below_nothing(pymemtools: Run) -> None:
    found = ask(pymemtools, "smem", "-w", "-S", str(ODD / "gvisor"))
    kernel = found["rows"][2]
    assert (kernel["area"], kernel["used"]) == ("kernel dynamic memory", None)
    assert found["notes"] == [
        "kernel dynamic memory: used would be -2.8 MiB, since counters of meminfo contradict each other: "
        "it is taken as unknown"
    ]


# Figures that are not there.


def test_a_sandbox_with_few_figures(pymemtools: Run) -> None:
    totals = ask(pymemtools, "what-if", "alloc", "1G", "-S", str(ODD / "gvisor"))["totals"]
    assert (totals["granted_root"], totals["granted_user"], totals["outcome"]) == (True, True, "fits")
    totals = ask(pymemtools, "what-if", "alloc", "6G", "-S", str(ODD / "gvisor"))["totals"]
    assert totals["outcome"] == "refused"


def test_mode_2_without_what_it_goes_by(pymemtools: Run) -> None:
    reply = ask(pymemtools, "what-if", "alloc", "500M", "--set", "overcommit_memory=2", "-S", str(ODD / "gvisor"))
    assert (reply["totals"]["granted_user"], reply["totals"]["outcome"]) == (None, "may be refused")
    assert "the source does not tell whether it is granted: Committed_AS would" in reply["notes"]


# What zones keep, where they do not count.


@pytest.mark.parametrize(
    ("machine", "least", "most"),
    [("pages-join-later", 4563431424, 4998782976), ("lxcfs-swap", 230543360, 268369920)],
)
def test_dirty_thresholds_without_zones_lie_within_an_interval(
    pymemtools: Run, machine: str, least: int, most: int
) -> None:
    call = ("what-if", "dirty", "--write", "100M", "--disk", "20M", "--file", "2G")
    rows = {row["what"]: row for row in ask(pymemtools, *call, "-S", str(ODD / machine))["rows"]}
    found = rows["dirty_threshold"]
    assert (found["least"], found["most"]) == (least, most)
    told = {row["what"]: row for row in ask(pymemtools, *call, "-S", EXAMPLE)["rows"]}
    for threshold in ("dirty_threshold", "background_threshold"):
        assert told[threshold]["least"] == told[threshold]["most"]


def test_whether_a_writer_has_to_wait_may_rest_on_it(pymemtools: Run) -> None:
    call = ("what-if", "dirty", "--write", "100M", "--disk", "20M", "--file", "200M", "-S", str(ODD / "lxcfs-swap"))
    rows = {row["what"]: row for row in ask(pymemtools, *call)["rows"]}
    assert rows["throttled_from"]["least_seconds"] >= 0
    assert rows["throttled_from"]["most_seconds"] is None
    lines = pymemtools(*call).stdout.decode().splitlines()
    assert [line.split("  ")[-1].strip() for line in lines if line.startswith("the writer")] == ["perhaps never"]


def test_a_zoneinfo_without_protection_is_said_to_lack_it(pymemtools: Run, tmp_path: Path) -> None:
    tree = write_tree(tmp_path, meminfo={**MEMINFO, "Active(file)": 1000, "Inactive(file)": 1000})
    text = "".join(line for line in ZONEINFO.splitlines(True) if "protection" not in line)
    said = "zoneinfo: no protection field: what zones keep for those above them is taken as nothing"
    for content in (ZONEINFO, text):
        (tree / "proc" / "zoneinfo").write_text(content)
        notes = ask(pymemtools, "what-if", "watermarks", "-S", str(tree))["notes"]
        assert (said in notes) == (content == text)


def test_a_cache_of_which_no_list_is_told(pymemtools: Run, tmp_path: Path) -> None:
    """What is cached is on either list: a file of it may stay longer or shorter."""
    lists = {"Active(file)": 0, "Inactive(file)": 300_000}
    told = {**MEMINFO, "MemTotal": 1_000_000, "MemFree": 500_000, "Cached": 310_000, "Shmem": 10_000}
    call = ("what-if", "cache", "600M", "--with", "500M", "--lru", "classic", "-S")
    found = []
    for name, meminfo in (("a", {**told, **lists}), ("b", told)):
        source = str(write_tree(tmp_path / name, meminfo=meminfo))
        found.append(ask(pymemtools, *call, source))
    known, unknown = found
    assert [row["cached"] for row in known["rows"]] == [row["cached"] for row in unknown["rows"]]
    assert known["totals"]["room"] == unknown["totals"]["room"]
    wider = [(row["error_bound"], other["error_bound"]) for row, other in zip(known["rows"], unknown["rows"])]
    assert all(narrow <= wide for narrow, wide in wider)
    assert any(narrow < wide for narrow, wide in wider)
    said = "meminfo: no Active(file) and no Inactive(file) field: which cached pages are active is known the less"
    assert [said in each["notes"] for each in found] == [False, True]

"""Memory that meminfo does not tell of: swap compressed in RAM, the cache of ZFS, a VmallocUsed that counts none."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import CAPTURES, Run

from pymemtools.capture.contents import system_paths
from pymemtools.models.release import Version
from pymemtools.reports.system_memory import vmalloc_pages
from pymemtools.sources import open_source

ODD = CAPTURES / "odd"
MIB = 1 << 20
MEMINFO = {
    "MemTotal": 4096 * 1024,
    "MemFree": 100 * 1024,
    "Active(file)": 0,
    "Inactive(file)": 0,
    "Mapped": 0,
    "SwapTotal": 1024 * 1024,
    "SwapFree": 1000 * 1024,
    "Active(anon)": 2048 * 1024,
    "Inactive(anon)": 1024 * 1024,
    "CommitLimit": 3072 * 1024,
    "Committed_AS": 0,
    "Cached": 0,
    "Buffers": 0,
    "SReclaimable": 0,
}
ZRAM = "/dev/zram0 partition 1048576 24576 100\n"  # 1024 MiB, 24 used
DISK = "/dev/sda2 partition 1048576 24576 {}\n"
SWAPS = "Filename Type Size Used Priority\n"
HALF = f"{64 * MIB} 1 {32 * MIB} 0 0 0 0\n"  # 64 MiB in 32


def machine(tmp_path: Path, files: dict[str, str], **meminfo: int) -> str:
    """Write a machine of 4 GiB with 1000 MiB of swap free; ``meminfo`` in KiB."""
    text = "".join(f"{key}: {value} kB\n" for key, value in (MEMINFO | meminfo).items())
    for name, content in {"proc/meminfo": text, **files}.items():
        path = tmp_path / "machine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return str(tmp_path / "machine")


def ask(pymemtools: Run, *args: str) -> dict[str, Any]:
    done = pymemtools(*args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def swap_of(pymemtools: Run, path: str, *more: str) -> dict[str, tuple[float, float]]:
    """Give what each kind of swap yields, in MiB: surely, and at the most."""
    answer = ask(pymemtools, "what-if", "alloc", "1M", "-S", path, *more)
    return {
        row["source"]: (row["least"] / MIB, row["most"] / MIB)
        for row in answer["rows"]
        if row["source"].startswith("swap") and row["most"]
    }


def test_zram_takes_ram_by_the_ratio_of_mm_stat(pymemtools: Run) -> None:
    """5120 MB take 2210: of the 992 MiB that are free 564 are to be had."""
    answer = ask(pymemtools, "what-if", "alloc", "1500M", "-S", str(ODD / "zram"))
    rows = {row["source"]: (row["least"], row["most"]) for row in answer["rows"]}
    free = 1016076 * 1024 // 4096
    net = int(free - free * 2210 / 5120) * 4096
    assert rows["swap on zram0"] == (net, net)
    assert rows["swap"] == (0, 0)
    assert answer["totals"]["outcome"] == "OOM"
    assert (
        "zram0 is RAM: a page swapped to it takes 0.43 pages again (its mm_stat: 4.8 GiB in 2.1 GiB)" in answer["notes"]
    )


@pytest.mark.parametrize(
    ("mm_stat", "more", "yields"),
    [
        pytest.param(HALF, {}, (500, 500), id="half"),
        pytest.param("4096 74 12288 0 12288 0 0\n", {}, (0, 1000), id="as good as empty, so not known"),
        pytest.param(f"{64 * MIB} 1 {80 * MIB} 0 0 0 0\n", {}, (0, 0), id="more RAM than it stores"),
        pytest.param(f"{64 * MIB} 1 {32 * MIB} {82 * MIB} 0 0 0\n", {}, (50, 50), id="50 MiB of RAM below mem_limit"),
        pytest.param(f"{64 * MIB} 1 {32 * MIB} {MIB} 0 0 0\n", {}, (0, 0), id="above mem_limit"),
        pytest.param(
            f"{96 * MIB} 1 {32 * MIB} 0 0 0 0\n", {"bd_stat": "8192 0 8192\n"}, (500, 500), id="32 MiB are written back"
        ),
    ],
)
def test_zram_devices(
    pymemtools: Run, tmp_path: Path, mm_stat: str, more: dict[str, str], yields: tuple[int, int]
) -> None:
    stats = {f"sys/block/zram0/{name}": text for name, text in {"mm_stat": mm_stat, **more}.items()}
    path = machine(tmp_path, {"proc/swaps": SWAPS + ZRAM, **stats})
    assert swap_of(pymemtools, path) == ({"swap on zram0": yields} if yields[1] else {})


def test_zram_before_linux_4_1(pymemtools: Run, tmp_path: Path) -> None:
    """There was a file for each figure; mem_limit came with 3.18."""
    figures = {"orig_data_size": 64 * MIB, "compr_data_size": 1, "mem_used_total": 32 * MIB, "mem_limit": 0}
    stats = {f"sys/block/zram0/{name}": f"{value}\n" for name, value in figures.items()}
    path = machine(tmp_path, {"proc/swaps": SWAPS + ZRAM, **stats})
    assert swap_of(pymemtools, path) == {"swap on zram0": (500, 500)}
    (Path(path) / "sys/block/zram0/mem_limit").unlink()
    assert swap_of(pymemtools, path) == {"swap on zram0": (500, 500)}


def test_zram_without_its_mm_stat(pymemtools: Run, tmp_path: Path) -> None:
    path = machine(tmp_path, {"proc/swaps": SWAPS + ZRAM})
    assert swap_of(pymemtools, path) == {"swap on zram0": (0, 1000)}


def test_zram_larger_than_ram_is_full_when_ram_is(pymemtools: Run, tmp_path: Path) -> None:
    """At one to two, the 3172 MiB that are free, or could be swapped, hold 6344."""
    area = "/dev/zram0 partition 16777216 0 100\n"
    files = {"proc/swaps": SWAPS + area, "sys/block/zram0/mm_stat": HALF}
    path = machine(tmp_path, files, SwapTotal=16777216, SwapFree=16777216)
    assert swap_of(pymemtools, path) == {"swap on zram0": (3172, 3172)}


@pytest.mark.parametrize(("priority", "order"), [(-2, ["swap on zram0", "swap"]), (200, ["swap", "swap on zram0"])])
def test_zram_and_a_disk_in_the_order_of_their_priorities(
    pymemtools: Run, tmp_path: Path, priority: int, order: list[str]
) -> None:
    files = {"proc/swaps": SWAPS + DISK.format(priority) + ZRAM, "sys/block/zram0/mm_stat": HALF}
    path = machine(tmp_path, files, SwapTotal=2 * 1024 * 1024, SwapFree=2000 * 1024)
    found = swap_of(pymemtools, path)
    assert list(found) == order
    assert found == {"swap": (1000, 1000), "swap on zram0": (500, 500)}


def test_more_swap_is_supposed_on_a_disk(pymemtools: Run, tmp_path: Path) -> None:
    path = machine(tmp_path, {"proc/swaps": SWAPS + ZRAM, "sys/block/zram0/mm_stat": HALF})
    assert swap_of(pymemtools, path, "--swap", "1280M") == {"swap on zram0": (500, 500), "swap": (256, 256)}
    assert swap_of(pymemtools, path, "--swap", "524M") == {"swap on zram0": (250, 250)}


ZSWAP = {"Zswap": 32 * 1024, "Zswapped": 64 * 1024}


@pytest.mark.parametrize(
    ("parameters", "meminfo", "yields"),
    [
        pytest.param({"enabled": "Y"}, ZSWAP, {"swap through zswap": (500, 500)}, id="half"),
        pytest.param({"enabled": "N"}, ZSWAP, {"swap": (1000, 1000)}, id="off, and not empty yet"),
        pytest.param({}, {"Zswap": 0, "Zswapped": 0}, {"swap": (1000, 1000)}, id="never on"),
        pytest.param({"enabled": "Y"}, {}, {"swap through zswap": (46285 / 256, 1000)}, id="not known"),
        pytest.param(
            {"enabled": "Y", "max_pool_percent": "1"},
            ZSWAP,
            {"swap through zswap": (253707 / 256, 253707 / 256)},
            id="a pool of 40.96 MiB with 32 in it",
        ),
        pytest.param(
            {"enabled": "Y", "shrinker_enabled": "Y"}, ZSWAP, {"swap through zswap": (500, 1000)}, id="it shrinks"
        ),
    ],
)
def test_zswap(
    pymemtools: Run,
    tmp_path: Path,
    parameters: dict[str, str],
    meminfo: dict[str, int],
    yields: dict[str, tuple[float, float]],
) -> None:
    files = {f"sys/module/zswap/parameters/{name}": f"{value}\n" for name, value in parameters.items()}
    path = machine(tmp_path, {"proc/swaps": SWAPS + DISK.format(-2), **files}, **meminfo)
    assert swap_of(pymemtools, path) == yields


def test_zswap_before_linux_5_19(pymemtools: Run, tmp_path: Path) -> None:
    """Only debugfs tells what it holds."""
    files = {
        "proc/swaps": SWAPS + DISK.format(-2),
        "sys/module/zswap/parameters/enabled": "Y\n",
        "sys/kernel/debug/zswap/pool_total_size": f"{32 * MIB}\n",
        "sys/kernel/debug/zswap/stored_pages": f"{64 * MIB // 4096}\n",
    }
    assert swap_of(pymemtools, machine(tmp_path, files)) == {"swap through zswap": (500, 500)}


def test_swap_on_disks_is_as_it_was(pymemtools: Run, tmp_path: Path) -> None:
    path = machine(tmp_path, {"proc/swaps": SWAPS + DISK.format(-2)})
    answer = ask(pymemtools, "what-if", "alloc", "1M", "-S", path)
    assert swap_of(pymemtools, path) == {"swap": (1000, 1000)}
    assert not any("RAM" in note for note in answer["notes"])


def test_the_arc_can_be_had_down_to_c_min(pymemtools: Run) -> None:
    answer = ask(pymemtools, "what-if", "alloc", "40G", "-S", str(ODD / "zfs"))
    rows = {row["source"]: (row["least"], row["most"]) for row in answer["rows"]}
    assert rows["ZFS ARC"] == (0, (51533162592 - 2102733440) // 4096 * 4096)
    assert answer["totals"]["outcome"] == "may not fit"


def test_what_of_a_victims_swap_is_ram(pymemtools: Run, tmp_path: Path) -> None:
    status = "Name:\tbig\nVmRSS:\t 1000 kB\nVmSwap:\t 2048 kB\nVmPTE:\t 8 kB\n"
    stat = "7 (big) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 5 999 250 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"
    files = {
        "proc/swaps": SWAPS + ZRAM,
        "sys/block/zram0/mm_stat": HALF,
        "proc/7/status": status,
        "proc/7/stat": stat,
        "proc/7/cmdline": "big\0",
    }
    path = machine(tmp_path, files)
    totals = ask(pymemtools, "what-if", "oom", "-S", path)["totals"]
    assert (totals["victim_pid"], totals["victim_swap_in_ram_least"], totals["victim_swap_in_ram_most"]) == (
        7,
        MIB,
        MIB,
    )
    text = pymemtools("what-if", "oom", "-S", path).stdout.decode()
    assert "Its swap takes 1.0 MiB of RAM, which is free then, too.\n" in text


def test_system_memory_has_a_row_for_each(pymemtools: Run) -> None:
    def rows(name: str) -> dict[str, dict[str, Any]]:
        return {row["area"]: row for row in ask(pymemtools, "smem", "-W", "-S", str(ODD / name))["rows"]}

    zram, zfs, old = rows("zram"), rows("zfs"), rows("vmalloc-old")
    assert zram["zram"]["used"] == 2210000000
    assert zram["unknown"]["used"] == 287859584
    assert (zfs["ZFS ARC"]["used"], zfs["ZFS ARC"]["cache"]) == (51533162592, 51533162592 - 2102733440)
    assert {"zram", "ZFS ARC"}.isdisjoint(old)
    assert (old["vmalloc"]["used"], old["unknown"]["used"]) == (None, 139632 * 1024)


@pytest.mark.parametrize(
    ("version", "meminfo", "counted"),
    [
        ((4, 3, 6), {"VmallocUsed": 352840, "VmallocChunk": 0}, None),
        ((4, 4, 0), {"VmallocUsed": 0, "VmallocChunk": 0}, None),
        ((4, 18, 0), {"VmallocUsed": 4096, "VmallocChunk": 0}, 4096),  # a distribution's, with the counter of 5.3
        ((5, 3, 0), {"VmallocUsed": 4096, "VmallocChunk": 0}, 4096),
        (None, {"VmallocUsed": 352840, "VmallocChunk": 34359338876}, None),
        (None, {"VmallocUsed": 4096}, 4096),
        (None, {}, None),
    ],
)
def test_vmalloc_used_is_not_always_memory(
    version: Version | None, meminfo: dict[str, int], counted: int | None
) -> None:
    assert vmalloc_pages(meminfo, version) == counted


def test_an_archive_tells_what_the_tree_does(pymemtools: Run, tmp_path: Path) -> None:
    for name, size in (("zram", "1500M"), ("zfs", "40G")):
        archive = tmp_path / f"{name}.tar"
        subprocess.run(["tar", "-cf", archive, "-C", ODD / name, *os.listdir(ODD / name)], check=True)
        packed, tree = (pymemtools("what-if", "alloc", size, "-S", str(path)) for path in (archive, ODD / name))
        assert (packed.stdout, packed.stderr) == (tree.stdout, tree.stderr)
        packed, tree = (pymemtools("smem", "-W", "-S", str(path)) for path in (archive, ODD / name))
        assert packed.stdout == tree.stdout


def test_captures_take_what_it_is_worked_out_by(tmp_path: Path) -> None:
    """Of a zram device only what can be read without doing anything; its limit is in mm_stat."""
    files = {
        **{f"sys/block/zram0/{name}": "1 1 1 0 0 0 0\n" for name in ("mm_stat", "bd_stat", "writeback", "mem_limit")},
        "sys/module/zswap/parameters/enabled": "Y\n",
        "sys/kernel/debug/zswap/stored_pages": "1\n",
        "proc/swaps": SWAPS,
        "proc/spl/kstat/zfs/arcstats": "size 4 1\n",
        "sys/block/vda/stat": "1\n",
    }
    found = list(system_paths(open_source(machine(tmp_path, files))))
    assert [path for path in found if path.startswith(("/sys/block", "/sys/module", "/sys/kernel/debug", "spl"))] == [
        "/sys/block/zram0/mm_stat",
        "/sys/block/zram0/bd_stat",
        "/sys/block/zram0/disksize",
        "/sys/block/zram0/comp_algorithm",
        "/sys/module/zswap/parameters/enabled",
        "/sys/kernel/debug/zswap/stored_pages",
        "spl/kstat/zfs/arcstats",
    ]
    assert "swaps" in found


def test_the_arc_lies_within_other_rows_in_part(pymemtools: Run) -> None:
    """By 81.4 MiB the rows are more than the machine has; smem's own five areas know no ARC."""
    done = pymemtools("smem", "-W", "-S", str(ODD / "zfs"), "-f", "json")
    assert json.loads(done.stdout)["notes"] == [
        f"unknown: {key} would be -81.4 MiB, since a part of the ZFS ARC is within slab or vmalloc, too: "
        "it is taken as unknown"
        for key in ("used", "noncache")
    ]


def test_an_arc_that_does_not_tell_what_it_keeps(tmp_path: Path, pymemtools: Run) -> None:
    """All of it was shown as cache; only OpenZFS that is cut short lacks c_min."""
    files = {"proc/spl/kstat/zfs/arcstats": "size 4 8388608\n"}
    done = pymemtools("smem", "-W", "-S", str(machine(tmp_path, files)), "-f", "json")
    (row,) = (row for row in json.loads(done.stdout)["rows"] if row["area"] == "ZFS ARC")
    assert (row["used"], row["cache"], row["noncache"]) == (8388608, None, None)

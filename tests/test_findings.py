"""Every rule of ``report``: a machine on which it finds something, and one, the example, on which it does not.

The machines are the bundled example with a file or two written anew: what is changed is what is found.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import CAPTURES, HERE, Run
from group_trees import MIB, V2_ROOT, group, group_v1
from recordings import START, Told, every_ten_seconds, record
from recordings import meminfo as recorded_meminfo

from pymemtools.report import Report
from pymemtools.reports.findings.catalog import RULES
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import SEVERITIES
from pymemtools.reports.findings.logged import kills_in
from pymemtools.reports.findings.recorded import RULES as OF_RECORDINGS
from pymemtools.reports.findings.report import findings_report
from pymemtools.sources import open_source

EXAMPLE = HERE.parent / "pymemtools/data/example.tar.gz"
RAM = 728436  # KiB
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the example, which is our own."""
    path = tmp_path_factory.mktemp("example")
    with tarfile.open(EXAMPLE) as archive:
        archive.extractall(path, filter="data")
    return path


@pytest.fixture
def machine(unpacked: Path, tmp_path: Path) -> Path:
    """Give a copy of it."""
    return Path(shutil.copytree(unpacked, tmp_path / "machine"))


def findings(path: Path, before: Path | None = None) -> Report:
    """Look for everything."""
    earlier = None if before is None else Evidence(open_source(str(before)))
    return findings_report(Evidence(open_source(str(path)), before=earlier))


def found(path: Path, before: Path | None = None) -> dict[str, list[str]]:
    """Give the severities of what is found, by rule."""
    severities: dict[str, list[str]] = {}
    for row in findings(path, before).table.rows():
        severities.setdefault(row["id"], []).append(row["severity"])
    return severities


def written(files: dict[str, str]) -> Change:
    """Write files below the machine's root."""

    def change(root: Path) -> None:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return change


def meminfo(**figures: int) -> Change:
    """Set figures of meminfo, in KiB; a name with ``_`` for each parenthesis."""

    def change(root: Path) -> None:
        path = root / "proc/meminfo"
        text = path.read_text()
        for key, value in figures.items():
            text, changed = re.subn(rf"(?m)^{key}: +[0-9]+", f"{key}: {value}", text)
            assert changed == 1, key
        path.write_text(text)

    return change


def vm(**settings: int) -> Change:
    """Set tunables of vm."""
    return written({f"proc/sys/vm/{name}": f"{value}\n" for name, value in settings.items()})


def tmpfs(*lines: str) -> Change:
    """Say how full file systems in memory are, as captures do: KiB, KiB used, where."""
    return written({"proc/mounts.tmpfs": "".join(f"{line}\n" for line in lines)})


def pressure(some: float, full: float, name: str = "proc/pressure/memory") -> Change:
    """Say how much time is lost, in percent of all three windows."""
    lines = (
        f"{kind} avg10={p:.2f} avg60={p:.2f} avg300={p:.2f} total=1\n" for kind, p in (("some", some), ("full", full))
    )
    return written({name: "".join(lines)})


def ksm(**figures: int) -> Change:
    """Set what KSM does and has done."""
    usual = {"run": 1, "pages_to_scan": 100, "sleep_millisecs": 20, "pages_sharing": 0, "full_scans": 0}
    return written({f"sys/kernel/mm/ksm/{name}": f"{value}\n" for name, value in {**usual, **figures}.items()})


def both(*changes: Change) -> Change:
    """Make several changes."""

    def change(root: Path) -> None:
        for each in changes:
            each(root)

    return change


def in_file(name: str, pattern: str, text: str) -> Change:
    """Replace what a pattern matches in a file."""

    def change(root: Path) -> None:
        path = root / name
        replaced, times = re.subn(pattern, text, path.read_text())
        assert times, pattern
        path.write_text(replaced)

    return change


def grown(pid: int, kib: int) -> Change:
    """Let the largest figures of a process's smaps be so many KiB more, in its first mapping, and its RSS too."""

    def change(root: Path) -> None:
        path = root / f"proc/{pid}/smaps"
        text = path.read_text()
        for key in ("Size", "Rss", "Pss", "Private_Dirty", "Anonymous"):
            was = re.search(rf"(?m)^{key}: +([0-9]+)", text)
            assert was is not None
            text = text.replace(was[0], f"{key}: {int(was[1]) + kib}", 1)
        path.write_text(text)
        in_file(f"proc/{pid}/status", r"VmRSS:\s+[0-9]+", f"VmRSS:\t{kib}")(root)

    return change


def renamed(pid: int, name: str, *arguments: str) -> Change:
    """Let a process be another program."""
    return both(
        in_file(f"proc/{pid}/stat", r"\(.*\)", f"({name})"),
        written({f"proc/{pid}/cmdline": "\0".join((name, *arguments)) + "\0"}),
    )


def many_mappings(pid: int, count: int) -> Change:
    """Repeat a process's first mapping."""

    def change(root: Path) -> None:
        path = root / f"proc/{pid}/smaps"
        lines = path.read_text().splitlines(keepends=True)
        end = next(i for i, line in enumerate(lines[1:], 1) if re.match("[0-9a-f]+-", line))
        one = "".join(lines[1:end])
        path.write_text(
            "".join(f"{0x10000 + i * 0x2000:x}-{0x11000 + i * 0x2000:x} rw-p 0 00:00 0\n{one}" for i in range(count))
        )

    return change


def shielded(root: Path) -> None:
    """Let no process be killed."""
    for path in (root / "proc").glob("[0-9]*/oom_score_adj"):
        path.write_text("-1000\n")
        path.with_name("oom_score").write_text("0\n")


def groups(**figures: object) -> Change:
    """Add a tree with one group, /pod, that is charged with 465 MiB."""
    return written(V2_ROOT | group("/pod", **figures))


def free_of_dma32(pages: int) -> Change:
    """Let a zone have so many pages free, and the machine accordingly: 3808 are DMA's."""
    pattern = r"(zone +DMA32\n  pages free) +[0-9]+"
    return both(in_file("proc/zoneinfo", pattern, rf"\1     {pages}"), meminfo(MemFree=(3808 + pages) * 4))


def cache_of_dma32(pages: int) -> Change:
    """Let a zone have so many pages of page cache."""
    pattern = r"(?s)(zone +DMA32\n.*?nr_zone_inactive_file) +[0-9]+(\n +nr_zone_active_file) +[0-9]+"
    return in_file("proc/zoneinfo", pattern, rf"\1 {pages - 9}\2 9")


def large_zone(name: str) -> Change:
    """Let the large zone, DMA32, be another, with free memory in small pieces."""

    def change(root: Path) -> None:
        path = root / "proc/zoneinfo"
        text = re.sub(rf"zone +{name}\n", "zone     Gone\n", path.read_text())
        path.write_text(text.replace("zone    DMA32\n", f"zone {name:>8}\n"))
        (root / "proc/buddyinfo").write_text(f"Node 0, zone {name:>8} 130000 9 2 0 0 0 0 0 0 0 0\n")

    return change


NODES = "".join(
    f"Node {node}, zone   Normal\n  pages free     {free}\n        min      1000\n        low      1200\n"
    "        high     1500\n        spanned  100000\n        present  100000\n        managed  91054\n"
    "        protection: (0, 0)\n"
    for node, free in ((0, 1500), (1, 129159))
)
ZRAM = {
    "proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition 100000 95000 100\n",
    "sys/block/zram0/mm_stat": "97280000 90000000 95000000 0 95000000 0 0 0 0\n",
    "sys/block/zram0/disksize": "102400000\n",
}
FULL = {"sys/block/zram0/mm_stat": "97280000 90000000 95000000 100000000 95000000 0 0 0 0\n"}
CARD = written({"proc/mounts": "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n"})
SWAPPED = meminfo(SwapTotal=100000, SwapFree=5000)
UNUSED = meminfo(SwapTotal=100000, SwapFree=100000)
LITTLE = meminfo(MemAvailable=50000, AnonPages=460000)  # of what earlyoom 1.8 takes percents of, 9.8
OOMD = renamed(280, "systemd-oomd")
HUGE = in_file("proc/278/smaps", "AnonHugePages: +[0-9]+", "AnonHugePages: 40000")
CASES: list[tuple[str, Change, list[str] | None]] = [
    ("memory-available", meminfo(MemAvailable=RAM // 12), ["warning"]),
    ("memory-available", meminfo(MemAvailable=RAM // 25), ["critical"]),
    ("memory-pressure", pressure(9, 6), ["warning"]),
    ("memory-pressure", pressure(30, 25), ["critical"]),
    ("memory-pressure", pressure(30, 1), ["warning"]),
    ("memory-unexplained", meminfo(MemFree=400000), ["notice"]),
    ("memory-unexplained", meminfo(MemFree=300000), ["warning"]),
    ("shmem-large", meminfo(Shmem=200000, Cached=200000), ["notice"]),
    ("shmem-large", meminfo(Shmem=400000, Cached=400000), ["warning"]),
    ("tmpfs-full", tmpfs("65536 58982 /run"), ["notice"]),
    ("tmpfs-full", tmpfs("65536 58983 /run"), ["warning"]),
    ("tmpfs-full", tmpfs("65536 49152 /run"), ["notice"]),
    ("tmpfs-full", tmpfs("65536 49151 /run"), None),
    ("tmpfs-full", tmpfs("65535 65535 /run"), None),  # less than 64 MiB
    ("tmpfs-full", tmpfs("364218 182109 /dev/shm"), ["warning"]),  # a quarter of RAM
    ("tmpfs-full", tmpfs("364218 182108 /dev/shm"), None),
    ("tmpfs-full", tmpfs("65536 65536 /run", "65536 65536 /again", "70000 60000 /tmp"), ["warning", "notice"]),
    ("slab-unreclaimable", meminfo(SUnreclaim=120000), ["warning"]),
    ("page-tables-large", meminfo(PageTables=70000), ["warning"]),
    ("memory-locked", meminfo(Mlocked=200000), ["notice"]),
    ("memory-locked", meminfo(Mlocked=300000), ["warning"]),
    ("hugetlb-unused", meminfo(HugePages_Total=40, HugePages_Free=40, Hugetlb=81920), ["warning"]),
    ("hugetlb-unused", meminfo(HugePages_Total=40, HugePages_Free=35, Hugetlb=81920, MemTotal=2000000), ["notice"]),
    ("dirty-slow-card", both(CARD, vm(dirty_bytes=1 << 30)), ["notice"]),
    ("swap-full", meminfo(SwapTotal=100000, SwapFree=15000, MemAvailable=RAM // 6), ["warning"]),
    ("swap-full", meminfo(SwapTotal=100000, SwapFree=1000, MemAvailable=RAM // 6), ["critical"]),
    ("swap-full", meminfo(SwapTotal=100000, SwapFree=1000, MemAvailable=RAM // 5), ["critical"]),
    ("swap-full", meminfo(SwapTotal=100000, SwapFree=1000, MemAvailable=RAM // 5 + 1), ["notice"]),
    ("swap-full", meminfo(SwapTotal=100000, SwapFree=21000), None),
    ("swap-thrashing", both(meminfo(SwapTotal=100000, SwapFree=60000), pressure(30, 15)), ["critical"]),
    ("swap-none", meminfo(MemAvailable=RAM // 8), ["warning"]),
    ("zram-full", both(written(ZRAM), SWAPPED), ["warning", "notice"]),
    ("zram-full", both(written(ZRAM | FULL), SWAPPED), ["critical", "warning", "notice"]),
    ("zone-low", free_of_dma32(9000), ["warning"]),
    ("zone-low", free_of_dma32(900), ["critical"]),
    ("zone-low", both(free_of_dma32(9000), cache_of_dma32(17827)), ["notice"]),
    ("zone-low", both(free_of_dma32(9000), cache_of_dma32(17826)), ["warning"]),
    ("zone-low", both(free_of_dma32(900), cache_of_dma32(17827)), ["warning"]),
    ("min-free", vm(min_free_kbytes=50000), ["notice"]),
    ("min-free", vm(min_free_kbytes=100000), ["warning"]),
    ("min-free", vm(min_free_kbytes=256), ["critical"]),
    ("fragmented", written({"proc/buddyinfo": f"Node 0, zone    DMA32 {130000} 9 2 0 0 0 0 0 0 0 0\n"}), ["warning"]),
    *(("fragmented", large_zone(name), ["warning"]) for name in ("DMA", "Normal")),
    *(("fragmented", large_zone(name), None) for name in ("HighMem", "Movable")),
    ("fragmented", written({"proc/buddyinfo": "Node 0, zone      DMA 3800 0 0 0 0 0 0 0 0 0 0\n"}), None),
    ("node-imbalance", both(written({"proc/zoneinfo": NODES}), meminfo(MemFree=522636)), ["notice"]),
    ("commit-limit", both(vm(overcommit_memory=2), meminfo(Committed_AS=340000)), ["warning"]),
    ("commit-limit", both(vm(overcommit_memory=2), meminfo(Committed_AS=364000)), ["critical"]),
    ("strict-without-swap", vm(overcommit_memory=2), ["warning"]),
    ("overcommit-always", vm(overcommit_memory=1), ["notice"]),
    ("promised-twice", meminfo(Committed_AS=1500000), ["notice"]),
    ("group-limit", groups(max=500 * MIB, stat="anon 480000000\n"), ["warning"]),
    ("group-limit", groups(max=470 * MIB, stat="anon 480000000\n"), ["critical"]),
    ("group-limit", groups(max=470 * MIB), ["notice"]),
    ("group-limit", groups(max=2000 * MIB, high=470 * MIB, stat="anon 480000000\n"), None),  # nobody is killed there
    ("group-limit", groups(max=480 * MIB, high=470 * MIB, stat="anon 480000000\n"), ["warning"]),
    ("group-kills", groups(events="oom 3\noom_kill 2"), ["warning"]),
    ("group-high", groups(high=400 * MIB), ["warning"]),
    ("group-high", both(groups(high=400 * MIB), pressure(1, 0, "sys/fs/cgroup/pod/memory.pressure")), ["warning"]),
    ("group-high", both(groups(high=400 * MIB), pressure(0.9, 0, "sys/fs/cgroup/pod/memory.pressure")), ["notice"]),
    ("group-pressure", both(groups(), pressure(20, 12, "sys/fs/cgroup/pod/memory.pressure")), ["warning"]),
    ("process-half-of-ram", grown(278, 400000), ["warning"]),
    ("map-count", both(vm(max_map_count=1000), many_mappings(280, 900)), ["warning"]),
    ("map-count", both(vm(max_map_count=1000), many_mappings(280, 990)), ["critical"]),
    ("shielded-hog", both(grown(278, 200000), written({"proc/278/oom_score_adj": "-900\n"})), ["warning"]),
    ("victim-small", grown(278, 100000), ["notice"]),
    ("nobody-killable", shielded, ["critical"]),
    ("huge-page-bloat", both(meminfo(MemAvailable=90000), HUGE), ["notice"]),
    ("oom-kill-counted", in_file("proc/vmstat", "oom_kill 0", "oom_kill 3"), ["warning"]),
    ("early-killer", renamed(280, "earlyoom", "-m", "5"), ["notice"]),
    ("early-killer", both(renamed(280, "earlyoom"), LITTLE), ["critical"]),
    ("early-killer", both(renamed(280, "earlyoom"), LITTLE, meminfo(AnonPages=400000)), ["notice"]),
    ("early-killer", both(renamed(280, "earlyoom", "-m", "9.9"), LITTLE), ["critical"]),
    ("early-killer", both(renamed(280, "earlyoom", "-m", "9.5"), LITTLE), ["notice"]),
    ("early-killer", both(renamed(280, "earlyoom", "-M", "80000"), LITTLE), ["critical"]),
    ("early-killer", both(renamed(280, "earlyoom", "-M", "60000"), LITTLE), ["notice"]),
    ("early-killer", both(renamed(280, "earlyoom"), LITTLE, UNUSED), ["notice"]),
    ("early-killer", both(renamed(280, "earlyoom", "-s", "100"), LITTLE, UNUSED), ["critical"]),
    ("early-killer", renamed(280, "systemd-oomd"), ["notice"]),
    ("early-killer", both(OOMD, SWAPPED, meminfo(MemAvailable=60000)), ["critical"]),
    ("early-killer", both(OOMD, SWAPPED, meminfo(MemAvailable=80000)), ["notice"]),
    ("early-killer", both(OOMD, groups(), pressure(70, 61, "sys/fs/cgroup/pod/memory.pressure")), ["warning"]),
    ("early-killer", both(OOMD, groups(), pressure(70, 59, "sys/fs/cgroup/pod/memory.pressure")), ["notice"]),
    ("aslr-off", written({"proc/sys/kernel/randomize_va_space": "0\n"}), ["warning"]),
    ("aslr-off", written({"proc/sys/kernel/randomize_va_space": "1\n"}), ["notice"]),
    ("panic-on-oom", vm(panic_on_oom=1), ["warning"]),
    ("oom-kills-asker", vm(oom_kill_allocating_task=1), ["notice"]),
    ("zone-reclaim", both(written({"proc/zoneinfo": NODES}), vm(zone_reclaim_mode=1)), ["warning"]),
    ("vfs-cache-pressure", vm(vfs_cache_pressure=0), ["warning"]),
    ("ksm-costly", ksm(full_scans=9), ["notice"]),
    ("ksm-costly", ksm(full_scans=9, ksm_zero_pages=10), None),
    ("ksm-costly", ksm(pages_sharing=10, general_profit=-4096), ["warning"]),
    ("ksm-costly", ksm(pages_sharing=10, pages_to_scan=20000), ["notice"]),
    ("incomplete", lambda root: (root / "proc/vmstat").unlink(), ["notice"]),
    ("incomplete", both(*(in_file(f"proc/{pid}/smaps", "(?s).*", "") for pid in (278, 279, 280))), ["warning"]),
    ("incomplete", in_file("proc/278/smaps", "(?s).*", ""), ["notice"]),
    ("contradictory", meminfo(MemTotal=2000000), ["notice"]),
]  # fmt: skip
GROWN: list[tuple[str, Change, list[str]]] = [
    ("shmem-growth", meminfo(Shmem=100000), ["notice"]),
    ("shmem-growth", meminfo(Shmem=150000, Cached=150000), ["warning"]),
    ("slab-growth", meminfo(SUnreclaim=50000), ["notice"]),
    ("slab-growth", meminfo(SUnreclaim=90000), ["warning"]),
    ("available-shrunk", meminfo(MemAvailable=400000), ["notice"]),
    ("available-shrunk", meminfo(MemAvailable=300000), ["warning"]),
    ("process-growth", grown(278, 50000), ["notice"]),
    ("process-growth", grown(278, 100000), ["warning"]),
]


def test_nothing_is_found_on_the_example(unpacked: Path) -> None:
    assert found(unpacked) == {}
    assert found(unpacked, before=unpacked) == {}


@pytest.mark.parametrize(("rule", "change", "severities"), CASES)
def test_what_a_rule_finds(machine: Path, rule: str, change: Change, severities: list[str] | None) -> None:
    change(machine)
    assert found(machine).get(rule) == severities


@pytest.mark.parametrize(("rule", "change", "severities"), GROWN)
def test_what_grew(unpacked: Path, machine: Path, rule: str, change: Change, severities: list[str]) -> None:
    change(machine)
    assert found(machine, before=unpacked).get(rule) == severities
    assert rule not in found(machine)
    (row,) = (row for row in findings(machine, unpacked).table.rows() if row["id"] == rule)
    assert str(unpacked) in row["figure"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (written({"proc/sys/kernel/hostname": "other\n"}), "it is of demo, and this is other"),
        (
            both(meminfo(MemTotal=RAM * 2), written({"proc/sys/kernel/hostname": "localhost\n"})),
            "it has 711.4 MiB of RAM, and this 1.4 GiB",
        ),
    ],
)
def test_of_another_machine_nothing_has_grown(machine: Path, tmp_path: Path, change: Change, why: str) -> None:
    (machine / "proc/sys/kernel/hostname").write_text("demo\n")
    before = Path(shutil.copytree(machine, tmp_path / "before"))
    both(meminfo(Shmem=200000, Cached=200000, MemAvailable=300000), grown(278, 100000), change)(machine)
    report = findings(machine, before)
    assert f"{before} is of another machine: {why}; nothing is said of what grew" in report.warnings
    assert not {row["id"] for row in report.table.rows()} & {rule for rule, _, _ in GROWN}


@pytest.mark.parametrize("tells", ["uptime", "clock"])
def test_since_a_later_capture_nothing_has_grown(machine: Path, tmp_path: Path, tells: str) -> None:
    """By the time that the machine was up, where both are of one start of it, whatever the clock says."""
    (machine / "proc/sys/kernel/hostname").write_text("demo\n")
    after = Path(shutil.copytree(machine, tmp_path / "after"))
    both(meminfo(Shmem=200000, Cached=200000, MemAvailable=300000), grown(278, 100000))(machine)
    for number, folder in enumerate((machine, after)):
        boot_id = {"proc/sys/kernel/random/boot_id": f"{number if tells == 'clock' else 0}\n"}
        written({**boot_id, "proc/uptime": f"{1000 + number}.00 1.00\n"})(folder)
    backwards = -1 if tells == "uptime" else 1  # the clock, which was set
    first, later = (packed(folder, START + backwards * number) for number, folder in enumerate((machine, after)))
    report = findings(first, later)
    assert f"{later} was taken later: --diff names the earlier one; nothing is said of what grew" in report.warnings
    assert not {row["id"] for row in report.table.rows()} & {rule for rule, _, _ in GROWN}
    assert not findings(later, first).warnings


def packed(folder: Path, taken_at: int) -> Path:
    """Pack a tree as it would be taken at a time."""

    def at(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = taken_at
        return member

    path = folder.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        archive.add(folder / "proc", "proc", filter=at)
    return path


def test_of_a_part_of_a_machine_nobody_knows_whether_all_are_shielded(machine: Path) -> None:
    shielded(machine)
    whole = packed(machine, START)
    assert "nobody-killable" in found(whole)
    with tarfile.open(whole) as archive:
        last = archive.getmembers()[-1].offset
    os.truncate(whole, last + 100)
    evidence = Evidence(open_source(str(whole), partial=True))
    assert evidence.rows("scores")
    assert "nobody-killable" not in {row["id"] for row in findings_report(evidence).table.rows()}


def test_a_machine_that_got_more_memory_is_the_same(machine: Path, tmp_path: Path) -> None:
    (machine / "proc/sys/kernel/hostname").write_text("demo\n")
    before = Path(shutil.copytree(machine, tmp_path / "before"))
    both(meminfo(Shmem=200000, Cached=200000), meminfo(MemTotal=RAM * 2))(machine)
    assert "shmem-growth" in found(machine, before)


def _killed_in(path: Path) -> dict[str, float]:
    rows = (row for row in findings(path).table.rows() if row["id"] == "group-kills")
    return {row["title"].split(" ")[3]: row["amount"] for row in rows}


@pytest.mark.parametrize(
    ("counts", "own"),
    [
        ({"/a": 3, "/a/b": 3, "/a/b/c": 3}, {"/a/b/c": 3}),
        ({"/a": 4, "/a/b": 3, "/a/b/c": 3}, {"/a": 1, "/a/b/c": 3}),  # its own, or of a group that is gone
        ({"/a": 9, "/a/b": 3, "/a/d": 4}, {"/a": 2, "/a/b": 3, "/a/d": 4}),
        ({"/a": 1, "/a/b": 2}, {"/a": 1, "/a/b": 2}),  # memory_localevents
    ],
)
def test_where_the_kernel_has_killed(machine: Path, counts: dict[str, int], own: dict[str, int]) -> None:
    """A group of version 2 counts what happened in those within it: each kill is told of the group where it was."""
    for path, kills in counts.items():
        written(V2_ROOT | group(path, events=f"oom_kill {kills}"))(machine)
    assert _killed_in(machine) == own


def test_groups_of_version_1_count_their_own_kills_alone(machine: Path) -> None:
    shutil.rmtree(machine / "sys/fs/cgroup", ignore_errors=True)
    for path, kills in (("", 0), ("/a", 2), ("/a/b", 5)):
        written(group_v1(path, oom_control=f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}"))(machine)
    assert _killed_in(machine) == {"/a": 2, "/a/b": 5}


@pytest.mark.parametrize(
    ("arguments", "whom"),
    [
        ((), "287 (victim)"),
        (("--avoid", "^(victim|init)$"), "278 (second)"),
        (("--ignore=^victim$",), "278 (second)"),
        (("--prefer", "second"), "278 (second)"),
        (("--avoid", "(victim+)+$"), "287 (victim), unless told to avoid it"),
    ],
)
def test_whom_earlyoom_would_kill(machine: Path, arguments: tuple[str, ...], whom: str) -> None:
    """By score, with 300 for what it is told to prefer or avoid; no regular expression that may take long is tried."""
    both(renamed(280, "earlyoom", *arguments), renamed(287, "victim"), renamed(278, "second"))(machine)
    (title,) = (row["title"] for row in findings(machine).table.rows() if row["id"] == "early-killer")
    assert title == f"earlyoom kills before the kernel does: first {whom}"


def test_when_earlyoom_kills(machine: Path) -> None:
    """Its percents are of what programs can have since version 1.8, of all memory before."""
    both(renamed(280, "earlyoom", "-m", "5"), meminfo(MemTotal=1000000, MemAvailable=300000, AnonPages=500000))(machine)
    (figure,) = (row["figure"] for row in findings(machine).table.rows() if row["id"] == "early-killer")
    assert figure == "at 39.1 MiB available and 0 B of free swap; before version 1.8 at 48.8 MiB available"


def test_what_systemd_oomd_is_configured_to_do(machine: Path) -> None:
    """The last of the files that sets a limit counts; what is commented out does not."""
    files = {"oomd.conf": "[OOM]\n#SwapUsedLimit=90%\nSwapUsedLimit=80%\n", "oomd.conf.d/9.conf": "SwapUsedLimit=70%\n"}
    configured = written({f"etc/systemd/{name}": text for name, text in files.items()})
    both(renamed(280, "systemd-oomd"), configured)(machine)
    (figure,) = (row["figure"] for row in findings(machine).table.rows() if row["id"] == "early-killer")
    assert figure == "no swap, SwapUsedLimit=70%"


@pytest.mark.parametrize(
    ("limit", "severity"), [("50%", "warning"), ("549‰", "warning"), ("56%", "notice"), (".", "notice")]
)
def test_whom_systemd_oomd_kills_for_its_pressure(machine: Path, limit: str, severity: str) -> None:
    configured = written({"etc/systemd/oomd.conf": f"[OOM]\nDefaultMemoryPressureLimit={limit}\n"})
    both(OOMD, groups(), pressure(70, 55, "sys/fs/cgroup/pod/memory.pressure"), configured)(machine)
    (row,) = (row for row in findings(machine).table.rows() if row["id"] == "early-killer")
    assert row["severity"] == severity
    assert ("/pod waits for memory beyond its limit" in row["title"]) == (severity == "warning")
    assert row["figure"] == "no swap" + (f", DefaultMemoryPressureLimit={limit}" if limit != "." else "")


def test_which_tmpfs_is_full(pymemtools: Run, machine: Path) -> None:
    tmpfs("81920 77824 /tmp\\040\\134a\x1b[2J", "364218 200000 /dev/shm", "1 x", "65536 65536 run", "9" * 5000)(machine)
    rows = [row for row in findings(machine).table.rows() if row["id"] == "tmpfs-full"]
    assert [(row["title"], row["figure"], row["amount"]) for row in rows] == [
        ("tmpfs /dev/shm has files as large as much of RAM", "195.3 MiB of 355.7 MiB", 200000 << 10),
        ("tmpfs /tmp \\a\x1b[2J is nearly full", "76.0 MiB of 80.0 MiB", 76 << 20),
    ]
    assert b"\x1b" not in pymemtools("report", "-S", str(machine)).stdout


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        ((), "Much of RAM is in tmpfs and shared memory"),
        (("400000 19999 /tmp",), "Much of RAM is in tmpfs and shared memory"),  # less than a tenth of it
        (
            ("400000 20000 /tmp", "400000 50000 /run", "400000 30000 /dev/shm", "400000 25000 /var/tmp"),
            "Much of RAM is in tmpfs and shared memory: "
            "files in /run (48.8 MiB), /dev/shm (29.3 MiB), /var/tmp (24.4 MiB)",
        ),
    ],
)
def test_where_shared_memory_is(machine: Path, lines: tuple[str, ...], title: str) -> None:
    both(meminfo(Shmem=200000, Cached=200000), tmpfs(*lines))(machine)
    (found_title,) = (row["title"] for row in findings(machine).table.rows() if row["id"] == "shmem-large")
    assert found_title == title


def test_a_kill_in_the_log(pymemtools: Run, machine: Path) -> None:
    log = (HERE / "oom_reports/rpi-3.6.11-armv6-464M-snipped.txt").read_text()
    assert "oom-kill-logged" not in found(machine)
    (machine / "dmesg").write_text(log)
    done = pymemtools("report", "-S", str(machine))
    first = done.stdout.decode().splitlines()[0]
    assert first == "WARNING  The log has a kill for want of memory: the last was 2148"


def test_what_nothing_tells_of_is_said(pymemtools: Run, machine: Path) -> None:
    """A board whose capture has no log may have killed: that nothing was found is no good news."""

    def not_told() -> list[str]:
        return list((findings_report(_with_its_log(machine)).totals or {})["not_told"])

    stalls, others = "stalls (no pressure/memory)", ["file systems in memory (no mounts.tmpfs)"]
    groups_too = [*others, "memory groups (no /sys/fs/cgroup)"]
    assert not_told() == ["kills (no kernel log)", stalls, *groups_too]
    (machine / "dmesg").write_text("[    1.000000] hello\n")
    assert not_told() == [stalls, *groups_too]
    groups()(machine)
    assert not_told() == [stalls, *others]
    lines = pymemtools("report", "-S", str(machine), "-f", "md").stdout.decode().replace("\\", "").splitlines()
    assert lines[2] == f"not told: {stalls}; {others[0]}"


def _with_its_log(machine: Path) -> Evidence:
    source = open_source(str(machine))
    return Evidence(source, kills_in(source, 1 << 20, []))


def test_kills_before_the_time_that_is_asked_about_are_old_news(pymemtools: Run, unpacked: Path, machine: Path) -> None:
    """A check each hour, of what was since the last one, does not fail for ever of one kill."""
    (machine / "proc/uptime").write_text("90000.00 9.00\n")
    in_file("proc/vmstat", "oom_kill 0", "oom_kill 3")(machine)
    before = Path(shutil.copytree(machine, machine.with_name("before")))
    (machine / "proc/uptime").write_text("93600.00 9.00\n")

    def failed() -> int:
        return pymemtools("report", "-S", str(machine), "--diff", str(before), "--fail-on", "warning").returncode

    assert found(machine)["oom-kill-counted"] == ["warning"]
    assert found(machine, before)["oom-kill-counted"] == ["notice"] and failed() == 0
    in_file("proc/vmstat", "oom_kill 3", "oom_kill 4")(machine)
    assert found(machine, before)["oom-kill-counted"] == ["warning"] and failed() == 6
    in_file("proc/vmstat", "oom_kill 4", "oom_kill 3")(machine)
    (machine / "proc/uptime").write_text("70.00 9.00\n")  # another start, whose kills are all new
    assert found(machine, before)["oom-kill-counted"] == ["warning"]


def test_a_kill_of_an_experiment_is_no_news(machine: Path) -> None:
    log = (HERE / "oom_reports/own-x86_64-6.18.44-memcg-v1.txt").read_text()
    (machine / "dmesg").write_text(log)
    assert logged_kills(machine) == ["2 kills"]
    (machine / "dmesg").write_text(log.replace("/pymt_oom", "/pymemtools-lab-12"))
    assert logged_kills(machine) == []


def logged_kills(machine: Path) -> list[str]:
    """Give what is found of kills in its log."""
    report = findings_report(_with_its_log(machine))
    return [row["figure"].partition(",")[0] for row in report.table.rows() if row["id"] == "oom-kill-logged"]


def test_what_the_cache_of_zfs_can_give_back_is_available() -> None:
    rules = found(HERE / "captures/odd/zfs")
    assert not rules.keys() & {"memory-available", "swap-none", "memory-unexplained"}


def test_a_containers_own_figures_leave_nothing_unexplained() -> None:
    """What the kernel has, and who is outside, meminfo of a container does not count."""
    rules = found(HERE / "captures/odd/lxcfs-swap")
    assert "contradictory" in rules
    assert "memory-unexplained" not in rules


def test_each_rule_is_tried() -> None:
    """Those of a recording's span are in test_report_recorded.py."""
    tried = {rule for rule, _, _ in (*CASES, *GROWN)} | {"oom-kill-logged"} | {rule.id for rule in OF_RECORDINGS}
    assert {rule.id for rule in RULES} == tried
    assert len(RULES) == len({rule.id for rule in RULES}) >= 25


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_a_rule_says_of_itself(rule: Any) -> None:
    """The severity that it names is the worst that it raises; and it says why, and what to do."""
    raised = {each for name, _, severities in (*CASES, *GROWN) if name == rule.id for each in severities or ()}
    if raised:
        assert rule.severity == min(raised, key=SEVERITIES.index)
    assert rule.condition and rule.source and rule.advice and rule.command.startswith(("pymemtools", "journalctl"))


@pytest.mark.parametrize(
    ("severity", "status"), [("critical", 0), ("warning", 6), ("notice", 6)], ids=["critical", "warning", "notice"]
)
def test_a_check_in_a_boards_ci(pymemtools: Run, machine: Path, severity: str, status: int) -> None:
    vm(panic_on_oom=1)(machine)
    assert pymemtools("report", "-S", str(machine), "--fail-on", severity).returncode == status
    assert pymemtools("--demo", "report", "--fail-on", severity).returncode == 0


GROUPS = str(CAPTURES / "groups-6.1/together.tar.gz")
OF_THIS_MACHINE = ("lab aslr", "ksm --estimate", "oom-report --dmesg")  # read no copy: their options are looked at
COMMANDS = sorted(
    {each.strip() for rule in RULES for each in rule.command.split(";") if each.strip().startswith("pymemtools")}
)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_command_runs_as_written(pymemtools: Run, tmp_path: Path, command: str) -> None:
    """With a source, a process, a group, a moment and a log put in where it says so."""
    recording = record(str(tmp_path / "a.rec"), [Told(7, "/bin/a", lambda n: 900)], every_ten_seconds(30, _files))
    is_of_recording = command.startswith(("pymemtools trend", "pymemtools faults")) or "MOMENT" in command
    source = recording if is_of_recording else GROUPS if "groups" in command or "--group" in command else str(EXAMPLE)
    if "oom-report" in command:
        source = str(CAPTURES / "sosreport")
    log = str(HERE / "oom_reports/rpi-3.6.11-armv6-464M-snipped.txt")
    words = {"SOURCE": source, "OTHER": source, "PID": "280", "PATH": "/", "A": "280", "B": "279", "MOMENT": "first"}
    call = [{**words, "FILE": log}.get(word, word) for word in command.split()[1:]]
    if any(command.endswith(each) for each in OF_THIS_MACHINE):
        call = [*call[:1], "--help"]
    elif "-S" not in call and "FILE" not in command:
        call += ["-S", source]
    done = pymemtools(*call)
    assert (done.returncode, done.stdout != b"") == (0, True), done.stderr


PASTED = [
    ("process-half-of-ram", grown(278, 400000), "pymemtools vgraph 278 -S PATH; pymemtools pmap -x 278 -S PATH"),
    (
        "group-limit",
        groups(max=470 * MIB),
        "pymemtools groups /pod -S PATH; pymemtools what-if oom --group /pod -S PATH",
    ),
    ("tmpfs-full", tmpfs("65536 58983 /run"), "pymemtools smem -W -S PATH"),
]


@pytest.mark.parametrize(("rule", "change", "command"), PASTED, ids=lambda each: each if isinstance(each, str) else "")
def test_the_command_of_a_finding_can_be_pasted(
    pymemtools: Run, machine: Path, rule: str, change: Change, command: str
) -> None:
    """It names the source, quoted for a shell, and the process or the group; each runs on, and on a line of its own."""
    change(machine)
    path = machine.rename(machine.with_name("it's a board"))
    row = next(row for row in findings(path).table.rows() if row["id"] == rule)
    assert row["command"] == command.replace("PATH", shlex.quote(str(path)))
    shown = pymemtools("report", "-S", str(path)).stdout.decode().splitlines()
    for each in row["command"].split("; "):
        assert any(line.endswith(each) for line in shown)
        assert pymemtools(*shlex.split(each)[1:]).returncode == 0


def _files(number: int) -> dict[str, bytes]:
    stall = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
    files = {"meminfo": recorded_meminfo(6 << 20), "vmstat": b"pgfault 1\n", "pressure/memory": stall}
    return {**files, "uptime": b"%d 9\n" % (number + 9)}

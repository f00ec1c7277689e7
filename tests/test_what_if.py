"""what-if: against what three machines then did, the laws that hold on any machine, and whole outputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import CAPTURES, HERE, Run
from hypothesis import assume, given
from hypothesis import strategies as st
from trees import MEMINFO, Proc, write_tree

from pymemtools.models import overcommit
from pymemtools.models.allocation import Gain, Pools, ZoneLevels, supply, zones_after
from pymemtools.models.available import mem_available
from pymemtools.models.dirty_timeline import Limits, Writer, curve, timeline
from pymemtools.models.drop_caches import predict
from pymemtools.models.overcommit import ALWAYS, HEURISTIC, NEVER, Caller, Memory, largest_mapping
from pymemtools.models.watermarks import SizedZone, watermarks
from pymemtools.models.writeback import DirtySettings, HighZone, dirtyable, thresholds
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.readings.machine import read_machine
from pymemtools.readings.processes import read_processes
from pymemtools.reports.estimates import available_of, dirty_of, limit_of, marks_of
from pymemtools.reports.oom_scores.candidates import WANTS, candidates
from pymemtools.reports.what_if.supposed import supposed
from pymemtools.sources import open_source

EXAMPLE = str(HERE.parent / "pymemtools" / "data" / "example.tar.gz")
MACHINES = ("armv7-highmem-6.1", "x86_64-6.1", "x86_64-7.2")
PREOOM = {machine: CAPTURES / machine / "preoom.tar.gz" for machine in ("armv7-highmem-6.1", "x86_64-7.2")}


def ask(pymemtools: Run, *args: str) -> dict[str, Any]:
    done = pymemtools("what-if", *args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    totals = document["totals"] or {}
    assert all((row.get("rule") or totals["rule"]) for row in document["rows"])
    return document


# What three machines did.


def granted() -> Iterator[Any]:
    """Give each setting of the experiments: meminfo then, mode, ratio, reserves, and the largest mappings granted."""
    for machine in MACHINES:
        text = (CAPTURES / machine / "overcommit2").read_text() + "## mode=0\n"
        for part in [*text.split("## ")[1:-1], "mode=0\n" + (CAPTURES / machine / "overcommit0").read_text()]:
            head, _, body = part.partition("\n")
            settings = dict(re.findall(r"(\w+)=(\d+)", head))
            settings |= dict(zip(("admin", "user"), re.findall(r"_reserve (\d+)", body) or ("8192", "20000")))
            largest = dict(re.findall(r"maxmmap_(\w+) (\d+)", body))
            meminfo = body.partition("HugePages_Total")[0] if "mode=2" in head else body.partition("maxmmap")[0]
            yield pytest.param(meminfo, settings, largest, id=f"{machine} {head}")


@pytest.mark.parametrize(("meminfo", "settings", "largest"), list(granted()))
def test_the_largest_mapping_that_was_granted(
    pymemtools: Run, tmp_path: Path, meminfo: str, settings: dict[str, str], largest: dict[str, str]
) -> None:
    (tmp_path / "sys" / "vm").mkdir(parents=True)
    (tmp_path / "meminfo").write_text(
        "".join(f"{line}\n" for line in meminfo.splitlines() if re.match(r"\w.*: ", line))
    )
    (tmp_path / "version").write_text("Linux version 6.1.0-50 (x)\n")
    (tmp_path / "stat").write_text("cpu  1 2\ncpu0 1 2\nintr 0\n")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "stat").write_text("1 (init) S 0 " + "0 " * 48)
    values = {
        "overcommit_memory": settings["mode"],
        "overcommit_ratio": settings.get("ratio", "50"),
        "overcommit_kbytes": "0",
        "admin_reserve_kbytes": settings["admin"],
        "user_reserve_kbytes": settings["user"],
    }
    for name, value in values.items():
        (tmp_path / "sys" / "vm" / name).write_text(f"{value}\n")
    document = ask(pymemtools, "overcommit", "-S", str(tmp_path))
    (row,) = [row for row in document["rows"] if row["is_current"]]
    assert row["mode"] == int(settings["mode"])
    assert row["commit_limit"] == parse_meminfo(meminfo.encode())["CommitLimit"]
    for who in ("root", "user"):
        assert abs(row[f"largest_mmap_{who}"] - int(largest[who])) <= row["error_bound"]


def dirty_settings() -> Iterator[Any]:
    for machine in MACHINES:
        for part in (CAPTURES / machine / "dirty").read_text().split("## ")[1:]:
            yield pytest.param(part, id=f"{machine} {part.partition(chr(10))[0]}")


@pytest.mark.parametrize("part", list(dirty_settings()))
def test_dirty_thresholds(part: str) -> None:
    head, _, body = part.partition("\n")
    background, dirty = (int(value) for value in re.findall(r"=(\d+)", head))
    meminfo = parse_meminfo(body.partition("nr_free_pages")[0].encode())
    counters = parse_vmstat(body.encode())
    zones = []
    for zone in body.split("Node 0, zone")[1:]:
        numbers = {name: int(value) for name, value in re.findall(r"(\w+) +(\d+)\n", zone)}
        protection = [int(value) for value in re.findall(r"\d+", zone.partition("protection: ")[2].partition(")")[0])]
        zones.append((zone.split()[0], numbers, protection))
    reserve = sum(max(protection) + numbers["high"] for _, numbers, protection in zones if numbers["free"])
    high = [
        HighZone(numbers["free"], numbers["high"], numbers["free"], protection, 0)
        for name, numbers, protection in zones
        if name == "HighMem"
    ]
    file = (meminfo["Active(file)"] + meminfo["Inactive(file)"]) // 4096
    found = thresholds(dirtyable(meminfo["MemFree"] // 4096, file, reserve, high), DirtySettings(dirty, background))
    assert found == (counters["nr_dirty_threshold"], counters["nr_dirty_background_threshold"])


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("level", [1, 3])
def test_dropped_caches_are_in_the_interval(machine: str, level: int) -> None:
    before, after = (
        parse_meminfo((CAPTURES / machine / name).read_bytes()) for name in ("drop-before", f"drop-after-{level}")
    )
    prediction = predict(before, level)
    files = sum(before[key] - after[key] for key in ("Active(file)", "Inactive(file)"))
    slab = before["KReclaimable"] - after["KReclaimable"]
    assert prediction.page_cache.least <= files <= prediction.page_cache.most
    assert prediction.slab.least - (1 << 17) <= (slab if level & 2 else 0) <= prediction.slab.most


@pytest.mark.parametrize("path", [*(CAPTURES / f"{machine}" / "reserves.tar.gz" for machine in PREOOM), None])
def test_available_memory_of_captures(path: Path | None) -> None:
    source = open_source(str(path or EXAMPLE))
    machine = read_machine(source)
    assert available_of(machine) == machine.meminfo["MemAvailable"]
    assert limit_of(machine) == machine.meminfo["CommitLimit"]


@pytest.mark.parametrize("machine", PREOOM)
def test_whom_the_kernel_killed(pymemtools: Run, machine: str) -> None:
    """The allocator that grew, and that the report of the kill gives the size of."""
    log = (CAPTURES / machine / "oom-dmesg").read_text()
    match = re.search(r"Killed process \d+ \((\w+)\) total-vm:\d+kB, anon-rss:(\d+)kB", log)
    assert match is not None
    document = ask(pymemtools, "oom", "--alloc", f"{match[2]}K:{match[1]}", "-S", str(PREOOM[machine]))
    assert document["totals"]["victim_name"] == match[1]
    assert [row["is_victim"] for row in document["rows"]].count(True) == 1
    assert document["rows"][0]["is_victim"]


# This machine.


def settled(predict_: Any, read: Any) -> bool:
    """Compare when nothing changed meanwhile; a busy machine gets some tries.

    What is not alike three times in a row is wrong: once it may have changed, and changed back.
    """
    unlike = 0
    for _ in range(200):
        before = read()
        predicted = predict_()
        if read() == before:
            if predicted == before:
                return True
            unlike += 1
            if unlike == 3:
                return False
        time.sleep(0.005)
    pytest.skip("the machine does not keep still")


def live_meminfo(*keys: str) -> Mapping[str, int]:
    found = parse_meminfo(Path("/proc/meminfo").read_bytes())
    return {key: found[key] for key in keys}


def test_the_commit_limit_of_this_machine() -> None:
    machine = read_machine(open_source())
    assert limit_of(machine) == live_meminfo("CommitLimit")["CommitLimit"]


def test_available_memory_of_this_machine() -> None:
    assert settled(
        lambda: {"MemAvailable": available_of(read_machine(open_source()))}, lambda: live_meminfo("MemAvailable")
    )


def test_the_thresholds_of_this_machine() -> None:
    """The kernel works them out from the free pages of this very moment."""

    def read() -> tuple[int, int]:
        counters = parse_vmstat(Path("/proc/vmstat").read_bytes())
        return counters["nr_dirty_threshold"], counters["nr_dirty_background_threshold"]

    assert settled(lambda: dirty_of(read_machine(open_source())), read)


def test_the_watermarks_of_this_machine() -> None:
    machine = read_machine(open_source())
    for zone, marks in zip(machine.zones, marks_of(machine)):
        assert marks is not None
        boost = zone.boost or 0
        told = (zone.min - boost, zone.low - boost, zone.high - boost)
        # Those that boot left are from a smaller zone: some pages less, and none more.
        assert all(model - 64 <= kernel <= model for kernel, model in zip(told, marks)), zone.name


def test_the_scores_of_this_machine() -> None:
    """Of processes that keep still: small, large, and one that the kernel is told to take first."""
    work = "import sys, time; held = b'x' * int(sys.argv[1]); print(flush=True); time.sleep(60)"
    children = [
        subprocess.Popen([sys.executable, "-c", work, str(size)], stdout=subprocess.PIPE)
        for size in (0, 100 << 20, 10 << 20)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        Path(f"/proc/{children[2].pid}/oom_score_adj").write_text("500")
        rows = {row.pid: row for row in candidates(open_source(), read_processes(open_source(), WANTS)).rows}
        for child in children:
            row = rows[child.pid]
            assert row.oom_score is not None
            assert row.oom_score_computed is not None
            assert abs(row.oom_score - row.oom_score_computed) <= 1
        scores = [rows[child.pid].oom_score or 0 for child in children]
        assert scores[0] < scores[1] < scores[2]
    finally:
        for child in children:
            child.kill()
            child.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="another's smaps take root")
def test_the_largest_mapping_of_this_machine(pymemtools: Run) -> None:
    """In mode 0 since 5.2: RAM and swap, to the page."""
    import mmap

    machine = read_machine(open_source())
    if machine.setting("vm.overcommit_memory") != HEURISTIC or (machine.version or (0,)) < (5, 2, 0):
        pytest.skip("another rule holds here")
    rows = ask(pymemtools, "overcommit")["rows"]
    largest = rows[0]["largest_mmap_root"]
    mmap.mmap(-1, largest, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    with pytest.raises(OSError, match="allocate"):
        mmap.mmap(-1, largest + mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


# Laws.

PAGES = st.integers(0, 1 << 24)
MEMORIES = st.builds(Memory, *[PAGES] * 12)
CALLERS = st.builds(Caller, PAGES, st.booleans())
VERSIONS = st.sampled_from([(2, 6, 32), (3, 6, 0), (3, 14, 0), (4, 4, 0), (5, 4, 0), (6, 1, 0), None])


@given(MEMORIES, CALLERS, VERSIONS, st.integers(0, 1 << 20))
def test_more_ram_never_lowers_a_limit(memory: Memory, caller: Caller, version: Any, more: int) -> None:
    assert memory.limit is not None
    larger = memory._replace(
        ram=memory.ram + more, free=(memory.free or 0) + more, limit=memory.limit + more * 50 // 100
    )
    for mode in (HEURISTIC, NEVER):
        one, other = (largest_mapping(mode, each, caller, version) for each in (memory, larger))
        assert one is not None
        assert other is not None
        assert other >= one
    assert largest_mapping(ALWAYS, memory, caller, version) is None


@given(MEMORIES, CALLERS, VERSIONS, st.integers(1, 1 << 20), st.integers(1, 1000))
def test_what_is_granted_fits(memory: Memory, caller: Caller, version: Any, size: int, count: int) -> None:
    limit, swap, committed = memory.limit, memory.swap, memory.committed
    assert limit is not None
    assert swap is not None
    assert committed is not None
    limit += swap  # all of it is part of it
    memory = memory._replace(limit=limit)
    found = overcommit.granted(NEVER, size, count, memory, caller, version)
    assert found is not None
    assert 0 <= found <= count
    if found < count:
        full = memory._replace(committed=committed + found * size)
        assert size > (largest_mapping(NEVER, full, caller, version) or 0)
    assert largest_mapping(NEVER, memory, caller, version) == 0 or limit > committed


ZONES = st.lists(st.tuples(PAGES, st.integers(0, 1000), PAGES), min_size=1, max_size=4)


def _gain(least: int, more: int, after_disks: bool) -> Gain:
    return Gain("another", least, least + more, after_disks)


OTHERS = st.lists(st.builds(_gain, PAGES, PAGES, st.booleans()), max_size=3)


@given(ZONES, PAGES, st.builds(Pools, PAGES, PAGES, PAGES, PAGES, PAGES, OTHERS))
def test_supplies_conserve(zones: list[tuple[int, int, int]], pages: int, pools: Pools) -> None:
    made = [ZoneLevels(f"Z{i}", free, least, least * 2, reserve) for i, (free, least, reserve) in enumerate(zones)]
    found = supply(pages, made, pools)
    assert sum(each.taken for each in found.yields) + found.missing_at_least == pages
    assert found.missing_at_least <= found.missing_at_most
    assert all(0 <= each.least <= each.most and 0 <= each.taken <= each.most for each in found.yields)
    spent = sum(each.taken for each in found.yields if each.source.startswith("free"))
    after = zones_after(made, spent)
    assert sum(zone.free for zone in made) - sum(after) == spent


@given(st.integers(1 << 10, 1 << 24), st.integers(128, 1 << 18), st.integers(128, 1 << 18), PAGES, PAGES)
def test_raising_min_free_never_raises_available(managed: int, one: int, other: int, file: int, slab: int) -> None:
    def available(min_free_kbytes: int) -> int:
        (marks,) = watermarks([SizedZone("Normal", managed)], min_free_kbytes, 10)
        return mem_available(managed // 2, file, slab, marks.low_pages, min(marks.high_pages, managed))

    low, high = sorted((one, other))
    assert available(high) <= available(low)


RATES = st.one_of(st.integers(1 << 10, 1 << 32).map(float), st.just(float("inf")))
DISKS, FILES = st.integers(1 << 10, 1 << 30).map(float), st.none() | st.integers(1, 1 << 36).map(float)


@given(
    st.builds(Writer, RATES, DISKS, FILES), st.integers(1, 1 << 32), st.integers(1, 100), st.sampled_from([0.0, 5.0])
)
def test_events_are_ordered(writer: Writer, dirty: int, percent: int, wakeup: float) -> None:
    background = dirty * percent / 100
    assume(background < dirty)
    limits = Limits(dirty, background, 30.0, wakeup)
    found = timeline(writer, limits)
    windows = [window for window in found if window is not None]
    assert all(0 <= window.least <= window.most for window in windows)
    for earlier, later in (
        (found.background_starts, found.throttled_from),
        (found.background_starts, found.write_ends),
        (found.first_writeback, found.data_safe),
        (found.write_ends, found.data_safe),
    ):
        if earlier is not None and later is not None:
            assert earlier.least <= later.most
    line = curve(writer, limits, found)
    assert all(a[0] <= b[0] for a, b in pairwise(line))
    assert all(amount >= 0 for _, amount in line)


# The command.


def transcripts() -> list[object]:
    calls = (HERE / "what_if" / "transcript").read_text().split("$ what-if ")[1:]
    return [pytest.param(*call.split("\n", 1), id=call.split("\n", 1)[0]) for call in calls]


@pytest.mark.parametrize(("arguments", "expected"), transcripts())
def test_whole_output(pymemtools: Run, arguments: str, expected: str) -> None:
    done = pymemtools("--demo", "what-if", *arguments.split())
    assert done.stdout.decode() == expected
    assert done.returncode == 0


BAD = [
    (("alloc",), 2, "Missing argument 'SIZE'"),
    (("alloc", "much"), 2, "is no size"),
    (("alloc", "1G", "--count", "0"), 2, "0 is not in the range"),
    (("alloc", "1G", "--pid", "99999"), 42, "99999"),
    (("alloc", "1G", "--touch", "hard"), 2, "'hard' is not one of"),
    (("fork", "99999"), 42, "99999"),
    (("fork", "2"), 1, "2"),
    (("oom", "--set-adj", "1"), 2, "write --set-adj PID=ADJ"),
    (("oom", "--set-adj", "99999=1"), 42, "99999"),
    (("overcommit", "--set", "overcommit_memory"), 2, "write NAME=VALUE"),
    (("overcommit", "--set", "overcommit_memory=3"), 2, "takes 0 to 2"),
    (("overcommit", "--set", "nonsense=3"), 2, "nothing is known of 'vm.nonsense'"),
    (("overcommit", "--ram", "1M"), 2, "in use"),
    (("overcommit", "--kernel", "new"), 2, "is no version"),
    (("overcommit", "--kernel", "4.4", "-f", "xml"), 2, "unknown format"),
    (("dirty",), 2, "Missing option '--write'"),
    (("dirty", "--write", "0", "--disk", "1M"), 2, "a rate of nothing"),
    (("dirty", "--write", "1M", "--disk", "max"), 2, "--disk"),
    (("dirty", "--write", "20", "--disk", "10"), 2, "20 bytes a second? Write 20M, or 20B"),
    (("dirty", "--write", "1M", "--disk", "1M", "-o", "x.png"), 2, "the plot is .svg"),
    (("drop-caches", "4"), 2, "'4' is none of 1 (pagecache)"),
    (("weather",), 2, "no such command 'weather'"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), BAD, ids=[" ".join(arguments) for arguments, *_ in BAD])
def test_bad_calls_are_one_line(pymemtools: Run, arguments: tuple[str, ...], status: int, words: str) -> None:
    done = pymemtools("--demo", "what-if", *arguments)
    assert (done.returncode, done.stdout) == (status, b"")
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_plot_is_well_formed_and_the_same_again(pymemtools: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    call = ("--demo", "what-if", "dirty", "--write", "20M", "--disk", "10M", "--file", "200M", "-o", str(file))
    assert pymemtools(*call).returncode == 0
    first = file.read_bytes()
    assert ElementTree.fromstring(first).tag == "{http://www.w3.org/2000/svg}svg"
    assert b"href" not in first
    assert pymemtools(*call).returncode == 1
    assert pymemtools(*call, "--force").returncode == 0
    assert file.read_bytes() == first


def test_supposed_machines(pymemtools: Run) -> None:
    mib = 1 << 20
    plain, larger = (
        ask(pymemtools, "overcommit", "-S", str(PREOOM["x86_64-7.2"]), *more)["rows"][0]
        for more in ((), ("--ram", "4G", "--swap", "1G", "--set", "overcommit_ratio=80"))
    )
    assert larger["largest_mmap_root"] == 5120 * mib
    assert larger["commit_limit"] == (4096 * mib // 4096 * 80 // 100 + 1024 * mib // 4096) * 4096
    assert larger["committed_as"] == plain["committed_as"]
    assert plain["largest_mmap_root"] == 728436 << 10


def test_a_kernel_before_5_2_has_another_rule(pymemtools: Run) -> None:
    row = ask(pymemtools, "overcommit", "-S", EXAMPLE, "--kernel", "4.4")["rows"][0]
    assert "before Linux 5.2" in row["rule"]
    assert row["largest_mmap_root"] > row["largest_mmap_user"]


def test_settings_are_twins() -> None:
    machine = read_machine(open_source(EXAMPLE))
    by_bytes = supposed(machine, {"vm.dirty_bytes": "40960"})
    assert by_bytes.settings["vm.dirty_ratio"] == "0"
    marks = dirty_of(by_bytes)
    assert marks is not None
    assert (marks.dirty, marks.background) == (10, 5)
    assert dirty_of(supposed(machine, {"vm.dirty_bytes": "0"})) == dirty_of(machine)
    by_kbytes = supposed(machine, {"vm.overcommit_kbytes": "200000"})
    assert limit_of(by_kbytes) == 200000 << 10


def bare(folder: Path, *, ram_kib: int = 24 << 20, available_kib: int = 20 << 20) -> str:
    """Write what smemcap takes, which has no zoneinfo and no settings, of a machine of 24 GiB."""
    figures = {"MemTotal": ram_kib, "MemFree": 21 << 20, "MemAvailable": available_kib, "Active(file)": 1 << 20}
    figures |= {"Inactive(file)": 1 << 20, "SReclaimable": 100_000, "CommitLimit": ram_kib // 2, "Committed_AS": 0}
    figures |= {"SwapTotal": 0, "SwapFree": 0}
    (folder / "meminfo").write_text("".join(f"{name}: {kib} kB\n" for name, kib in figures.items()))
    (folder / "version").write_text("Linux version 6.1.0 (x)\n")
    return str(folder)


def test_what_is_not_changed_does_not_change(pymemtools: Run, tmp_path: Path) -> None:
    """The zone that stands for those the source lacks has the watermarks that a write of its settings leaves."""
    source = bare(tmp_path)
    found = ask(pymemtools, "watermarks", "-S", source)
    (zone,) = found["rows"]
    assert [zone[key] for key in ("min", "low", "high")] == [zone[f"{key}_before"] for key in ("min", "low", "high")]
    assert zone["low"] - zone["min"] == (24 << 18) // 1000 * 4096  # watermark_scale_factor 10
    totals = found["totals"]
    assert (totals["no_longer_usable"], totals["available"]) == (0, totals["available_before"])


def test_available_memory_shrinks_by_what_is_taken(pymemtools: Run, tmp_path: Path) -> None:
    """Though the model, which does not know the machine's zones, thinks that there was 3 GiB more."""
    totals = ask(pymemtools, "alloc", "1G", "-S", bare(tmp_path))["totals"]
    assert totals["available_before"] == 20 << 30
    assert totals["available_before"] - totals["available_after"] == totals["touched"]


def test_questions_that_cannot_be_answered(pymemtools: Run, tmp_path: Path) -> None:
    source = bare(tmp_path)
    for args, words in (
        (("fork", "1", "--dirty", "nan"), "what-if fork: --dirty: write a number from 0 to 100"),
        (("cache", "1P", "--method", "mmap", "--limit", "1M"), "what-if cache: that is too much to follow"),
    ):
        done = pymemtools("what-if", *args, "-S", source)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(f"pymemtools: {words}".encode())
        assert done.stderr.count(b"\n") == 1


def test_settings_that_an_old_kernel_lacks_are_not_assumed(pymemtools: Run, tmp_path: Path) -> None:
    """Nor is a thing said twice. A newer kernel, supposed, has them."""
    source = bare(tmp_path)
    (tmp_path / "version").write_text("Linux version 2.6.32 (x)\n")
    for args, assumed in (
        ((), "vm.min_free_kbytes = 20066"),
        (("--kernel", "6.1"), "vm.min_free_kbytes = 20066, vm.watermark_scale_factor = 10"),
    ):
        notes = ask(pymemtools, "watermarks", "-S", source, *args)["notes"]
        assert f"the source does not tell, so the kernel's own choice is assumed: {assumed}" in notes
        assert len(set(notes)) == len(notes)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "stat").write_text("1 (init) S 0 " + "0 " * 48)
    notes = ask(pymemtools, "oom", "-S", source)["notes"]
    assert notes.count("the source does not tell its page size: 4096 is assumed") == 1


def test_file_pages_are_in_meminfo_too(pymemtools: Run, tmp_path: Path) -> None:
    """Mode 0 of old kernels counts them; a capture without vmstat has them as Cached, Buffers and SwapCached."""
    source = bare(tmp_path)
    (tmp_path / "version").write_text("Linux version 4.4.0 (x)\n")
    (tmp_path / "zoneinfo").write_text(
        "Node 0, zone   Normal\n  pages free     5505024\n        min      9000\n        low      11250\n"
        "        high     13500\n        present  6291456\n        managed  6291456\n        protection: (0, 0)\n"
    )
    with (tmp_path / "meminfo").open("a") as file:
        file.write("Cached: 8192 kB\nBuffers: 4096 kB\nSwapCached: 4 kB\nShmem: 400 kB\n")
    heuristic = ask(pymemtools, "overcommit", "-S", source)["rows"][0]
    pages = (21 << 18) + (8192 + 4096 + 4 - 400 + 100_000) // 4 - 13500
    assert heuristic["largest_mmap_root"] == (pages - 1) * 4096
    assert heuristic["largest_mmap_user"] == (pages - 2048 - 1) * 4096


def test_what_one_mode_lacks_keeps_the_others_not_back(pymemtools: Run, tmp_path: Path) -> None:
    source = bare(tmp_path)
    (tmp_path / "version").write_text("Linux version 4.4.0 (x)\n")
    reply = ask(pymemtools, "overcommit", "-S", source)
    heuristic, _, never = reply["rows"]
    assert (heuristic["largest_mmap_root"], heuristic["largest_mmap_user"]) == (None, None)
    assert never["largest_mmap_root"] > 0
    assert sum(note.startswith("mode 0 before Linux 5.2: ") for note in reply["notes"]) == 1
    text = pymemtools("what-if", "overcommit", "-S", source).stdout.decode()
    assert re.search(r"^0 heuristic +\? +\? +\?$", text, re.MULTILINE)


OF_MODE_2 = {"CommitLimit": 700000, "Committed_AS": 1000}


def test_what_is_promised_to_who_asks_is_asked_of_nobody(pymemtools: Run, tmp_path: Path) -> None:
    """By mode 2 the address space of who asks counts, by the others its rights alone: neither is in VmData or smaps."""
    write_tree(tmp_path, Proc(7, "lean"), meminfo=MEMINFO | OF_MODE_2)
    (tmp_path / "proc/7/smaps").unlink()
    mode = tmp_path / "proc/sys/vm/overcommit_memory"
    mode.parent.mkdir(parents=True)
    told = []
    for number in (0, 1, 2):
        mode.write_text(f"{number}\n")
        told.append(ask(pymemtools, "alloc", "1M", "--pid", "7", "-S", str(tmp_path))["totals"])
    assert [(each["granted_user"], each["outcome"]) for each in told] == [(True, "fits")] * 3


def test_who_asks_for_the_memory_is_weighed_with_it(pymemtools: Run) -> None:
    """284 has 401 MiB promised and nearly nothing of it touched; with 600 MiB it is larger than all the others."""
    done = pymemtools("--demo", "what-if", "alloc", "600M", "--pid", "284")
    lines = done.stdout.decode().splitlines()
    assert lines[:3] == [
        "600.0 MiB for 284: granted.",
        "Touched, it is out of memory with 127.1 MiB missing: the kernel would kill 284",
        "  (labd), score 1113.",
    ]
    less = pymemtools("--demo", "what-if", "oom", "--ram", "2G", "-f", "json").stdout
    score = next(row["oom_score"] for row in json.loads(less)["rows"] if row["pid"] == 278)
    assert score == 679  # 704 with the 711 MiB there are


def test_the_options_of_one_question_are_shown_before_those_of_all(pymemtools: Run) -> None:
    shown = re.findall(r"^  (-[a-zA-Z, -]+)", pymemtools("what-if", "alloc", "--help").stdout.decode(), re.MULTILINE)
    own = ["--count", "--touch", "--pid", "--group"]
    assert [name.split()[0] for name in shown][: len(own) + 1] == [*own, "--set"]

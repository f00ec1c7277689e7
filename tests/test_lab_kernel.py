"""Experiments with what the kernel promises, shares, writes back, merges and reclaims: laws on made-up sightings."""

from __future__ import annotations

import fcntl
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import HERE, Run

from pymemtools.cli import _call
from pymemtools.lab import overcommit
from pymemtools.models.aslr import Layout, promised, randomness
from pymemtools.models.overcommit import ALWAYS, HEURISTIC, NEVER, Caller
from pymemtools.readings.namespaces import is_in_user_namespace
from pymemtools.report import Report
from pymemtools.reports.drop_caches import Moment
from pymemtools.reports.lab.aslr import AslrRequest, aslr_report, region_row
from pymemtools.reports.lab.drop_caches import DropTrial, allowance, freed, trial_report
from pymemtools.reports.lab.ksm import MergeRequest, merge_report
from pymemtools.reports.lab.laws import broken
from pymemtools.reports.lab.mmap_vs_read import ReadersRequest, readers_report
from pymemtools.reports.lab.overcommit import Promise, PromiseRequest, is_kept, promise, promises_report
from pymemtools.reports.lab.plan import Findings
from pymemtools.reports.lab.swap import SwapTrial
from pymemtools.reports.lab.swap import trial_report as swap_report
from pymemtools.reports.lab.watermarks import FillRequest, fill_report, largest, predicted_low, zone_rows
from pymemtools.reports.lab.writeback import WritebackRequest, predict, writeback_report
from pymemtools.reports.what_if.asked import ask
from pymemtools.reports.what_if.dirty import NEEDS
from pymemtools.reports.what_if.watermarks import NEEDS as MARKS
from pymemtools.sources import open_source
from pymemtools.sources.example import open_example

pytestmark = pytest.mark.alone

KIB, MIB = 1024, 1 << 20
Rows = Sequence[Mapping[str, Any]]


def judged(judge: Callable[[Findings], Report], request: Any, rows: Rows, seen: Mapping[str, Any]) -> list[str]:
    """Name the laws that such a sighting breaks."""
    return [law.name for law in broken(judge(Findings(request, None, rows, seen, {})).answer.laws)]


def changed(rows: Rows, place: int, **cells: object) -> Rows:
    """Make one row otherwise."""
    return [{**row, **cells} if place == i else row for i, row in enumerate(rows)]


# overcommit.

GRANTS = [
    {"mode": 0, "predicted": 1000, "predicted_after": 1000, "error_bound": 0, "largest": 1000},
    {"mode": 1, "predicted": 1 << 47, "predicted_after": 1 << 47, "error_bound": 2 * MIB, "largest": (1 << 47) - MIB},
    {"mode": 2, "predicted": 600, "predicted_after": 500, "error_bound": 50, "largest": 450},
]


@pytest.mark.parametrize(
    ("place", "largest", "law"),
    [
        (0, 1000, None),
        (0, 999, "mode 0 grants what its rule says"),
        (0, 1001, "mode 0 grants what its rule says"),
        (1, 1 << 46, "mode 1 grants what its rule says"),
        (2, 650, None),
        (2, 651, "mode 2 grants what its rule says"),
        (2, 449, "mode 2 grants what its rule says"),
    ],
)
def test_overcommit(place: int, largest: int, law: str | None) -> None:
    rows = changed(GRANTS, place, largest=largest)
    assert judged(promises_report, PromiseRequest(), rows, {}) == ([law] if law else [])


@pytest.mark.parametrize(("granted", "largest"), [((400, 450, 460), 450), ((400,) * 5, 400)])
def test_who_takes_memory_meanwhile_is_let_pass(
    granted: Sequence[int], largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(granted)
    hand = SimpleNamespace(ask=lambda word: {"largest": next(answers), "refused": ""})
    monkeypatch.setattr(overcommit, "_promise", lambda source, mode, hand: Promise(450, 10))
    row = overcommit._tried(open_example(), NEVER, hand)  # type: ignore[arg-type]
    assert (row["largest"], is_kept(row)) == (largest, largest == 450)


def test_promises_are_those_of_the_rules() -> None:
    machine = ask(open_example()).machine
    caller, hole = Caller(1000, is_admin=True), 1 << 40
    ram, swap = machine.pages("MemTotal") * 4096, machine.meminfo["SwapTotal"]
    assert promise(machine, HEURISTIC, caller, hole) == Promise(ram + swap, 0)
    assert promise(machine, HEURISTIC, caller, MIB) == Promise(MIB, 2 * MIB)  # there is no room for more
    assert promise(machine, ALWAYS, caller, hole) == Promise(hole, 2 * MIB)
    assert promise(machine, NEVER, caller, hole).size < ram + swap
    old = machine._replace(version=(4, 19, 0))
    assert promise(old, HEURISTIC, caller, hole).error_bound == 32 * MIB


@pytest.mark.parametrize(
    ("text", "is_in_one"), [("         0          0 4294967295\n", False), ("         0       1000          1\n", True)]
)
def test_rights_in_a_user_namespace_are_not_the_machine_s(tmp_path: Path, text: str, is_in_one: bool) -> None:
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 1 kB\n")
    assert is_in_user_namespace(open_source(str(tmp_path))) is False  # a kernel that knows none
    (tmp_path / "proc" / "self" / "uid_map").write_text(text)
    assert is_in_user_namespace(open_source(str(tmp_path))) is is_in_one


@pytest.mark.skipif(not os.access("/proc/sys/vm/overcommit_memory", os.W_OK), reason="only root sets the mode")
def test_the_mode_is_put_back(pymemtools: Run) -> None:
    mode = Path("/proc/sys/vm/overcommit_memory").read_text()
    done = pymemtools("lab", "overcommit", "--modes", "-f", "json")
    assert Path("/proc/sys/vm/overcommit_memory").read_text() == mode
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    assert (done.returncode, done.stderr) == (0, b"")
    document = json.loads(done.stdout)
    left_out = [2] if document["notes"] else []
    assert [row["mode"] for row in document["rows"]] + left_out == [0, 1, 2]


# aslr.

LAYOUT = Layout("x86_64", 4096, 2, 28, True, (6, 12, 0))


@pytest.mark.parametrize(
    ("layout", "bits"),
    [
        (LAYOUT, {"program": 28, "heap": 18, "libraries": 28, "stack": 22}),
        (LAYOUT._replace(is_position_independent=False), {"program": 0, "heap": 18, "libraries": 28, "stack": 22}),
        (LAYOUT._replace(randomize=1), {"program": 28, "heap": 0, "libraries": 28, "stack": 22}),
        (LAYOUT._replace(randomize=0), {"program": 0, "heap": 0, "libraries": 0, "stack": 0}),
        (LAYOUT._replace(mmap_bits=None), {"program": None, "heap": 18, "libraries": None, "stack": 22}),
        (LAYOUT._replace(version=(6, 8, 0)), {"program": 28, "heap": 13, "libraries": 28, "stack": 22}),
        (LAYOUT._replace(machine="riscv64"), {"program": None, "heap": None, "libraries": None, "stack": None}),
        (Layout("aarch64", 4096, 2, 18, True, None), {"program": 18, "heap": 18, "libraries": 18, "stack": 18}),
        (Layout("aarch64", 65536, 2, 14, True, None), {"program": 14, "heap": 14, "libraries": 14, "stack": 14}),
    ],
)
def test_what_the_kernel_promises(layout: Layout, bits: Mapping[str, int | None]) -> None:
    told = {region: promised(region, layout) for region in bits}
    assert {region: None if found is None else found.least for region, found in told.items()} == bits


@pytest.mark.parametrize("bits", [0, 1, 4, 13, 28])
@pytest.mark.parametrize("count", [20, 100, 1000])
def test_the_range_tells_of_how_many_places_there_are(bits: int, count: int) -> None:
    choose = random.Random(bits + count)
    found = randomness([0x7F0000000000 + 4096 * choose.randrange(1 << bits) for _ in range(count)])
    assert found.bits.least <= bits <= found.bits.most
    assert found.bits.most - found.bits.least < 1.5
    assert found.step == (4096 if bits else None)


def addresses(bits: int, page: int = 4096) -> list[int]:
    choose = random.Random(1)
    return [page * choose.randrange(1 << bits) for _ in range(100)]


def test_aslr_as_promised_breaks_no_law() -> None:
    rows = [region_row("stack", addresses(22), LAYOUT, randomized=True)]
    rows += [region_row("libraries", addresses(19, 2 * MIB), LAYOUT, randomized=True)]  # aligned to 2 MiB: 9 bits fewer
    rows += [region_row("stack", [4096] * 5, LAYOUT, randomized=False)]
    assert rows[1]["promised_bits"] == 19
    assert judged(aslr_report, AslrRequest(), rows, {"randomize_va_space": 2}) == []


@pytest.mark.parametrize(
    ("seen", "randomized", "law"),
    [
        (addresses(20), True, "the interval holds what is promised"),
        (addresses(24), True, "the interval holds what is promised"),
        ([4096] * 100, True, "the interval holds what is promised"),
        (addresses(22)[:6], True, "no interval is wider than 3 bits"),  # too few
        ([4096, 4096, 8192], False, "nothing moves without randomisation"),
    ],
)
def test_aslr_otherwise_breaks_a_law(seen: Sequence[int], randomized: bool, law: str) -> None:
    good = [region_row("stack", addresses(22), LAYOUT, randomized=True)]
    rows = [*good, region_row("stack", seen, LAYOUT, randomized=randomized)]
    assert judged(aslr_report, AslrRequest(), rows, {"randomize_va_space": 2}) == [law]


def test_what_is_not_promised_is_no_law() -> None:
    layout = LAYOUT._replace(mmap_bits=None)
    rows = [region_row("program", addresses(9), layout, randomized=True)]
    assert judged(aslr_report, AslrRequest(), rows, {"randomize_va_space": 2}) == []


def test_a_kernel_that_does_not_move_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pymemtools.lab import aslr

    monkeypatch.setattr(aslr, "_ADDR_NO_RANDOMIZE", 0)  # so that nothing is switched off
    assert_broken("aslr --samples 20", "nothing moves without randomisation", monkeypatch, capsys)


# mmap-vs-read: two readers of 16 KiB.

READ_CELLS = ("way", "reader", "minor", "major", "rss", "pss", "private", "in_cache")
READERS = [
    dict(zip(READ_CELLS, row))
    for row in (
        ("mmap", 1, 1, 0, 16 * KIB, 8 * KIB, 0, 16 * KIB),
        ("mmap", 2, 1, 0, 16 * KIB, 8 * KIB, 0, 16 * KIB),
        ("read", 1, 4, 0, 16 * KIB, 16 * KIB, 16 * KIB, 16 * KIB),
        ("read", 2, 4, 0, 16 * KIB, 16 * KIB, 16 * KIB, 16 * KIB),
    )
]


@pytest.mark.parametrize(
    ("place", "cells", "law"),
    [
        (0, {"major": 1}, None),
        (0, {"pss": 7 * KIB}, None),  # rounded down
        (1, {"in_cache": 12 * KIB}, "there is one copy in the cache"),
        (3, {"in_cache": 32 * KIB}, "there is one copy in the cache"),
        (1, {"private": 16 * KIB}, "who maps has no copy"),
        (1, {"pss": 16 * KIB}, "PSS of all mappings adds up to the file"),
        (1, {"pss": 4 * KIB}, "PSS of all mappings adds up to the file"),
        (2, {"private": 0}, "who reads has a copy"),
        (3, {"minor": 3}, "a fault for each page read into"),
    ],
)
def test_mmap_vs_read(place: int, cells: Mapping[str, int], law: str | None) -> None:
    seen = {"whole_pages": 16 * KIB, "pages": 4}
    assert judged(readers_report, ReadersRequest(), changed(READERS, place, **cells), seen) == ([law] if law else [])


def test_what_each_way_takes() -> None:
    seen = {"whole_pages": 16 * KIB, "pages": 4}
    totals = readers_report(Findings(ReadersRequest(), None, READERS, seen, {})).totals
    assert totals is not None
    assert (totals["mmap_memory"], totals["read_memory"]) == (16 * KIB, 48 * KIB)


def test_a_reader_without_a_copy_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sabotage("c_size_t(size - at)", "c_size_t(size // 2 - at)", monkeypatch)
    assert_broken("mmap-vs-read --size 256K", "who reads has a copy", monkeypatch, capsys)


# drop-caches.

DROPS: Rows = [
    {"file_cached": 16 * MIB, "mapped_cached": MIB, "drops": None},
    {"file_cached": 16 * MIB, "mapped_cached": MIB, "drops": 1},
    {"file_cached": 0, "mapped_cached": MIB, "drops": 1},
]


@pytest.mark.parametrize(
    ("place", "cells", "law"),
    [
        (2, {"drops": 2}, None),  # somebody else did so, too
        (1, {"drops": None}, None),  # not every kernel counts
        (1, {"file_cached": 0}, "dropping slab leaves an open file cached"),
        (2, {"file_cached": 4096}, "dropping file pages leaves nothing of it"),
        (2, {"mapped_cached": 0}, "what is mapped stays"),
        (1, {"drops": 0}, "the kernel counted the drop of slab"),
        (2, {"drops": 0}, "the kernel counted the drop of file pages"),
    ],
)
def test_drop_caches(place: int, cells: Mapping[str, int | None], law: str | None) -> None:
    seen = {"size": 16 * MIB, "allowance": 0}
    assert judged(trial_report, DropTrial(), changed(DROPS, place, **cells), seen) == ([law] if law else [])


def test_processors_may_keep_some_pages_of_old_kernels() -> None:
    assert (allowance((6, 12, 0), 2), allowance((6, 1, 0), 2)) == (0, 62)


def test_what_goes_stands_beside_what_should() -> None:
    before = Moment({"Cached": 900, "Active(file)": 300, "Inactive(file)": 600, "Dirty": 100, "Mapped": 200,
                     "SReclaimable": 50, "MemTotal": 2000, "MemFree": 1000}, None)  # fmt: skip
    after = Moment({**before.meminfo, "Inactive(file)": 0, "SReclaimable": 20}, None)
    assert freed(1, before, after) == {"freed": 600, "predicted_least": 0, "predicted_most": 800}
    assert freed(2, before, after) == {"freed": 30, "predicted_least": 0, "predicted_most": 50}


def test_caches_that_are_not_dropped_are_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pymemtools.lab import drop_caches

    monkeypatch.setattr(drop_caches, "write_drop_caches", lambda level: None)
    assert_broken("drop-caches --size 1M", "dropping file pages leaves nothing of it", monkeypatch, capsys)


# writeback: 64 MiB, Linux 6.18.

WRITE_CELLS = ("seconds", "dirty", "writeback", "dirtied", "written", "file_dirty")
WRITES: Rows = [
    dict(zip(WRITE_CELLS, row))
    for row in (
        (0.0, 15 * MIB, 0, 0, 0, 0),
        (0.1, 79 * MIB, 0, 64 * MIB, 0, 64 * MIB),
        (0.2, 15 * MIB, 64 * MIB, 64 * MIB, 0, 64 * MIB),
        (0.3, 15 * MIB, 0, 64 * MIB, 64 * MIB, 0),
    )
]
WRITE_SEEN = {
    "size": 64 * MIB, "whole_pages": 64 * MIB, "write_seconds": 0.1, "sync_seconds": 0.1, "slack": MIB,
    "background_threshold": 1.0, "dirty_threshold": 2.0, "predicted_peak_least": None, "predicted_peak_most": None,
}  # fmt: skip
BOOKS = "Dirty and Writeback are at most what was dirtied and not written"


@pytest.mark.parametrize(
    ("place", "cells", "law"),
    [
        (1, {"dirty": 80 * MIB}, None),  # processors count a little for themselves
        (1, {"dirty": 10 * MIB}, None),  # what was deleted need not be written
        (1, {"dirty": 81 * MIB}, BOOKS),
        (3, {"writeback": 64 * MIB}, BOOKS),
        (3, {"written": 62 * MIB}, "all of it was written"),
        (3, {"file_dirty": 4096}, "nothing of the file is dirty in the end"),
        (3, {"file_dirty": None}, None),
    ],
)
def test_writeback(place: int, cells: Mapping[str, int | None], law: str | None) -> None:
    rows = changed(WRITES, place, **cells)
    assert judged(writeback_report, WritebackRequest(), rows, WRITE_SEEN) == ([law] if law else [])


def test_the_peak_is_more_than_before() -> None:
    totals = writeback_report(Findings(WritebackRequest(), None, WRITES, WRITE_SEEN, {})).totals
    assert totals is not None
    assert totals["peak"] == 64 * MIB


def test_what_if_dirty_says_how_high_it_goes() -> None:
    asked = ask(open_example(), needs=NEEDS)
    found = predict(asked, 200.0 * MIB, 10.0 * MIB, 1 << 30)
    assert found["background_threshold"] < found["predicted_peak_least"] < found["predicted_peak_most"]  # type: ignore[operator]


def test_a_program_that_does_not_write_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pymemtools.reports.lab import writeback

    monkeypatch.setattr(writeback, "_outstanding", lambda row: row["seconds"] * (1 << 50))
    assert_broken("writeback --size 1M", BOOKS, monkeypatch, capsys)


def test_dirty_memory_is_drawn(pymemtools: Run, tmp_path: Path) -> None:
    done = pymemtools("lab", "writeback", "--size", "1M", "-o", str(tmp_path / "x.svg"))
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Dirty and Writeback while a file is written" in (tmp_path / "x.svg").read_text()


# ksm: 4096 pages, Linux 6.18.

MERGE_CELLS = ("step", "minor", "expected_minor", "merging", "predicted_merging", "saved", "predicted_saved")
MERGES: Rows = [
    dict(zip(MERGE_CELLS, row))
    for row in (
        ("looked at", None, None, 3072, 3072, 3004, 3004),
        ("written", 256, 256, 2816, 2816, 2748, 2748),
        ("parted", None, None, 0, 0, 0, 0),
    )
]
MERGED, SAVED, PARTED = (
    "all pages that have their like are merged",
    "saved is as predicted",
    "a fault for each merged page written",
)


@pytest.mark.parametrize(
    ("place", "cells", "law"),
    [
        (0, {"saved": None}, None),  # others have pages merged, too
        (0, {"merging": None}, None),  # before Linux 5.19
        (0, {"merging": 3071}, MERGED),
        (2, {"merging": 1}, MERGED),
        (0, {"saved": 3007}, SAVED),  # as if a page had as many users as there are
        (1, {"saved": 3004}, SAVED),  # as if none had parted
        (1, {"minor": 255}, PARTED),
        (1, {"minor": 300}, None),
    ],
)
def test_ksm(place: int, cells: Mapping[str, int | None], law: str | None) -> None:
    assert judged(merge_report, MergeRequest(), changed(MERGES, place, **cells), {"scans": 9}) == ([law] if law else [])


@pytest.fixture
def ksmd() -> Iterator[None]:
    """Have ksmd to ourselves."""
    if not os.access("/sys/kernel/mm/ksm/run", os.W_OK):
        pytest.skip("KSM is not there, or not ours to switch on")
    with open("/tmp/pymemtools-ksm.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_equal_pages_are_merged_and_settings_put_back(pymemtools: Run, ksmd: None) -> None:
    files = [path for path in Path("/sys/kernel/mm/ksm").iterdir() if path.stat().st_mode & 0o200]
    before = {path.name: path.read_text() for path in files}
    done = pymemtools("lab", "ksm", "--pages", "1024", "-f", "json", timeout=400)
    assert {path.name: path.read_text() for path in files} == before
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    assert (done.returncode, done.stderr) == (0, b"")
    first, second, third = json.loads(done.stdout)["rows"]
    page = os.sysconf("SC_PAGE_SIZE")
    assert (first["predicted_merging"], second["predicted_merging"]) == (768 * page, 704 * page)
    assert third["merging"] in (0, None)


def test_root_of_a_user_namespace_is_not_told_what_is_merged(ksmd: None) -> None:
    inside = ["unshare", "-U", "-r"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespace can be made")
    command = [*inside, sys.executable, "-m", "pymemtools", "lab", "ksm"]
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count(b"cannot run here: ")) == (3, b"", 1)


def test_a_program_that_writes_nothing_is_found_out(
    ksmd: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sabotage("for i in range(count):", "for i in range(count * (salt[:2] != 'no')):", monkeypatch)
    assert_broken("ksm --pages 1024", PARTED, monkeypatch, capsys)


# swap: 1000 pages, Linux 6.1.

SWAP_CELLS = ("step", "minor", "major", "rss", "swap", "expected_faults", "expected_rss", "expected_swap")
SWAPS: Rows = [
    dict(zip(SWAP_CELLS, row))
    for row in (
        ("write", 1001, 0, 4000 * KIB, 0, 1000, 4000 * KIB, 0),
        ("out", 0, 0, 0, 4000 * KIB, 0, 0, 4000 * KIB),
        ("read", 870, 130, 4000 * KIB, 0, 1000, 4000 * KIB, 0),
    )
]


@pytest.mark.parametrize(
    ("place", "cells", "wrong", "laws"),
    [
        (2, {"minor": 0, "major": 1000}, 0, []),
        (1, {"swap": 3996 * KIB}, 0, ["what is not in memory is in swap"]),
        (1, {"rss": 4 * KIB}, 0, ["memory has what is touched"]),
        (2, {"minor": 800}, 0, ["a fault for each page that comes or comes back"]),
        (1, {"minor": 1000}, 0, ["a fault for each page that comes or comes back"]),
        (0, {}, 1, ["all pages come back as they were"]),
    ],
)
def test_swap(place: int, cells: Mapping[str, int], wrong: int, laws: Sequence[str]) -> None:
    rows = changed(SWAPS, place, **cells)
    assert judged(swap_report, SwapTrial(), rows, {"wrong": wrong}) == laws


def test_swap_that_forgets_is_found_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sabotage("!= text for", "== text for", monkeypatch)
    assert_broken("swap --pages 10", "all pages come back as they were", monkeypatch, capsys)


def test_more_than_there_is_swap_is_not_tried(pymemtools: Run) -> None:
    done = pymemtools("lab", "swap", "--pages", str(1 << 20))
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1) or json.loads(pymemtools("free", "-f", "json").stdout)[
        "rows"
    ][1]["total"] >= (8 << 30)


# watermarks: two zones; 24 GiB, Linux 6.18.

FILL_CELLS = ("read", "node", "zone", "free", "min", "low", "kept", "slack")
FILLED: Rows = [
    {**dict(zip(FILL_CELLS, row)), "free_ahead": None, "kswapd_scanned_pages": scanned, "direct_scanned_pages": 0}
    for row, scanned in (
        ((0, 0, "DMA32", 3000, 9, 12, 80, 10), 0),
        ((0, 0, "Normal", 9000, 58, 77, 0, 10), 0),
        ((999, 0, "DMA32", 92, 9, 12, 80, 10), 7),
        ((999, 0, "Normal", 80, 58, 77, 0, 10), 7),
    )
]


@pytest.mark.parametrize(
    ("place", "cells", "law"),
    [
        (3, {"free": 87}, None),
        (3, {"free": 88}, "it woke with every zone near low"),
        (2, {"free": 103}, "it woke with every zone near low"),
        (3, {"free": 8000, "free_ahead": 87}, None),  # somebody ended meanwhile
        (3, {"free": 8000, "free_ahead": 88}, "it woke with every zone near low"),
        (3, {"free": 80, "free_ahead": 8000}, None),
        (2, {"kswapd_scanned_pages": 0}, "kswapd woke"),
        (2, {"direct_scanned_pages": 32}, "nobody who allocated had to reclaim"),
    ],
)
def test_watermarks(place: int, cells: Mapping[str, int], law: str | None) -> None:
    assert judged(fill_report, FillRequest(), changed(FILLED, place, **cells), {}) == ([law] if law else [])


def test_the_zone_that_is_filled_is_drawn() -> None:
    assert largest(FILLED) == [FILLED[1], FILLED[3]]


def test_below_min_somebody_starves() -> None:
    rows = changed(changed(FILLED, 3, free=40), 2, free=20)
    assert judged(fill_report, FillRequest(), rows, {}) == ["free memory was never below min"]


def test_zones_stand_beside_the_model() -> None:
    asked = ask(open_example(), needs=MARKS)
    lows = predicted_low(asked)
    rows = zone_rows(asked.machine.zones, asked.machine.zones[:1], lows, 4096)
    assert [row["free_ahead"] for row in rows] == [rows[0]["free"], *[None] * (len(rows) - 1)]
    assert all(abs(row["low"] - row["predicted_low"]) <= 8 * 4096 for row in rows)


def sabotage(good: str, bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the programs that experiments start otherwise."""
    from pymemtools.lab import child

    source_of = child._source_of
    assert good in source_of("hand")
    monkeypatch.setattr(child, "_source_of", lambda name: source_of(name).replace(good, bad))


def assert_broken(call: str, law: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Run an experiment in this process, where something was made wrong."""
    monkeypatch.setattr(sys, "argv", ["pymemtools", "lab", *call.split()])
    status = _call()
    err = capsys.readouterr().err
    if status == 3:
        pytest.skip(err)
    assert status == 1
    assert f"pymemtools: lab {call.split()[0]}: law broken: {law}: expected " in err

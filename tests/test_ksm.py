"""ksm: what merging equal pages saves and costs, whose pages it may merge; and the arithmetic of the estimate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from array import array
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from asleep import wait_until_asleep
from conftest import Run
from trees import Map, Proc, write_tree

from pymemtools.errors import Denied
from pymemtools.models.ksm import Contents, KsmRules, Merged, merge, profit
from pymemtools.probes.process_memory import ProcessMemory
from pymemtools.procfs.ksm import KsmStat, parse_ksm_stat
from pymemtools.procfs.smaps.mergeable import Mergeable
from pymemtools.procfs.smaps.tally import Tally
from pymemtools.report import Report
from pymemtools.reports.ksm.estimate import EstimateRequest, estimate_report
from pymemtools.sources import open_source

pytestmark = pytest.mark.alone

KIB = 1024
PAGE = os.sysconf("SC_PAGE_SIZE")
COUNTS = {  # Linux 6.18 after it merged 4096 pages: half of them of 64 contents, 1024 of zeros, 1024 like no other
    "advisor_mode": "[none] scan-time", "full_scans": 4, "general_profit": 12042240, "ksm_zero_pages": 0,
    "max_page_sharing": 256, "merge_across_nodes": 1, "pages_scanned": 16384, "pages_shared": 68,
    "pages_sharing": 3004, "pages_skipped": 0, "pages_to_scan": 200, "pages_unshared": 1024, "pages_volatile": 0,
    "run": 1, "sleep_millisecs": 20, "stable_node_chains": 1, "stable_node_dups": 4, "use_zero_pages": 0,
}  # fmt: skip
STAT = b"""ksm_rmap_items 4096
ksm_zero_pages 0
ksm_merging_pages 3072
ksm_process_profit 12320768
ksm_merge_any: no
ksm_mergeable: yes
"""
TEXT = """\
KSM is on (run is 1)
  saved:    11.7 MiB (3004 pages)
  cost:     256.0 KiB, 64 bytes for each of 4096 pages; profit 11.5 MiB
  pages:    68 kept, 3004 saved, 1024 like no other, 0 that change, 0 of zeros
  limit:    256 users a page (max_page_sharing), for which 3 copies are kept (12.0 KiB)
  scan:     200 pages, then 20 ms of sleep: all pages in 0.4 s at least; 4 times through so far

    PID User          Anon Mergeable    Merged    Profit Why    Command
      7 root         20000     16384     12288     12032 merged guest
      9 root         11000         0         0         - much   big
      8 root           100       100         0         - open   sm\\x1b[31mall
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Write a machine of 1,000 MiB on which one process is merged, one may be, one is large and one is nothing."""
    write_tree(
        tmp_path,
        Proc(7, "guest", (Map("", 16384, size=16384), Map("[heap]", 3616))),
        Proc(8, "sm\x1b[31mall", (Map(" mg \\012VmFlags: mg", 100),)),
        Proc(9, "big", (Map("[heap]", 11000),)),
        Proc(10, "mg", (Map("[anon: mg ]", 10),)),
        passwd="root:x:0:0::/:/bin/sh\n",
    )
    for pid in ("7", "8"):
        file = tmp_path / "proc" / pid / "smaps"
        file.write_text(file.read_text().replace(" ac sd \n", " ac mg sd \n", 1).replace("KSM:   ", "KSM:   ", 1))
    smaps = tmp_path / "proc" / "7" / "smaps"
    smaps.write_text(smaps.read_text().replace("KSM:                   0 kB", "KSM:               12288 kB", 1))
    (tmp_path / "proc" / "7" / "ksm_stat").write_bytes(STAT)
    folder = tmp_path / "sys" / "kernel" / "mm" / "ksm"
    folder.mkdir(parents=True)
    for name, value in COUNTS.items():
        (folder / name).write_text(f"{value}\n")
    return tmp_path


def ask(pymemtools: Run, *args: str) -> dict[str, Any]:
    done = pymemtools("ksm", *args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def contents(own: list[int], shared: list[int] = [], frames: list[int] = []) -> Contents:  # noqa: B006 (not changed)
    return Contents(array("q", own), array("q", shared), array("Q", frames))


def test_status_and_candidates(pymemtools: Run, machine: Path) -> None:
    done = pymemtools("ksm", "-S", str(machine))
    assert (done.stdout.decode(), done.stderr) == (TEXT, b"")


def test_totals_have_the_kernels_counts_by_its_names(pymemtools: Run, machine: Path) -> None:
    totals = ask(pymemtools, "-S", str(machine))["totals"]
    assert totals.pop("sysfs") == COUNTS | {"advisor_mode": "none"}
    assert totals == {
        "saved": 3004 * 4096,
        "profit": 12042240,
        "cost": 4096 * 64,
        "limit_copies": 3,
        "scan_seconds": 0.42,
        "much": 10240 * KIB,
    }


def test_before_general_profit_it_is_reckoned(pymemtools: Run, machine: Path) -> None:
    (machine / "sys/kernel/mm/ksm/general_profit").unlink()
    assert ask(pymemtools, "-S", str(machine))["totals"]["profit"] == 12042240


# What an armhf guest with Linux 6.12 told, and one of i386 with Linux 4.4: 12 and 6 MiB of 6 contents, all merged.
COUNTS_OF_32_BITS = {"pages_shared": 21, "pages_sharing": 4013, "pages_unshared": 0, "pages_volatile": 0}
MEMINFO_OF_32_BITS = {"MemTotal": 1496280, "VmallocTotal": 245760}


@pytest.mark.parametrize(
    ("release", "counts", "cost", "limit"),
    [
        ("6.12.117", {"general_profit": 16292024, "max_page_sharing": 256}, 36 * 4034, "256 users a page"),
        ("6.6.9", {"max_page_sharing": 256}, 32 * 4034, "256 users a page"),
        ("4.4.0", {}, 32 * 4034, "none (max_page_sharing came with Linux 4.13)"),
    ],
)
def test_what_a_page_costs_on_32_bits(
    pymemtools: Run, tmp_path: Path, release: str, counts: dict[str, int], cost: int, limit: str
) -> None:
    write_tree(tmp_path, meminfo=MEMINFO_OF_32_BITS)
    (tmp_path / "proc" / "version").write_text(f"Linux version {release} (builder) #1 SMP\n")
    folder = tmp_path / "sys" / "kernel" / "mm" / "ksm"
    folder.mkdir(parents=True)
    for name, value in (COUNTS_OF_32_BITS | counts).items():
        (folder / name).write_text(f"{value}\n")
    totals = json.loads(pymemtools("ksm", "-S", str(tmp_path), "-f", "json").stdout)["totals"]
    assert (totals["cost"], totals["profit"]) == (cost, totals["saved"] - cost)
    assert f"  limit:    {limit}" in pymemtools("ksm", "-S", str(tmp_path)).stdout.decode()


def test_processes_that_are_named(pymemtools: Run, machine: Path) -> None:
    rows = ask(pymemtools, "-S", str(machine), "-p", "10", "-p", "7")["rows"]
    assert [(row["pid"], row["reason"], row["ksm_profit"], row["rmap_items"]) for row in rows] == [
        (10, None, None, None),
        (7, "merged", 12320768, 4096),
    ]
    done = pymemtools("ksm", "-S", str(machine), "-p", "10", "-p", "11")
    assert (done.returncode, done.stderr) == (42, b"pymemtools: ksm: 11: no such process\n")
    assert b"\n     10 root" in done.stdout


def test_the_largest(pymemtools: Run, machine: Path) -> None:
    assert [row["pid"] for row in ask(pymemtools, "-S", str(machine), "--top", "1")["rows"]] == [7]
    assert pymemtools("ksm", "-S", str(machine), "--top", "1").stdout.endswith(b"guest\nand 2 more\n")


def test_a_kernel_without_it(pymemtools: Run, tmp_path: Path) -> None:
    write_tree(tmp_path, Proc(7, "here"))
    done = pymemtools("ksm", "-S", str(tmp_path))
    assert (done.returncode, done.stderr) == (
        1,
        b"pymemtools: ksm: the source does not tell: no /sys/kernel/mm/ksm\n",
    )


@pytest.mark.parametrize(
    ("call", "status", "says"),
    [
        ("--demo ksm --estimate", 1, "ksm: --estimate is for a live machine: no capture has what is in memory"),
        ("ksm --whole", 2, "ksm: --whole goes with --estimate"),
        ("ksm --top 3 -p 7", 2, "ksm: --pid names processes, --top finds them: one or the other"),
    ],
)
def test_calls_that_make_no_sense(pymemtools: Run, call: str, status: int, says: str) -> None:
    done = pymemtools(*call.split())
    assert (done.returncode, done.stdout, done.stderr.decode()) == (status, b"", f"pymemtools: {says}\n")


def test_ksm_stat_of_the_first_kernel_that_had_it() -> None:
    assert parse_ksm_stat(b"ksm_rmap_items 4096\n") == KsmStat(4096)
    assert parse_ksm_stat(STAT) == KsmStat(4096, 0, 3072, 12320768, False, True)
    assert parse_ksm_stat(b"ksm_rmap_items yes\nksm_mergeable: 7\nksm_x 1\n\xff") == KsmStat()


def test_flags_are_no_names() -> None:
    tally, adder = Tally(("Anonymous",)), Mergeable()
    tally.restart(adder)
    record = b"00400000-00500000 rw-p 00000000 00:00 0    /x%s\nAnonymous:      40 kB\nVmFlags: rd %s ac \n"
    text = record % (b"", b"mg") + record % (b" VmFlags: mg ", b"wr")
    for place in range(len(text)):  # in pieces of any size
        tally.feed(text[place : place + 1])
    tally.finish()
    assert adder.finish() == 40 * KIB
    assert Mergeable().finish() is None


def test_a_content_is_kept_once_for_256_users() -> None:
    total, rows = merge([contents([5] * 257), contents([5] * 255 + [6])], KsmRules(), zeros=0)
    assert total == Merged(pages=513, shared=2, sharing=510, limit=1, freed=510)
    assert total.unshared == 1
    assert [(row.merging, row.alone) for row in rows] == [(257, 255), (255, 254)]


def test_two_are_enough() -> None:
    total, rows = merge([contents([5, 6]), contents([5])], KsmRules(), zeros=0)
    assert total == Merged(pages=3, shared=1, sharing=1, freed=1)
    assert [row.merging for row in rows] == [1, 1]


def test_the_one_beyond_a_multiple_stays_as_it_is() -> None:
    total, _ = merge([contents([5] * 5)], KsmRules(max_page_sharing=2), zeros=0)
    assert (total.shared, total.sharing, total.unshared) == (2, 2, 1)


def test_zeros_are_kept_not_at_all_where_the_kernel_may_use_its_own() -> None:
    pages = [contents([0, 0, 7]), contents([0])]
    assert merge(pages, KsmRules(), zeros=0)[0] == Merged(pages=4, shared=1, sharing=2, freed=2)
    total, rows = merge(pages, KsmRules(use_zero_pages=True), zeros=0)
    assert total == Merged(pages=4, zero=3, freed=3)
    assert [(row.zero_filled, row.zero, row.alone) for row in rows] == [(2, 2, 2), (1, 1, 1)]


def test_what_is_one_page_since_a_fork_is_not_merged_with_itself() -> None:
    parent, child = contents([], [5, 6], [100, 101]), contents([6], [5, 6], [100, 101])
    total, rows = merge([parent, child], KsmRules(), zeros=0)
    assert total == Merged(pages=5, shared=1, sharing=2, freed=1)  # three users of two pages that are 6
    assert [row.merging for row in rows] == [1, 2]


def test_what_is_merged_already_counts_as_saved_and_frees_no_more() -> None:
    total, _ = merge([contents([], [5] * 4, [100] * 4)], KsmRules(), zeros=0, merged={100})
    assert total == Merged(pages=4, shared=1, sharing=3, freed=0)


def test_many_contents_are_counted_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [contents([i % 100 for i in range(500)], [i % 70 for i in range(300)], list(range(300)))]
    whole = merge(pages, KsmRules(), zeros=0)
    monkeypatch.setattr("pymemtools.models.ksm._AT_ONCE", 64)
    assert merge(pages, KsmRules(), zeros=0) == whole
    assert whole[0].sharing == 700


def test_what_merging_costs() -> None:
    assert profit(0, 1000, 4096) == -64000


CHILD = """
import mmap, os, signal, sys
page = os.sysconf("SC_PAGE_SIZE")
memory = mmap.mmap(-1, 64 * page, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(15)  # MADV_NOHUGEPAGE
for i in range(32):
    memory[i * page : i * page + 8] = (i % 4).to_bytes(8, "little")
memory[63 * page]  # only read: the page of zeros, which is nobody's
if sys.argv[1] == "mg":
    memory.madvise(12)  # MADV_MERGEABLE
print(flush=True)
os.read(0, 1)
memory[40 * page] = memory[41 * page] = 1
print("grown", flush=True)
signal.pause()
"""


@pytest.fixture(params=["mg", "no"])
def child(request: pytest.FixtureRequest) -> Any:
    command = [sys.executable, "-I", "-S", "-c", CHILD, request.param]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        wait_until_asleep(process.pid)
        yield process, request.param
        process.kill()


def test_only_pages_that_are_there_are_read(pymemtools: Run, child: Any) -> None:
    """A process is read by the memory that it lets be merged, where it lets some be, and else whole."""
    process, advice = child
    done = pymemtools("ksm", "--estimate", "-p", str(process.pid), "-f", "json")
    if done.returncode == 1 and b"rights of a debugger" in done.stderr:
        pytest.skip("we may not read the memory of our own child")
    told = json.loads(done.stdout)
    row, totals = told["rows"][0], told["totals"]
    assert row["advised"] == (advice == "mg") or b"merges no pages" in done.stderr
    if row["advised"]:
        merging = 24 if totals["use_zero_pages"] else 32  # others' zeros count as the page of zeros then
        assert (row["scanned"], row["zero_filled"], row["merging"]) == (32 * PAGE, 8 * PAGE, merging * PAGE)
        most = totals["max_page_sharing"]
        assert totals["saved_pages"] == 32 - 4 or most < 8 or totals["use_zero_pages"]
        whole = json.loads(pymemtools("ksm", "--estimate", "--whole", "-p", str(process.pid), "-f", "json").stdout)
        assert whole["totals"]["scanned_pages"] > 32
    else:
        assert row["scanned"] > 32 * PAGE
        assert row["saved_alone"] >= 28 * PAGE
    text = pymemtools("ksm", "--estimate", "-p", str(process.pid)).stdout.decode()
    assert text.startswith("Merging would save ")


def test_one_that_ends_while_it_is_read_is_said_and_not_counted(child: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    process, advice = child
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", CHILD, advice], stdin=PIPE, stdout=PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        wait_until_asleep(other.pid)
        read = ProcessMemory.read

        def read_and_kill(self: ProcessMemory, address: int, size: int) -> bytes | None:
            if other.poll() is None:
                other.kill()
                other.wait()
            return read(self, address, size)

        monkeypatch.setattr(ProcessMemory, "read", read_and_kill)
        report = estimated(other.pid, process.pid)
    assert [row.pid for row in report.answer.rows] == [process.pid]
    assert report.totals is not None
    assert report.totals["ended_pids"] == [other.pid]
    assert f"{other.pid}: ended, or became another program, while it was read: it is not counted" in report.warnings


def test_one_that_grows_while_it_is_read_is_said(child: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    process, _ = child
    read = ProcessMemory.read

    def read_and_grow(self: ProcessMemory, address: int, size: int) -> bytes | None:
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.write(b"more\n")
            process.stdin.close()
            assert process.stdout.readline() == b"grown\n"
        return read(self, address, size)

    monkeypatch.setattr(ProcessMemory, "read", read_and_grow)
    report = estimated(process.pid)
    assert [row.changed for row in report.answer.rows] == [True]
    assert f"{process.pid}: changed while being read: pages are counted as they were found" in report.warnings


def estimated(*pids: int) -> Report:
    try:
        return estimate_report(open_source(), EstimateRequest(pids))
    except Denied as error:
        pytest.skip(f"we may not read the memory of our own child: {error}")


def test_who_may_be_a_candidate_is_said_where_nobody_tells(tmp_path: Path) -> None:
    """Two small processes, of which one hides its mappings: nothing is read, and that is no answer for all."""
    write_tree(tmp_path, Proc(7, "small"), Proc(8, "hidden"))
    (tmp_path / "proc/8/smaps").unlink()
    report = estimate_report(open_source(str(tmp_path)), EstimateRequest())
    assert (report.table.height, report.unreadable) == (0, 1)
    assert report.warnings == (
        "1 of 2 processes could not be read (no smaps)",
        "this kernel merges no pages: max_page_sharing 256 is assumed",
        "no process is a candidate by rule: --top N reads those with the most memory, -p PID one of your choice",
    )


def test_what_has_no_memory_is_said_and_the_others_are_read(pymemtools: Run, child: Any) -> None:
    process, _ = child
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", ""], stdin=PIPE) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        said = f"pymemtools: ksm: {zombie.pid}: has no memory: it is the kernel's, or a zombie"
        alone = pymemtools("ksm", "--estimate", "-p", str(zombie.pid))
        both = pymemtools("ksm", "--estimate", "-p", str(zombie.pid), "-p", str(process.pid), "-f", "json")
    assert (alone.returncode, alone.stdout, alone.stderr.decode()) == (1, b"", f"{said}\n")
    if both.returncode == 1 and b"rights of a debugger" in both.stderr:
        pytest.skip("we may not read the memory of our own child")
    assert [row["pid"] for row in json.loads(both.stdout)["rows"]] == [process.pid]
    assert said in both.stderr.decode().splitlines()

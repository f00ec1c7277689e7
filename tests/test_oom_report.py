"""oom-report: real kernel logs, logs of every era and prefix, and hostile ones."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product, zip_longest
from pathlib import Path
from typing import Any

import pytest
from conftest import CAPTURES, HERE
from hypothesis import given, settings
from hypothesis import strategies as st
from oom_log import REPORTS, killed, made, real
from small_group import small_group

from pymemtools.cli.oom_report_layout import report_lines, row_of
from pymemtools.kernel_log.oom_collector import MAX_TASKS
from pymemtools.kernel_log.prefix import Line, strip
from pymemtools.kernel_log.scan import oom_reports
from pymemtools.reports.oom_report import Analysis, analyse, memory_held, ranked, uncounted
from pymemtools.reports.oom_verdict import verdict
from pymemtools.sources.kernel_log import read_kernel_log

LOGS = sorted(REPORTS.glob("*.txt"))
RPI = "rpi-3.6.11-armv6-464M-snipped.txt"
MEMCG = "own-x86_64-6.18.44-memcg-v1.txt"


def analyses(log: bytes, piece: int = 1 << 20) -> list[Analysis]:
    pieces = [log[at : at + piece] for at in range(0, len(log), piece)]
    return [analyse(report) for report in oom_reports(pieces)]


def only(log: bytes) -> Analysis:
    (found,) = analyses(log)
    return found


def run_program(*args: str, stdin: bytes = b"", columns: int = 80) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "pymemtools", *args],
        input=stdin,
        cwd=HERE.parent,
        env=os.environ | {"COLUMNS": str(columns)},
        capture_output=True,
        check=False,
    )


def rows_of(*args: str, stdin: bytes = b"") -> list[dict[str, Any]]:
    done = run_program("oom-report", "-f", "json", *args, stdin=stdin)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert isinstance(rows, list)
    return rows


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_the_victim_of_every_real_report(log: Path) -> None:
    text = log.read_bytes()
    found = analyses(text)
    assert len(found) == text.count(b" invoked oom-killer: ")
    for analysis in found:
        assert analysis.killed is not None
        assert analysis.predicted is not None
        assert analysis.predicted.pid == analysis.killed.pid
        assert analysis.scores.printed in (None, analysis.scores.computed) or analysis.total_pages is None
        assert all(each.holds for each in analysis.identities if each.what != "rss")


@pytest.mark.parametrize("machine", ["armv7-highmem-6.1", "x86_64-6.1", "x86_64-7.2"])
def test_the_victim_of_captured_machines(machine: str) -> None:
    analysis = only((CAPTURES / machine / "oom-dmesg").read_bytes())
    assert analysis.predicted is not None
    assert analysis.killed is not None
    assert (analysis.predicted.pid, analysis.predicted.name) == (analysis.killed.pid, analysis.killed.name)
    assert {each.what: each.holds for each in analysis.identities}["total-vm"]


def test_the_raspberry_pi_says_so_much_and_no_more() -> None:
    (row,) = rows_of(str(REPORTS / RPI))
    assert (row["killed_pid"], row["killed_name"], row["predicted_pid"]) == (2148, "oom-killer-try", 2148)
    assert (row["score_printed"], row["score_computed"], row["total_pages"]) == (829, None, None)
    assert row["possible_total_pages"] == [144475, 144648]
    assert row["missing_inputs"] == ["pages RAM", "pages reserved", "Total swap", "kernel version"]
    assert row["identities"][0] == {"what": "total-vm", "line_kib": 480388, "table_kib": 480388, "holds": True}
    assert 120097 * 4 == 480388


def test_rows_for_programs() -> None:
    first, second = rows_of(str(REPORTS / MEMCG))
    assert first["constraint"] == "CONSTRAINT_MEMCG"
    assert (first["group"], first["total_pages"], first["kernel"]) == ("/pymt_oom", 32768, "6.18.44-fc-v445")
    assert (first["killed_pid"], first["killed_name"], first["score_computed"]) == (26016, "hog15_500", 606)
    assert (second["killed_pid"], second["killed_name"]) == (26369, "eater")
    assert first["tasks"][0] == {
        "pid": 26012,
        "name": "hog20_0",
        "uid": 0,
        "total_vm": 5418 * 4096,
        "rss": 5131 * 4096,
        "swap": 0,
        "page_tables": 81920,
        "oom_score_adj": 0,
        "points": 5151,
        "score": 157,
    }
    assert first["freed"] == (15360 + 44) * 1024
    assert first["missing_inputs"] == []


PREFIXES = {
    "plain": b"",
    "level": b"<4>",
    "syslog": b"Nov  3 14:02:11 web-1 kernel: [  104.710672] ",
    "journal": b"Nov 03 14:02:11 web-1 kernel: ",
    "precise journal": b"Nov 03 14:02:11.123456 web-1 kernel: ",
    "iso": b"2026-11-03T14:02:11.123456+01:00 web-1 kernel: [  104.710672] ",
    "iso journal": b"2026-11-03T14:02:11+0100 web-1 kernel: ",
    "monotonic journal": b"[  104.710672] web-1 kernel: ",
    "human dmesg": b"[Tue Nov  3 14:02:11 2026] ",
    "iso dmesg": b"2026-11-03T14:02:11,123456+01:00 ",
    "decoded dmesg": b"kern  :warn  : [  104.710672] ",
    "caller": b"[  104.710672][ T2519] ",
    "caller apart": b"[  104.710672] [    C0] ",
    "kmsg": b"4,1234,104710672,-,caller=T1;",
    "quoted in a mail": b"> > [  104.710672] ",
    "moved in": b"    [  104.710672] ",
    "with processor": b"[2-104.710672] ",
    "rsyslog with PID": b"2026-11-03 14:02:11 web-1 kernel[412]: ",
    "rsyslog of RHEL 6": b"Nov  3 14:02:11 web-1 kernel: : [  104.710672] ",
    "RFC 5424": b"<4>1 2026-11-03T14:02:11.123456+01:00 web-1 kernel - - - [  104.710672] ",
    "full journal": b"Tue 2026-11-03 14:02:11 CET web-1 kernel: ",
    "unix journal": b"1793710931.123456 web-1 kernel: ",
    "without program": b"Nov  3 14:02:11 web-1 [  104.710672] ",
    "after dropped lines": b"** 94 printk messages dropped ** [  104.710672] ",
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
@pytest.mark.parametrize("name", ["own-x86_64-6.8.0-151-ubuntu-global-r1.txt", MEMCG, RPI])
def test_any_prefix(name: str, prefix: bytes) -> None:
    bare = [strip(line).message for line in real(name).splitlines()[1:]]
    expected = analyses(b"\n".join(bare))
    found = analyses(b"\r\n".join(prefix + line for line in bare))
    assert [each._replace(report=each.report._replace(when=None, host=None)) for each in found] == expected
    assert all((each.report.when is None) == (prefix in (b"", b"<4>")) for each in found)
    assert {each.report.host for each in found} == {"web-1" if b"web-1" in prefix else None}


def test_reports_of_two_machines_that_are_mixed() -> None:
    """As in the log of a host that collects others'; of one message in several lines, some have no host."""
    logs = [real(f"own-x86_64-{name}-global-r2.txt") for name in ("6.8.0-151-ubuntu", "5.4.0-216-ubuntu")]
    bare = [[strip(line).message for line in log.splitlines()[1:]] for log in logs]
    mixed = b"".join(
        b"Nov  3 14:02:11 %b kernel: %b\n" % (host, line)
        for pair in zip_longest(*bare, fillvalue=b"")
        for host, line in zip((b"alpha", b"beta"), pair)
    )
    found = analyses(mixed)
    assert [each.report.host for each in found] == ["alpha", "beta"]
    expected = [only(b"\n".join(lines)) for lines in bare]
    assert [each._replace(report=each.report._replace(when=None, host=None)) for each in found] == expected


def test_reports_of_many_machines_do_not_pile_up() -> None:
    line = "Nov  3 14:02:11 h{} kernel: Memory cgroup out of memory: Killed process {} (x) total-vm:4kB, anon-rss:4kB\n"
    found = analyses("".join(line.format(each, each) for each in range(1, 300)).encode())
    assert [each.killed.pid for each in found if each.killed] == list(range(1, 300))


def test_prefixes_leave_the_message_alone() -> None:
    for message in (b"[  244]     0   244    10746 lab", b"Memory cgroup stats for /kernel: cache:0KB", b"Mem-Info:"):
        assert strip(message) == Line(None, message)
        assert strip(b"[    1.000000] " + message) == Line("1.000000", message)
        assert strip(b"Nov  3 14:02:11 web-1 kernel: " + message) == Line("Nov  3 14:02:11", message, b"web-1")


def test_foreign_lines_in_between() -> None:
    log = real("own-x86_64-5.4.0-216-ubuntu-global-r1.txt")
    noise = b"[   23.400000] usb 1-1: new device\nNov  3 10:00:00 h sshd[77]: 12 pages RAM free: 7\n\xff\0\x1b[31m\n"
    mixed = b"".join(line + noise for line in log.splitlines(keepends=True))
    assert analyses(mixed) == analyses(log)


@pytest.mark.parametrize("piece", [1, 7, 100, 4096])
def test_however_it_is_cut_into_pieces(piece: int) -> None:
    log = real(MEMCG)
    assert analyses(log, piece) == analyses(log)


def test_a_report_that_is_far_apart_is_still_one() -> None:
    log = real("own-x86_64-6.8.0-151-ubuntu-global-r2.txt")
    at = log.index(b"Tasks state")
    at = log.rindex(b"\n", 0, at) + 1
    far = log[:at] + b"[    1.000000] nothing at all happens here\n" * 5000 + log[at:]
    assert only(far) == only(log)


TASKS = "pgtables_bytes swapents oom_score_adj"
ERAS = [
    pytest.param(
        "cpu oom_adj", "[   42]     0    42    90000   80000   0       0 hog", "2.6.32", None, None, id="2.6.32"
    ),
    pytest.param(
        *("cpu oom_adj oom_score_adj", "[   42]  1000    42    90000   80000   0       0             0 hog", "2.6.38"),
        *(None, None),
        id="2.6.36, swapped out, who knows what",
    ),
    pytest.param(
        *("nr_ptes swapents oom_score_adj", "[   42]  1000    42    90000   80000     200      5000             0 hog"),
        *("3.6.11", 85200, 449),
        id="3.6",
    ),
    pytest.param(
        *("nr_ptes swapents oom_score_adj", "[   42]     0    42    90000   80000     200      5000             0 hog"),
        *("3.6.11", 85200 - 30 * 189, 419),
        id="3.6, root",
    ),
    pytest.param(
        *("nr_ptes swapents oom_score_adj", "[   42]     0    42    90000   80000     200      5000             0 hog"),
        *("3.10.0-514.el7.x86_64", 85200 - 85200 * 3 // 100, 436),
        id="3.10, root",
    ),
    pytest.param(
        "nr_ptes nr_pmds swapents oom_score_adj",
        "[   42]  1000    42    90000   80000     200      10     5000             0 hog",
        *("4.4.0", 85210, 449),
        id="4.1",
    ),
    pytest.param(
        "nr_ptes nr_pmds nr_puds swapents oom_score_adj",
        "[   42]  1000    42    90000   80000     200      10      3     5000             0 hog",
        *("4.14.0", 85213, 449),
        id="4.14",
    ),
    pytest.param(
        "pgtables_bytes swapents oom_score_adj",
        "[     42]     0    42    90000    80000   819200     5000             0 hog",
        *("4.19.0", 85200, 449),
        id="4.17, root",
    ),
    pytest.param(
        "rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj",
        "[     42]     0    42    90000    80000    79000     1000        0   819200     5000          -999 hog",
        *("6.8.0", 85200 - 999 * 189, -546),
        id="6.8, below nothing",
    ),
]


@pytest.mark.parametrize(("columns", "row", "release", "points", "score"), ERAS)
def test_every_era(columns: str, row: str, release: str, points: int | None, score: int | None) -> None:
    """Of 189529 pages of RAM and swap."""
    end = ["Out of memory: Kill process 42 (hog) score 1 or sacrifice child", "Killed process 42 (hog)"]
    analysis = only(made(columns, [row], end, release))
    assert analysis.total_pages == 123994 + 65535
    assert analysis.tasks[0].points == points
    assert analysis.scores.computed == score
    assert (analysis.predicted is None) == (release == "2.6.32")
    assert analysis.tasks[0].rss == 80000 * 4096


def test_before_2_6_36_what_is_missing_is_named() -> None:
    row = "[   42]     0    42  90000  80000   0   0 hog"
    analysis = only(made("cpu oom_adj", [row], ["Killed process 42 (hog)"], "2.6.32"))
    assert analysis.missing == ["CPU time", "run time", "nice value", "children"]


def test_red_hat_6_has_the_later_rule() -> None:
    row = "[   42]  1000    42    90000   80000   0       0             0 hog"
    end = ["Killed process 42, UID 1000, (hog) total-vm:360000kB"]
    log = made("cpu oom_adj oom_score_adj", [row], end, "2.6.32-642.el6")
    analysis = only(log)
    assert analysis.missing == ["swapents"]
    assert analysis.version == (2, 6, 36)
    assert analysis.killed is not None
    assert analysis.killed.uid == 1000
    without_swap = only(log.replace(b"Total swap = 262140kB", b"Total swap = 0kB"))
    assert (without_swap.tasks[0].points, without_swap.missing) == (80000 * 1000 // 123994, [])


def test_page_tables_count_before_the_table_has_them() -> None:
    """Since 2.6.39 they do, and are told since 3.6: no score then, but a victim where they cannot matter."""
    row = "[   42]  1000    42    90000   80000   0       0             0 hog"
    log = made("cpu oom_adj oom_score_adj", [row], ["Killed process 42 (hog) total-vm:360000kB"], "3.2.0")
    found = only(log.replace(b"Total swap = 262140kB", b"Total swap = 0kB"))
    assert (found.tasks[0].points, found.scores.computed, found.missing) == (None, None, ["nr_ptes"])
    assert found.predicted == found.tasks[0]


def test_a_victim_beyond_doubt_though_nobody_tells_what_was_swapped() -> None:
    """As on 3.2: the largest has most, whatever of the 255 MiB of swap is whose; or it may not."""
    rows = [
        "[   42]  1000    42   500000   400000   0       0             0 large",
        "[   43]  1000    43    90000    80000   0       0             0 small",
        "[   44]  1000    44   900000        0   0     -17         -1000 udevd",
    ]
    analysis = only(made("cpu oom_adj oom_score_adj", rows, ["Killed process 42 (large) total-vm:2000000kB"], "3.2.0"))
    assert analysis.predicted is not None
    assert (analysis.predicted.pid, analysis.scores.computed, analysis.missing) == (
        42,
        None,
        ["nr_ptes", "swapents"],
    )
    rows[0] = rows[0].replace("400000", " 60000")
    in_doubt = only(made("cpu oom_adj oom_score_adj", rows, ["Killed process 42 (large) total-vm:2000000kB"], "3.2.0"))
    assert in_doubt.predicted is None


def test_red_hat_7_has_the_owner_behind_the_name() -> None:
    (kill,) = only(made(TASKS, [], ["Killed process 77 (node), UID 1000, total-vm:6096kB, anon-rss:68kB"])).report.kills
    assert (kill.pid, kill.name, kill.uid, kill.sizes) == (
        77,
        "node",
        1000,
        {"total-vm": 6096 << 10, "anon-rss": 68 << 10},
    )


def test_what_held_the_memory_when_lists_were_shared() -> None:
    """Linux 2.6.18: anonymous and file pages are on the same lists."""
    log = b"java invoked oom-killer: gfp_mask=0x201d2, order=0, oomkilladj=0\nMem-info:\n"
    log += b"Active:20000 inactive:10000 dirty:0 writeback:0 unstable:0 free:900 slab:5000 mapped-file:3 "
    log += b"mapped-anon:4 pagetables:70\n"
    log += b"Out of memory: Killed process 42 (hog).\n"
    assert verdict(only(log)) == ["Most of it was anonymous and file 117.2 MiB, slab 19.5 MiB, page tables 280.0 KiB."]


def test_who_is_spared_is_last() -> None:
    rows = [
        "[      1]     0     1    90000    80000   819200        0             0 systemd",
        "[     41]     0    41    90000    85000   819200        0         -1000 sshd",
        "[     42]     0    42    90000    70000   819200        0             0 hog",
    ]
    found = only(made(TASKS, rows, [killed(42, "hog")], "6.1.0"))
    assert [row.pid for row in ranked(found)] == [42, 41, 1]


def test_old_reports_without_a_table() -> None:
    log = (
        b"oom-killer: gfp_mask=0x201d2, order=0\nMem-info:\nFree swap:            0kB\n118784 pages of RAM\n"
        b"2194 reserved pages\nOut of Memory: Kill process 7 (sh) score 2048 and children.\n"
        b"Out of memory: Killed process 9 (java).\n"
    )
    analysis = only(log)
    assert analysis.killed is not None
    assert (analysis.killed.pid, analysis.killed.name, analysis.report.chosen_pid) == (9, "java", 7)
    assert (analysis.report.ram_pages, analysis.report.reserved_pages) == (118784, 2194)
    assert "task table" in analysis.missing
    assert analysis.predicted is None
    said = "7 (sh) was chosen, and 9 (java) killed for it: its child, or the process whose thread it is."
    assert said in verdict(analysis)


NAMES = (
    "a b",
    "(sd-pam)",
    "x) score 9 or",
    "[kworker/0:1]",
    "\x1b[31mred",
    "ö",
    " lead",
    "a,pid=1,uid=0",
    "Killed process 1 (x)",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_that_look_like_something_else(name: str) -> None:
    rows = [
        f"[     42]  1000    42    90000    80000   819200        0             0 {name}",
        "[     43]  1000    43      900      800     8192        0             0 other",
    ]
    told = f"nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task={name},pid=42,uid=1000"
    end = [f"oom-kill:constraint=CONSTRAINT_NONE,{told}", killed(42, name)]
    analysis = only(made(TASKS, rows, end, "6.1.0"))
    assert analysis.killed is not None
    assert (analysis.killed.pid, analysis.killed.name) == (42, name)
    assert (analysis.report.told_pid, analysis.report.told_name) == (42, name)
    assert analysis.predicted is not None
    assert (analysis.predicted.pid, analysis.predicted.name) == (42, name)
    assert analysis.report.constraint == "CONSTRAINT_NONE"


def test_counters_with_capitals() -> None:
    """As in 2.6.30."""
    memory = (
        "Active_anon:290797 active_file:28 inactive_anon:97034\n inactive_file:61 unevictable:11322 dirty:0\n"
        " free:3341 slab:13776 mapped:5880 pagetables:6851 bounce:0\n"
    )
    found = only(made("cpu oom_adj", [], ["Killed process 42 (hog)"], "2.6.30", memory=memory))
    assert memory_held(found) == {
        "anonymous": 387831 << 12,
        "file": 89 << 12,
        "unevictable": 11322 << 12,
        "slab": 13776 << 12,
        "page tables": 6851 << 12,
        "free": 3341 << 12,
    }


def test_every_page_is_in_one_figure_only() -> None:
    """What the machines of the real reports had and nobody held is less than 4 % of their RAM."""
    seen = 0
    for log in [*LOGS, *CAPTURES.glob("*/oom-dmesg")]:
        for analysis in analyses(log.read_bytes()):
            rest, report = uncounted(analysis), analysis.report
            if rest is not None and report.ram_pages and report.reserved_pages:
                assert rest < 0.04 * (report.ram_pages - report.reserved_pages) * 4096
                seen += 1
    assert seen > 15


HOG = "[     42]  1000    42    90000    80000   819200        0             0 hog"


def test_caches_of_the_kernel_that_are_larger_than_all_else() -> None:
    """As the kernel then lists them."""
    more = (
        "Unreclaimable slab info:\nName                      Used          Total\n"
        "btrfs_extent_map     290000KB     300000KB\nkmalloc-64               10KB         16KB\n"
    )
    memory = MEM_INFO.format(anon=100, locked=0, shmem=0, more="").replace("unreclaimable:40", "unreclaimable:95000")
    found = only(made(TASKS, [HOG], [killed(42, "hog")], "6.1.0", memory=memory + more))
    assert verdict(found)[:2] == [
        "Most of it was slab 371.2 MiB, anonymous 400.0 KiB, page tables 200.0 KiB.",
        "Of the kernel's caches that cannot be reclaimed the largest were btrfs_extent_map 293.0 MiB, "
        "kmalloc-64 16.0 KiB.",
    ]
    assert [row.name for row in found.tasks] == ["hog"]


def test_who_had_most_where_that_is_not_who_was_killed() -> None:
    row = "[     {0}]    33    {0}    90000    20000   81920        0             0 apache2"
    rows = [HOG.replace("    0 hog", "-1000 hog"), *(row.format(pid) for pid in range(50, 60))]
    words = verdict(only(made(TASKS, rows, [killed(55, "apache2")], "6.1.0")))
    assert "The 10 processes named apache2 had 781.2 MiB with swap; what they share counts for each." in words
    assert "The largest was 42 (hog) with 312.5 MiB." in words


def test_a_thread_was_chosen() -> None:
    """As seen on RHEL 7: the score is of the process, and no child was sacrificed."""
    row = "[76513]     0 76513  6553193  1047384    2363        0             0 java"
    memory = (
        "memory: usage 4194304kB, limit 4194304kB, failcnt 25581\n"
        "memory+swap: usage 4194304kB, limit 8388608kB, failcnt 0\n"
    )
    end = [
        "Memory cgroup out of memory: Kill process 76756 (java) score 1001 or sacrifice child",
        "Killed process 76513 (java) total-vm:26212772kB, anon-rss:4189536kB, file-rss:0kB, shmem-rss:0kB",
    ]
    log = made("nr_ptes swapents oom_score_adj", [row], end, "3.10.0-514.el7.x86_64", memory=memory)
    analysis = only(log)
    assert (analysis.scores.printed, analysis.scores.computed, analysis.total_pages) == (1001, 1001, 1048576)
    assert analysis.chosen_pid == 76513
    said = "76756 (java) was chosen, which is no process of the table: a thread of 76513 (java), it seems."
    assert said in verdict(analysis)


def test_the_figures_of_groups_below_are_summed() -> None:
    """As kernels before 5.3 print them: of a pod, whose own are 0, and of each container in it."""
    memory = (
        "Task in /pod/a killed as a result of limit of /pod\nmemory: usage 32461120kB, limit 33554432kB, failcnt 0\n"
        "memory+swap: usage 35651584kB, limit 35651584kB, failcnt 24\n"
        "kmem: usage 471440kB, limit 9007199254740988kB, failcnt 0\n"
        "Memory cgroup stats for /pod: cache:0KB rss:0KB shmem:0KB swap:0KB\n"
        "Memory cgroup stats for /pod/a: cache:28030012KB rss:3958288KB shmem:28013264KB swap:3190836KB\n"
        "Memory cgroup stats for /pod/b: cache:100KB rss:712KB shmem:0KB swap:0KB\n"
    )
    analysis = only(made(TASKS, [HOG], [killed(42, "hog", group=True)], "4.19.0", memory=memory))
    assert memory_held(analysis) == {
        "anonymous": 3959000 << 10,
        "file": (28030112 - 28013264) << 10,
        "shmem": 28013264 << 10,
    }
    assert analysis.report.group == "/pod"
    assert verdict(analysis)[0] == (
        "In the group /pod 34.0 GiB of 34.0 GiB with swap were used, and that is its limit, not the machine's."
    )


def test_who_was_about_to_end_and_who_could_not_be_reaped() -> None:
    """As in the log of a container whose group is killed at once, on 6.13."""
    end = [
        killed(42, "hog", group=True),
        "Tasks in /job are going to be killed due to memory.oom.group set",
        "Memory cgroup out of memory: OOM victim 43 (stress) is already exiting. Skip killing the task",
        killed(44, "sleep", group=True),
        "oom_reaper: unable to reap pid:42 (hog)",
    ]
    analysis = only(made(TASKS, [HOG], end, "6.13.0", memory=of_group(0)))
    assert [kill.pid for kill in analysis.report.kills] == [42, 44]
    lines = list(report_lines(analysis, is_whole=False))
    assert "With it all of its group were killed, as memory.oom.group of the group asks." in verdict(analysis)
    assert "  spared:   43 (stress), which was about to end anyway" in lines
    assert "  reaped:   42 (hog), not reaped" in lines


def test_nobody_may_be_killed() -> None:
    row = HOG.replace("    0 hog", "-1000 hog")
    for end in (
        "Out of memory and no killable processes...",
        "Kernel panic - not syncing: Out of memory and no killable processes...",
    ):
        analysis = only(made(TASKS, [row], [end], "6.1.0"))
        assert "The kernel found nobody that it may kill." in verdict(analysis)
        assert "  killed:   nobody" in list(report_lines(analysis, is_whole=False))
        assert (analysis.predicted, analysis.is_cut) == (None, False)


def test_a_kill_that_somebody_asked_for() -> None:
    log = made(TASKS, [HOG], [killed(42, "hog")], "6.11.0").replace(b"0x201da, order=0", b"0xcc0(GFP_KERNEL), order=-1")
    log = log.replace(b"CPU: 0 PID: 7 Comm: java", b"CPU: 0 UID: 0 PID: 7 Comm: kworker/0:1")
    found = only(log)
    assert (found.report.order, found.report.invoker_pid, found.report.kernel) == (-1, 7, "6.11.0")
    assert verdict(found)[0] == "Somebody asked for the kill (SysRq-f)."
    assert not any("swap would" in sentence for sentence in verdict(found))


def test_who_asked_was_killed() -> None:
    """vm.oom_kill_allocating_task: points do not matter, and no oom_score_adj would have helped."""
    rows = [HOG, "[      7]  1000     7     9000      800     8192        0             0 java"]
    why, sizes = "Out of memory (oom_kill_allocating_task):", "total-vm:36000kB, anon-rss:3000kB"
    old = [f"{why} Kill process 7 (java) score 0 or sacrifice child", f"Killed process 7 (java) {sizes}"]
    for release, end in (("4.19.0", old), ("6.1.0", [f"{why} Killed process 7 (java) {sizes}"])):
        words = verdict(only(made(TASKS, rows, end, release)))
        assert words[-1] == "7 (java) was killed because it asked for memory then (vm.oom_kill_allocating_task)."


@pytest.mark.parametrize(
    ("words", "constraint"),
    [
        ("No available memory (MPOL_BIND)", "CONSTRAINT_MEMORY_POLICY"),
        ("No available memory in cpuset", "CONSTRAINT_CPUSET"),
        ("Memory cgroup out of memory", "CONSTRAINT_MEMCG"),
    ],
)
def test_what_was_short_before_2_6_36(words: str, constraint: str) -> None:
    end = [f"{words}: kill process 42 (hog) score 12 or a child", "Killed process 42 (hog) vsz:360000kB, anon-rss:80kB"]
    found = only(made("cpu oom_adj", ["[   42]  1000    42    90000   80000   0       0 hog"], end, "2.6.34"))
    assert (found.report.constraint, found.total_pages) == (constraint, None)


def test_who_has_no_capability_is_not_told() -> None:
    """Nor is the score, before 4.17, where no score is printed: both are given."""
    row = "[   42]     0    42    90000   80000     200        0             0 hog"
    found = only(made("nr_ptes swapents oom_score_adj", [row], ["Killed process 42 (hog)"], "3.10.0"))
    assert (found.scores.computed, found.scores.other) == (410, 423)
    assert found.missing == ["whether uid 0 had CAP_SYS_ADMIN"]


def test_strict_tells_reports_that_are_cut(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    lines = real("own-x86_64-6.8.0-151-ubuntu-global-r2.txt").splitlines(keepends=True)
    whole.write_bytes(b"".join(lines))
    for at in (slice(0, -1), slice(40, None)):
        cut.write_bytes(b"".join(lines[at]))
        assert [run_program("oom-report", *args, str(cut)).returncode for args in ([], ["--strict"])] == [0, 3]
    assert run_program("oom-report", "--strict", str(whole)).returncode == 0


def test_the_log_of_a_capture(tmp_path: Path) -> None:
    (tmp_path / "dmesg").write_bytes(real(MEMCG))
    (tmp_path / "meminfo").write_bytes(b"MemTotal:  1024 kB\n")
    rows = rows_of("-S", str(tmp_path))
    assert [row["killed_pid"] for row in rows] == [26016, 26369]
    (tmp_path / "dmesg").unlink()
    done = run_program("oom-report", "-S", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"dmesg" in done.stderr


def test_messages_of_several_lines_in_the_ring_buffer(tmp_path: Path) -> None:
    """The kernel escapes what ends a line within a message."""
    record = tmp_path / "kmsg"
    record.write_bytes(
        b"4,71,47364500,-;active_anon:5 inactive_anon:7 isolated_anon:0\\x0a active_file:3\n SUBSYSTEM=mm\n"
    )
    assert read_kernel_log(str(record)) == (
        b"[   47.364500] active_anon:5 inactive_anon:7 isolated_anon:0\n[   47.364500]  active_file:3\n"
    )


def test_what_is_printed_is_inert() -> None:
    row = "[     42]  1000    42    90000    80000   819200        0             0 \x1b[31mred"
    done = run_program("oom-report", "-", stdin=made(TASKS, [row], [killed(42, "\x1b[31mred")], "6.1.0"))
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert rb"\x1b[31mred" in done.stdout


def test_ties_are_broken_as_the_kernel_does() -> None:
    rows = [f"[     {pid}]  1000    {pid}    90000    80000   819200        0             0 twin" for pid in (42, 43)]
    for release, pid in (("4.19.0", 42), ("5.4.0", 43), ("6.1.0", 43)):
        predicted = only(made(TASKS, rows, [f"Killed process {pid} (twin)"], release)).predicted
        assert predicted is not None
        assert predicted.pid == pid


MEM_INFO = """Mem-Info:
active_anon:{anon} inactive_anon:0 isolated_anon:0
 active_file:10 inactive_file:20 isolated_file:0
 unevictable:{locked} dirty:0 writeback:0
 slab_reclaimable:30 slab_unreclaimable:40
 mapped:5 shmem:{shmem} pagetables:50
 free:900
Normal free:3600kB min:4000kB low:5000kB high:6000kB
{more}
Total swap = 0kB
100000 pages RAM
0 pages reserved
"""


@pytest.mark.parametrize(
    ("figures", "more", "sentence"),
    [
        ({"anon": 90000, "shmem": 100}, "", "Most of it was anonymous 351.2 MiB, shmem 400.0 KiB, slab 280.0 KiB."),
        (
            {"anon": 90000, "shmem": 89000},
            "",
            "Most of it was shmem 347.7 MiB, anonymous 3.9 MiB, slab 280.0 KiB. Shared memory and files on tmpfs "
            "(347.7 MiB) stay after a kill, until they are deleted.",
        ),
        (
            {"anon": 100, "locked": 90000},
            "",
            "Most of it was unevictable 351.6 MiB, anonymous 400.0 KiB, slab 280.0 KiB.",
        ),
        (
            {"anon": 1000},
            "Node 0 hugepages_total=190 hugepages_free=190 hugepages_surp=0 hugepages_size=2048kB\n"
            "Node 1 hugepages_total=1 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB",
            "Most of it was hugetlb pool 382.0 MiB, anonymous 3.9 MiB, slab 280.0 KiB.",
        ),
        (
            {"anon": 60000},
            "",
            "Most of it was anonymous 234.4 MiB, slab 280.0 KiB, page tables 200.0 KiB. 152.1 MiB more are in none of "
            "the report's counters: the kernel or its drivers have them.",
        ),
        (
            {"anon": 1000},
            "",
            "382.6 MiB of RAM are in none of the report's counters: the kernel itself or its drivers have them, and no "
            "kill gives them back. Most of the rest was anonymous 3.9 MiB, slab 280.0 KiB, page tables 200.0 KiB.",
        ),
    ],
    ids=[
        "programs",
        "tmpfs, which is on the anonymous lists",
        "mlock",
        "huge pages that nobody uses",
        "a balloon",
        "a driver",
    ],
)
def test_what_held_the_memory(figures: dict[str, int], more: str, sentence: str) -> None:
    memory = MEM_INFO.format(**{"anon": 0, "shmem": 0, "locked": 0, "more": more} | figures)
    row = "[     42]     0    42    90000      800    81920        0             0 hog"
    found = verdict(only(made(TASKS, [row], [killed(42, "hog")], "6.1.0", memory=memory)))
    assert " ".join(found).partition(" There was no swap.")[0] == sentence


def test_shared_memory_of_a_group_is_among_its_files() -> None:
    log = b"x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0\n"
    log += b"memory: usage 900kB, limit 900kB, failcnt 1\nMemory cgroup stats for /a:\n"
    log += b"anon 1000\nfile 900000\nshmem 800000\n" + killed(42, "hog", group=True).encode()
    assert memory_held(only(log)) == {"anonymous": 1000, "file": 100_000, "shmem": 800_000}


def test_low_memory_is_short_though_high_memory_is_free() -> None:
    more = "HighMem free:800000kB min:512kB low:900kB high:1200kB"
    log = made(TASKS, [], [killed(42, "hog")], "6.1.0", memory=MEM_INFO.format(anon=0, shmem=0, locked=0, more=more))
    words = "Low memory was asked for, and short: 781.2 MiB of HighMem were free, but do not serve then."
    assert words not in verdict(only(log))
    assert words in verdict(only(log.replace(b"gfp_mask=0x201da", b"gfp_mask=0xd0")))


def test_what_would_have_saved_it_where_points_are_thousandths() -> None:
    """Linux 2.6.36 to 2.6.38: a step of oom_score_adj is a point, whatever the size of the machine."""
    rows = [
        "[   42]  1000    42    90000   80000   0       0             0 hog",
        "[   43]  1000    43    20000   10000   0       0             0 next",
    ]
    log = made("cpu oom_adj oom_score_adj", rows, ["Killed process 42 (hog) total-vm:360000kB"], "2.6.38")
    found = only(log.replace(b"Total swap = 262140kB", b"Total swap = 0kB"))
    assert [row.points for row in found.tasks] == [645, 80]
    assert "With oom_score_adj -566 or less, 43 (next) would have been killed instead." in verdict(found)


def test_no_counter_of_a_task_is_below_nothing() -> None:
    row = "[     42]     0    42   -90000    -5    -81920    -1000             0 hog"
    (task,) = only(made(TASKS, [row], [killed(42, "hog")], "6.1.0")).tasks
    assert (task.total_vm, task.rss, task.swap, task.page_tables, task.points) == (0, 0, 0, 0, 0)


def test_more_reserved_than_there_is_gives_no_total() -> None:
    log = real("own-x86_64-6.8.0-151-ubuntu-global-r2.txt")
    found = only(re.sub(rb"[0-9]+ pages reserved", b"99999999999999999999 pages reserved", log))
    assert (found.total_pages, found.predicted) == (None, None)
    assert "pages RAM" in found.missing


def test_a_child_is_sacrificed() -> None:
    rows = [
        "[     42]  1000    42    90000    80000   819200        0             0 parent",
        "[     43]  1000    43    70000    60000   819200        0             0 child",
    ]
    end = [
        "Out of memory: Kill process 42 (parent) score 423 or sacrifice child",
        "Killed process 43 (child) total-vm:280000kB, anon-rss:240000kB, file-rss:0kB",
    ]
    analysis = only(made(TASKS, rows, end, "4.19.0"))
    assert analysis.predicted is not None
    assert (analysis.predicted.pid, analysis.scores.computed) == (42, 423)
    assert "42 (parent) was chosen, and its child 43 (child) sacrificed." in verdict(analysis)


def of_group(swap_limit: int, stats: str = "") -> str:
    return (
        "memory: usage 32768kB, limit 32768kB, failcnt 7\n"
        f"swap: usage 0kB, limit {swap_limit}kB, failcnt 0\nMemory cgroup stats for /job:\n{stats}"
    )


def test_a_whole_group_and_the_reaper() -> None:
    rows = [f"[     {pid}]     0    {pid}    9000    {pid}00   81920        0             0 job" for pid in (41, 42)]
    end = [
        killed(42, "job", group=True),
        "Tasks in /job are going to be killed due to memory.oom.group set",
        killed(42, "job", group=True),
        killed(41, "job", group=True),
        "oom_reaper: reaped process 42 (job), now anon-rss:0kB, file-rss:0kB, shmem-rss:400kB",
    ]
    analysis = only(made(TASKS, rows, end, "6.1.0", memory=of_group(0, "anon 31000000\nfile 1500000\n")))
    assert [kill.pid for kill in analysis.report.kills] == [42, 41]
    assert analysis.total_pages == 8192
    assert [(each.pid, each.left["shmem-rss"]) for each in analysis.report.reaped] == [(42, 400 << 10)]
    assert (analysis.report.group, analysis.report.group_stats["anon"]) == ("/job", 31000000)


def test_a_group_with_swap_that_the_report_does_not_tell() -> None:
    rows = [
        "[     41]     0    41    9000    2000   81920        0           100 a",
        "[     42]     0    42    9000    4000   81920        0             0 b",
    ]
    log = made(TASKS, rows, [killed(42, "b", group=True)], "6.1.0", memory=of_group(9007199254740988))
    analysis = only(log)
    assert (analysis.total_least, analysis.total_most, analysis.predicted) == (8192, None, None)
    assert analysis.missing == ["Total swap"]


def test_the_printed_score_tells_whether_swap_counts_in_a_group() -> None:
    """Of 8192 pages and as many of swap, on 4.8; in the classic line, a name with a colon."""
    row = "[   42]     0    42   500000    5200      34       4     5500             0 hog"
    memory = (
        "Task in /a:b killed as a result of limit of /a:b\nmemory: usage 32768kB, limit 32768kB, failcnt 7\n"
        "memory+swap: usage 65000kB, limit 65536kB, failcnt 7\n"
        "Memory cgroup stats for /a:b: cache:0KB rss:20260KB swap:20460KB\n"
    )
    for printed, total in ((655, 16384), (1310, 8192)):
        end = [
            f"Memory cgroup out of memory: Kill process 42 (hog) score {printed} or sacrifice child",
            "Killed process 42 (hog)",
        ]
        analysis = only(made("nr_ptes nr_pmds swapents oom_score_adj", [row], end, "4.8.0", memory=memory))
        assert (analysis.total_pages, analysis.scores.computed, analysis.missing) == (total, printed, [])
        assert (analysis.report.group, analysis.report.group_stats["rss"]) == ("/a:b", 20260 << 10)


NODES = """\
Node 0 DMA free:100kB min:88kB low:108kB high:132kB present:16000kB managed:15900kB
Node 0 Normal free:100kB min:88kB low:108kB high:132kB present:400000kB managed:390000kB
Node 1 Normal free:100kB min:88kB low:108kB high:132kB present:600000kB managed:590000kB
Free swap  = 0kB
Total swap = 40000kB
520000 pages RAM
20000 pages reserved
"""


@pytest.mark.parametrize(
    ("release", "constraint", "nodemask", "allowed", "kib"),
    [
        ("6.1.0", "CONSTRAINT_MEMORY_POLICY", "0", "0-1", 16000 + 400000 + 40000),
        ("6.1.0", "CONSTRAINT_CPUSET", "(null)", "1", 600000 + 40000),
        ("5.4.0", "CONSTRAINT_CPUSET", "(null)", "0-1", 1016000 + 40000),
        ("6.1.0", "CONSTRAINT_CPUSET", "(null)", "0-2", None),
        ("5.0.0", "CONSTRAINT_CPUSET", "(null)", "1", None),
        ("6.1.0", "CONSTRAINT_NONE", "(null)", "0-1", 500000 * 4 + 40000),
    ],
)
def test_short_on_some_nodes(release: str, constraint: str, nodemask: str, allowed: str, kib: int | None) -> None:
    """What the nodes have and the report shows, and swap; before 5.4 what they span, which it does not."""
    told = f"nodemask={nodemask},cpuset=a,mems_allowed={allowed},global_oom,task_memcg=/,task=hog,pid=42,uid=0"
    found = only(made(TASKS, [HOG], [f"oom-kill:constraint={constraint},{told}", killed(42, "hog")], release, NODES))
    assert found.total_pages == (kib and kib // 4)
    nodes = {"CPUSET": "the cpuset's nodes, and", "MEMORY_POLICY": "the policy's nodes, and"}
    what = nodes.get(constraint.removeprefix("CONSTRAINT_"), "RAM and")
    assert (f"pages of {what} swap = " in " ".join(report_lines(found, is_whole=False))) == (kib is not None)
    assert found.missing == ([] if kib else ["pages of the nodes that were allowed"])


def test_nobody_tells_whether_some_nodes_only_are_short() -> None:
    """Before 5.0: by a policy that the first line has, or if nodes are not shown."""
    end = ["Out of memory: Kill process 42 (hog) score 1 or sacrifice child", "Killed process 42 (hog)"]
    log = made(TASKS, [HOG], end, "4.19.0", NODES.replace("520000", "270000"))
    assert only(log).total_pages == 250000 + 10000
    for other in (log.replace(b", order=0", b", nodemask=1, order=0"), log.replace(b"270000 pages", b"520000 pages")):
        found = only(other)
        assert (found.total_pages, found.missing) == (None, ["pages of the nodes that were allowed"])


def test_who_is_first_whatever_swap_there_is() -> None:
    rows = [
        "[     41]     0    41    9000    2000   81920        0             0 a",
        "[     42]     0    42    9000    4000   81920        0           500 b",
    ]
    memory = of_group(9007199254740988)
    assert getattr(only(made(TASKS, rows, [], "6.1.0", memory=memory)).predicted, "pid", None) == 42


def test_root_in_a_container_has_no_bonus() -> None:
    """The printed score tells: 1003 of 1000 was seen on 4.8, without what root's tasks have less."""
    row = "[     42]     0    42    90000   80000     200      10        0             0 hog"
    for printed, other in ((423, 410), (410, 423)):
        end = [f"Out of memory: Kill process 42 (hog) score {printed} or sacrifice child", "Killed process 42 (hog)"]
        found = only(made("nr_ptes nr_pmds swapents oom_score_adj", [row], end, "4.8.0"))
        assert (found.scores.computed, found.scores.other) == (printed, other)
        assert found.tasks[0].score == printed


def test_half_a_report() -> None:
    log = real("own-x86_64-6.8.0-151-ubuntu-global-r2.txt")
    lines = log.splitlines(keepends=True)
    for cut in range(1, len(lines), 3):
        for part in (lines[:cut], lines[cut:]):
            for analysis in analyses(b"".join(part)):
                verdict(analysis)
    beginning = only(b"".join(lines[:-2]))
    assert beginning.killed is None
    assert beginning.predicted is not None
    assert beginning.predicted.pid == 311
    end = only(lines[-1])
    assert end.killed is not None
    assert end.report.is_headless
    assert "task table" in end.missing


def test_lines_that_only_look_like_a_report() -> None:
    log = b"systemd[1]: app: Killed process 77 (app).\nkernel: [ 1.0] sysrq: Mem-Info:\nThe oom-killer is our friend.\n"
    assert analyses(log) == []


@pytest.mark.parametrize(
    "log",
    [
        b"",
        b"\0" * 100_000,
        bytes(range(256)) * 1000,
    ],
)
def test_no_report(log: bytes) -> None:
    for style in ("text", "json", "jsonl", "csv"):
        done = run_program("oom-report", "-f", style, "-", stdin=log)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr == b"pymemtools: oom-report: no report of the OOM killer in -\n"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for args, status, words in (
        ([str(tmp_path / "no")], 1, "No such file or directory"),
        ([str(tmp_path)], 1, "Is a directory"),
        ([], 2, "which log?"),
        (["--dmesg", "x"], 2, "which log?"),
        (["-S", "x", "--dmesg"], 2, "which log?"),
    ):
        done = run_program("oom-report", *args)
        assert done.returncode == status
        assert done.stdout == b""
        assert words in done.stderr.decode()
        assert len(done.stderr.splitlines()) == 1


def test_a_file_that_cannot_be_read_keeps_the_others_not_back(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    for style in ("text", "json", "csv"):
        done = run_program("oom-report", "-f", style, str(REPORTS / RPI), str(gone), str(REPORTS / MEMCG))
        assert done.returncode == 1
        assert b"oom-killer-try" in done.stdout
        assert b"hog15_500" in done.stdout
        assert done.stderr.decode() == f"pymemtools: oom-report: {gone}: No such file or directory\n"
    done = run_program("oom-report", str(REPORTS / RPI), str(REPORTS / MEMCG))
    logs = re.findall(r"^  log:\s+(.*)$", done.stdout.decode(), re.MULTILINE)
    assert logs == [str(REPORTS / RPI), *[str(REPORTS / MEMCG)] * 2]


def test_lines_of_json_come_as_the_reports_are_found() -> None:
    """So that a log of more reports than memory holds can be taken in: the first is out before the log has ended."""
    call = [sys.executable, "-m", "pymemtools", "oom-report", "-f", "jsonl", "-"]
    with subprocess.Popen(call, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(6):  # little enough for the pipes to hold
            child.stdin.write(real(MEMCG))
        child.stdin.flush()
        first = json.loads(child.stdout.readline())
        child.stdin.close()
        rest = [json.loads(line) for line in child.stdout]
    assert [first["killed_pid"], *(row["killed_pid"] for row in rest)] == [26016, 26369] * 6
    assert rest[1] == first


def test_several_files_packed_and_not(tmp_path: Path) -> None:
    packed = tmp_path / "kern.log.1.gz"
    packed.write_bytes(gzip.compress(real(MEMCG)) + gzip.compress(real(RPI)))
    rows = rows_of(str(packed), str(REPORTS / RPI))
    assert [row["killed_pid"] for row in rows] == [26016, 26369, 2148, 2148]
    assert [Path(row["file"]).name for row in rows] == ["kern.log.1.gz"] * 3 + [RPI]


def test_a_packed_log_that_is_damaged(tmp_path: Path) -> None:
    """What comes before the damage is explained, and the damage is said."""
    log = tmp_path / "kern.log.1.gz"
    log.write_bytes(gzip.compress(real(MEMCG)) + gzip.compress(real(RPI))[:-30])
    done = run_program("oom-report", "-f", "json", str(log))
    assert done.returncode == 1
    assert [row["killed_pid"] for row in json.loads(done.stdout)["rows"]][:2] == [26016, 26369]
    assert done.stderr.decode() == f"pymemtools: oom-report: {log}: damaged: it ends too early\n"
    log.write_bytes(gzip.compress(real(MEMCG)) + b"\x1f\x8b\x08garbage")
    done = run_program("oom-report", str(log))
    assert done.returncode == 1
    assert done.stdout.startswith(b"Out of memory at 3163.829757: memory group /pymt_oom")
    assert done.stderr.count(b"\n") == 1
    assert b": damaged: " in done.stderr


def test_a_huge_table_is_bounded() -> None:
    def log() -> Iterator[bytes]:
        head, tail = made(TASKS, ["X"], ["Killed process 9 (a) total-vm:4kB, anon-rss:4kB"], "6.1.0").split(b"X\n")
        yield head
        row = b"[     %d]  1000    42    90000    80000   819200        0             0 name\n"
        for start in range(1, MAX_TASKS + 2000, 1000):
            yield b"".join(row % pid for pid in range(start, start + 1000))
        yield tail

    (report,) = oom_reports(log())
    assert len(report.tasks) == MAX_TASKS
    assert report.tasks_left_out > 0


def test_half_a_gigabyte_in_bounded_memory(tmp_path: Path) -> None:
    """Unrelated text, lines without an end, and a report at last; less than 100 MB all the time."""
    log = tmp_path / "big.log"
    block = b"Nov 23 14:00:00 host kernel: [ 1.0] usb 1-1: new device, killed process, memory total_vm\n" * 10_000
    with log.open("wb") as file:
        for _ in range(300):
            file.write(block)
        file.seek(250 << 20, 1)  # a hole: zeros, a line of 250 MiB
        file.write(b"\n" + real(RPI))
    assert log.stat().st_size > 500 << 20
    child = (
        "import resource, subprocess, sys; call = [sys.executable, '-m', 'pymemtools', 'oom-report', sys.argv[1]];"
        "done = subprocess.run(call, stdout=subprocess.PIPE);"
        "most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss;"
        "print(done.returncode, most, len(done.stdout.splitlines()[0]))"
    )
    done = subprocess.run([sys.executable, "-c", child, str(log)], cwd=HERE.parent, capture_output=True, check=True)
    status, kib, length = map(int, done.stdout.split())
    log.unlink()
    assert status == 0
    assert kib < 100_000
    assert length == len("Out of memory at 1316.727656: whole machine")


@pytest.mark.parametrize(
    "line",
    [
        b"oom-killer: gfp_mask=?".ljust(16_000, b"a"),
        b" invoked " * 1800 + b"oom-killer: gfp_mask=?",
        b"oom-kill:constraint=X," + b"task=" * 3200,
        b"oom-kill:constraint=X," + b"oom_memcg=" * 1600,
    ],
    ids=["no mask", "many callers", "many tasks", "many groups"],
)
def test_long_lines_of_a_report_take_no_long_time(line: bytes) -> None:
    """Time grows with the length of a line, not with its square: a second for each of these, once."""
    log = real(MEMCG) + (line + b"\n") * 50
    start = time.process_time()
    assert [found.killed.pid for found in analyses(log) if found.killed] == [26016, 26369]
    assert time.process_time() - start < 2


def test_statistics_of_a_group_are_bounded() -> None:
    log = b"x invoked oom-killer: gfp_mask=0x1, order=0\nMemory cgroup stats for /a:\n"
    names = ("".join(letters) for letters in product("abcdefghij", repeat=4))
    log += "".join(f"{name} 1\n" for name in names).encode() + killed(42, "hog", group=True).encode()
    assert len(only(log).report.group_stats) == 1024


def test_what_services_kill_costs_little() -> None:
    """Lines of service managers, of which a log may be full, are not taken apart."""
    line = b"Nov  3 14:02:11 h systemd[1]: a.service: Killed process 12 (x) with signal SIGKILL.\n"
    start = time.process_time()
    assert [found.report.when for found in analyses(line * 100_000 + real(RPI), 1 << 14)] == ["1316.727656"]
    assert time.process_time() - start < 1


def test_head_ends_it_quietly() -> None:
    command = f"{sys.executable} -m pymemtools oom-report --tasks {REPORTS}/*.txt {REPORTS}/*.txt | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=HERE.parent, capture_output=True, check=False)
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize(
    ("transcript", "args", "columns"),
    [
        ("rpi", [RPI], 80),
        ("global", ["own-x86_64-4.4.0-21-ubuntu-global-r2.txt"], 80),
        ("memcg", ["--tasks", MEMCG], 200),
    ],
)
def test_the_whole_output(transcript: str, args: list[str], columns: int) -> None:
    *options, log = args
    done = run_program("oom-report", *options, str(REPORTS / log), columns=columns)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == (REPORTS / f"{transcript}.transcript").read_text()


def test_a_real_kill_of_this_machine() -> None:
    """In a group of 32 MiB, by this kernel: what it then writes is explained."""
    if not os.access("/dev/kmsg", os.R_OK):
        pytest.skip("the kernel log may not be read here")
    work = "held = []\nwhile True: held.append(bytearray(b'x' * (1 << 20)))"
    with small_group(32 << 20) as group:
        call = f'echo $$ >{group}/cgroup.procs; exec {sys.executable} -c "$WORK"'
        child = subprocess.Popen(["sh", "-c", call], env=os.environ | {"WORK": work})
        status = child.wait(timeout=60)
    if status != -signal.SIGKILL:
        pytest.skip(f"the kernel does not kill here: status {status}")
    # The log may hold a kill of another run whose group had the same name: the last one is ours.
    row = [row for row in rows_of("--dmesg") if (row["group"] or "").endswith(f"/{group.name}")][-1]
    assert (row["constraint"], row["killed_name"]) == ("CONSTRAINT_MEMCG", Path(sys.executable).name[:15])
    assert row["predicted_pid"] == row["killed_pid"]
    assert row["kernel"] == os.uname().release
    assert row["limits"]["memory"]["limit"] == 32 << 20
    assert row["freed"] > 16 << 20


def test_a_second_table_is_another_report() -> None:
    one = made(TASKS, ["[   42]     0    42   90000   80000   81920        0             0 hog"], [], "6.1.0")
    other = (
        b"[ pid ]   uid  tgid total_vm      rss cpu oom_adj name\n[   43]     0    43   90000   80000   0       0 hog\n"
    )
    first, second = analyses(one + other)
    assert [row.pid for row in first.tasks] == [42]
    assert [row.pid for row in second.tasks] == [43]


LINES = [line for log in LOGS for line in log.read_bytes().splitlines()[1:]]
NUMBERS = st.sampled_from([b"0", b"-1", b"1", b"99999999999999999999", b"18446744073709551615"])


@settings(max_examples=150)
@given(st.sampled_from(LOGS), st.data())
def test_damaged_reports_are_explained_or_not_but_never_a_fault(log: Path, data: st.DataObject) -> None:
    lines = log.read_bytes().splitlines()
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(lines) - 1))
        number = data.draw(NUMBERS)
        damaged = [
            lines[at][: data.draw(st.integers(0, 40))],
            re.sub(rb"[0-9]+", number, lines[at]),
            data.draw(st.sampled_from(LINES)),
            data.draw(st.binary(max_size=30)),
        ]
        lines[at : at + data.draw(st.integers(0, 3))] = [data.draw(st.sampled_from(damaged))]
    for analysis in analyses(b"\n".join(lines)):
        json.dumps(row_of(analysis, str(log)))
        list(report_lines(analysis, is_whole=True))


def test_pages_of_64_kib() -> None:
    """Told by the killed process's size in kB, or by free memory, which Mem-Info has in pages and in kB."""
    row = "[     42]  1000    42    90000    80000   655360        0             0 hog"
    memory = "Mem-Info:\n free:1000 slab_reclaimable:5\nNormal free:64000kB min:88kB low:108kB high:132kB\n"
    memory += "Total swap = 0kB\n131072 pages RAM\n1072 pages reserved\n"
    for end in ([killed(42, "hog", 80000 * 64 - 800, total_vm=90000 * 64)], []):
        analysis = only(made(TASKS, [row], end, "5.10.0", memory=memory))
        assert analysis.page_size == 65536
        assert analysis.tasks[0].rss == 80000 << 16
        assert analysis.tasks[0].points == 80010
        assert analysis.total_pages == 130000
        assert all(each.holds for each in analysis.identities if each.what != "pgtables")

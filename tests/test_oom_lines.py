"""Logs of the OOM killer: every prefix and form of line, mixed, cut and hostile ones."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from itertools import product, zip_longest
from pathlib import Path

import pytest
from effort import times_the_effort
from hypothesis import given, settings
from hypothesis import strategies as st
from oom_log import HOG, LOGS, MEMCG, RPI, TASKS, analyses, killed, made, of_group, only, real

from pymemtools.errors import Denied
from pymemtools.kernel_log.oom_tasks import MAX_TASKS
from pymemtools.kernel_log.prefix import Line, strip
from pymemtools.kernel_log.scan import oom_reports
from pymemtools.render.kill_text import told_lines
from pymemtools.reports.oom_report.analysis import memory_held
from pymemtools.reports.oom_report.report import Told, kills_report
from pymemtools.reports.oom_report.verdict import verdict
from pymemtools.sources.kernel_log import read_kernel_log

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
    "netconsole": b"6.8.0-45-generic,4,1234,104710672,-;",
    "quoted in a mail": b"> > [  104.710672] ",
    "moved in": b"    [  104.710672] ",
    "with processor": b"[2-104.710672] ",
    "with seconds": b"<4>[  104.710672s] ",
    "processor behind": b"[  104.710672@1] ",
    "with the time since the line before": b"[  104.710672 <    0.000031>] ",
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


@pytest.mark.parametrize(
    "before", [b"", b"[    1.000000] usb 1-1: new device\n" * 100], ids=["at once", "after others"]
)
def test_a_ring_buffer_whose_beginning_was_overwritten(before: bytes) -> None:
    """By the report itself, where there are many tasks: what is left of Mem-Info and of a group's limits counts."""
    for name, first in (("own-x86_64-6.8.0-151-ubuntu-global-r1.txt", b"Mem-Info:"), (MEMCG, b"memory: usage")):
        log = real(name)
        whole = analyses(log)[0]
        found = analyses(before + log[log.rindex(b"\n", 0, log.index(first)) + 1 :])[0]
        assert found.report.is_headless
        for field in ("counters", "zones", "ram_pages", "swap_total", "limits", "tasks", "kills"):
            assert getattr(found.report, field) == getattr(whole.report, field)
        assert found.missing == ["kernel version"]
        assert found.total_pages == whole.total_pages


def test_red_hat_7_has_the_owner_behind_the_name() -> None:
    (kill,) = only(made(TASKS, [], ["Killed process 77 (node), UID 1000, total-vm:6096kB, anon-rss:68kB"])).report.kills
    assert (kill.pid, kill.name, kill.uid, kill.sizes) == (
        77,
        "node",
        1000,
        {"total-vm": 6096 << 10, "anon-rss": 68 << 10},
    )


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
    lines = list(told_lines(Told("", analysis), is_whole=False))
    assert "With it all of its group were killed, as memory.oom.group of the group asks." in verdict(analysis)
    assert "  spared:   43 (stress), which was about to end anyway" in lines
    assert "  reaped:   42 (hog), not reaped" in lines


def test_messages_of_several_lines_in_the_ring_buffer(tmp_path: Path) -> None:
    """The kernel escapes what ends a line within a message."""
    record = tmp_path / "kmsg"
    record.write_bytes(
        b"4,71,47364500,-;active_anon:5 inactive_anon:7 isolated_anon:0\\x0a active_file:3\n SUBSYSTEM=mm\n"
    )
    assert read_kernel_log(str(record)) == (
        b"[   47.364500] active_anon:5 inactive_anon:7 isolated_anon:0\n[   47.364500]  active_file:3\n"
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
    assert [(each.pid, (each.left or {})["shmem-rss"]) for each in analysis.report.reaped] == [(42, 400 << 10)]
    assert (analysis.report.group, analysis.report.group_stats["anon"]) == ("/job", 31000000)


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
    log, plain = (real(MEMCG) + (text + b"\n") * 50 for text in (line, b"x" * len(line)))
    assert [found.killed.pid for found in analyses(log) if found.killed] == [26016, 26369]
    assert times_the_effort(lambda: analyses(log), lambda: analyses(plain)) < 30


def test_statistics_of_a_group_are_bounded() -> None:
    log = b"x invoked oom-killer: gfp_mask=0x1, order=0\nMemory cgroup stats for /a:\n"
    names = ("".join(letters) for letters in product("abcdefghij", repeat=4))
    log += "".join(f"{name} 1\n" for name in names).encode() + killed(42, "hog", group=True).encode()
    assert len(only(log).report.group_stats) == 1024


def test_what_services_kill_costs_little() -> None:
    """Lines of service managers, of which a log may be full, are not taken apart."""
    line = b"Nov  3 14:02:11 h systemd[1]: a.service: Killed process 12 (x) with signal SIGKILL.\n"
    log = line * 10_000 + real(RPI)
    assert [found.report.when for found in analyses(log, 1 << 14)] == ["1316.727656"]
    plain = log.replace(b"SIGKILL", b"SIGTERM").replace(b"Killed", b"Ending")
    assert times_the_effort(lambda: analyses(log, 1 << 14), lambda: analyses(plain, 1 << 14)) < 40


def test_a_second_table_is_another_report() -> None:
    one = made(TASKS, ["[   42]     0    42   90000   80000   81920        0             0 hog"], [], "6.1.0")
    other = (
        b"[ pid ]   uid  tgid total_vm      rss cpu oom_adj name\n[   43]     0    43   90000   80000   0       0 hog\n"
    )
    first, second = analyses(one + other)
    assert [row.pid for row in first.tasks] == [42]
    assert [row.pid for row in second.tasks] == [43]


def test_a_row_between_two_kills_is_the_wrong_way_round_either_way() -> None:
    """Nothing tells which end of such a log comes first: it was turned again and again, until Python gave up."""
    killed_line = b"Out of memory: Killed process %d (hog) total-vm:3200kB, anon-rss:64kB, file-rss:0kB\n"
    row = b"[    108]  1000   108       50        1    21760        0           500 sleep\n"
    found = analyses(killed_line % 7 + row + killed_line % 108)
    assert sorted(each.killed.pid for each in found if each.killed) == [7, 108]


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
        json.dumps(list(kills_report([Told(str(log), analysis)], {}).table.rows()))
        list(told_lines(Told("", analysis), is_whole=True))


def test_who_may_not_read_it_is_told_who_may() -> None:
    if os.getuid():
        pytest.skip("needs root to become somebody else")
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setresuid(65533, 65533, 65533)
            read_kernel_log("/proc/1/mem")  # which nobody else may open
        except Denied as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)  # lest we wait for ourselves
    with os.fdopen(reading, "rb") as told:
        said = told.read()
    os.waitpid(pid, 0)
    assert said == b"/proc/1/mem: Permission denied; run as root"

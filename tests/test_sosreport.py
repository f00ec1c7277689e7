"""A sosreport is a capture: what it has beside its /proc tells host, kernel, time, users and commands.

``captures/sosreport`` is a capture of x86_64-6.1, laid out as sos report 4 does: status, smaps and oom_* of a process,
no stat, no cmdline; the top has links to what commands printed.
"""

import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Literal, cast

import pytest
from conftest import CAPTURES, Run

from pymemtools.sources import open_source
from pymemtools.sources.clock_text import seconds_of
from pymemtools.sources.left_behind import host_of, logs_of, role_of, uname_of
from pymemtools.sources.ps_listing import parse_ps

SOSREPORT = CAPTURES / "sosreport"
FOLDER = "sosreport-lab-2026-11-23-abcdefg"


@pytest.fixture(params=["directory", "tar.xz", "tar.gz", "tar"])
def sosreport(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give the report as it is passed on: unpacked, and packed with one folder at its top."""
    if request.param == "directory":
        return SOSREPORT
    path = tmp_path / f"{FOLDER}.{request.param}"
    compression = request.param.rpartition(".")[2].replace("tar", "")
    with tarfile.open(path, cast("Literal['w:']", f"w:{compression}")) as archive:
        archive.add(SOSREPORT, arcname=FOLDER)
    return path


def _info(pymemtools: Run, source: Path) -> dict[str, object]:
    report = json.loads(pymemtools("info", "-S", str(source), "-f", "json").stdout)
    return {**report["source"], **report["totals"], "unreadable": report["unreadable"]}


def test_a_sosreport_tells_its_machine(pymemtools: Run, sosreport: Path) -> None:
    said = _info(pymemtools, sosreport)
    assert said["host"] == "lab"
    assert said["machine"] == "x86_64"
    assert said["kernel"] == "6.1.0-50-cloud-amd64"
    assert said["page_size"] == 4096
    assert said["taken_at"] == "2026-11-23T00:46:57Z"  # 01:46:57 CET


def _copy(tmp_path: Path, *parts: str) -> Path:
    """Copy the report below some folders of the test's own."""
    shutil.copytree(SOSREPORT, tmp_path.joinpath(*parts), symlinks=True)
    return tmp_path


def test_a_tree_may_be_in_a_folder_of_a_folder(pymemtools: Run, tmp_path: Path) -> None:
    top = _copy(tmp_path / "debug", "2026-11-23", "lab")
    with tarfile.open(tmp_path / "debug.tar", "w") as archive:
        archive.add(top, arcname=".")
    for source in (top, tmp_path / "debug.tar"):
        assert _info(pymemtools, source)["host"] == "lab"


def test_a_tree_further_down_does_not_count_beside_one(pymemtools: Run, tmp_path: Path) -> None:
    top = _copy(tmp_path / "lab")
    (top / "containers" / "web" / "proc").mkdir(parents=True)
    (top / "containers" / "web" / "proc" / "meminfo").write_text("MemTotal: 4 kB\n")
    (top / "containers" / "web" / "hostname").write_text("web\n")
    for order in (("containers", "proc"), ("proc", "containers")):
        with tarfile.open(tmp_path / "lab.tar", "w") as archive:
            for name in order:
                archive.add(top / name, arcname=name)
        for source in (top, tmp_path / "lab.tar"):
            assert open_source(str(source)).read("meminfo").startswith(b"MemTotal:         480288 kB\n")


def test_files_count_by_the_name_of_their_command(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 4 kB\n")
    (tmp_path / "collected").mkdir()
    (tmp_path / "collected" / "hostname.txt").write_text("board-7\n")
    (tmp_path / "collected" / "uname-a.txt").write_text(
        "Linux other 4.9.1 #7 SMP Tue Jan 2 03:04:05 UTC 2024 armv7l GNU/Linux\n"
    )
    source = open_source(str(tmp_path))
    uname = uname_of(source)
    assert host_of(source) == "board-7"
    assert uname is not None
    assert uname.machine == "armv7l"
    assert source.facts.kernel == "4.9.1"


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/hostname", "hostname"),
        ("/etc/hostname", "hostname"),
        ("/etc/date", None),  # the machine's own files are not what a tool left
        ("/usr/share/doc/date", None),
        ("/sos_commands/date/date_--utc", "date"),
        ("/sos_commands/date/hwclock", None),
        ("/sos_commands/process/pstree_-lp", None),
        ("/sos_commands/systemd/timedatectl", "timedatectl"),
        ("/sos_strings/logs/var.log.messages.tailed", "log"),
        ("/var/log/kern.log.2.gz", "log"),
        ("/var/log/remote/other/messages", None),  # another machine's
        ("/var/crash/127.0.0.1-2026-11-23/vmcore-dmesg.txt", "log"),
        ("/a/b/c/d/e/date", None),
    ],
)
def test_roles(path: str, role: str | None) -> None:
    assert role_of(path) == role


def test_logs_come_in_the_order_of_their_time(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 4 kB\n")
    logs = tmp_path / "var" / "log"
    logs.mkdir(parents=True)
    names = (
        "syslog.10.gz",
        "syslog.2.gz",
        "syslog.1",
        "syslog",
        "messages-20261101.xz",
        "messages-20261108",
        "messages",
    )
    for name in names:
        (logs / name).touch()
    found = [path.rpartition("/")[2] for path, _ in logs_of(open_source(str(tmp_path)))]
    assert found == [*names[4:], *names[:4]]


def test_no_link_is_followed_and_no_name_leads_out(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    top = tmp_path / "report"
    (top / "proc").mkdir(parents=True)
    (top / "proc" / "meminfo").write_text("MemTotal: 4 kB\n")
    (top / "hostname").symlink_to(secret)
    assert host_of(open_source(str(top))) is None
    with tarfile.open(tmp_path / "report.tar", "w") as archive:
        archive.add(top, arcname="report")
        for name in ("report/../hostname", "report/a/../../hostname", "/hostname"):
            member = tarfile.TarInfo(name)
            member.size = 7
            archive.addfile(member, io.BytesIO(b"secret\n"))
    assert host_of(open_source(str(tmp_path / "report.tar"))) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Tue Dec  3 10:48:09 UTC 2024\n", 1733222889),
        ("Tue Dec  3 10:48:09 CET 2024\n", 1733219289),
        ("Tue 03 Dec 2024 10:48:09 PM EST\n", 1733284089),
        ("Tue Dec  3 10:48:09 -03 2024\n", 1733233689),
        ("Tue, 03 Dec 2024 10:48:09 +0530\n", 1733203089),
        ("2024-12-03T10:48:09+01:00\n", 1733219289),
        ("     Local time: Tue 2024-12-03 18:48:09 CST\n Universal time: Tue 2024-12-03 10:48:09 UTC\n", 1733222889),
        ("Tue Dec  3 10:48:09 CST 2024\n", None),  # of Chicago or of Shanghai?
        ("2024-12-03 10:48:09,112 INFO\n", None),
        ("Tue Feb 31 10:48:09 UTC 2024\n", None),
        ("date: command not found\n", None),
    ],
)
def test_a_clock_is_read_where_its_zone_is_told(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


def test_ps_is_read_by_its_titles() -> None:
    forest = b"UID        PID  PPID  C STIME TTY          TIME CMD\n"
    forest += b"root         1     0  0 Dec03 ?        00:00:09 /sbin/init\n"
    forest += b"bob         70     1  0 10:48 ?        00:00:00  \\_ sh -c  two  blanks\n"
    assert parse_ps(forest) == {1: b"/sbin/init", 70: b"sh -c  two  blanks"}
    assert parse_ps(b"  PID  STARTED COMMAND\n    7   Dec 03 a b\n    7 10:48:09 its thread\n    - \n") == {7: b"a b"}
    assert parse_ps(b"PID   USER     TIME  COMMAND\n    2 root      0:00 [kthreadd]\n") == {2: b"[kthreadd]"}
    assert parse_ps(b"ps: error\n") == {}


def test_commands_are_those_of_ps_and_that_is_said(pymemtools: Run, sosreport: Path) -> None:
    found = pymemtools("smem", "-S", str(sosreport), "-c", "pid user command uss")
    assert found.stdout.decode() == (
        "  PID User     Command                          USS \n"
        " 1219 root     /bin/sh /init                     40 \n"
        "    1 root     /bin/sh /init                    104 \n"
        "  252 root     labd lock 1                     1120 \n"
        "  254 seawolf  labd named 4 evil (name) x      4196 \n"
        "  253 seawolf  labd hog 12                    12388 \n"
        "  244 root     lab hog 40                     41640 \n"
    )
    note = "without a cmdline: commands are those of sos_commands/process/ps_auxwwwm\n"
    assert found.stderr.decode() == f"pymemtools: {note}"
    found = pymemtools("oom-scores", "-S", str(sosreport), "--top", "1")
    assert found.stdout.decode().splitlines()[1].endswith("yes   labd hog 12")
    assert found.stderr.decode() == f"pymemtools: oom-scores: {note}"
    assert pymemtools("pmap", "-S", str(sosreport), "254").stdout.startswith(b"254:   labd named 4 evil (name) x\n")


def test_kernel_threads_are_told_by_status(pymemtools: Run, sosreport: Path) -> None:
    said = _info(pymemtools, sosreport)
    assert (said["processes"], said["kernel_threads"], said["unreadable"]) == (6, 3, 0)


def test_without_ps_the_name_is_that_of_status(pymemtools: Run, tmp_path: Path) -> None:
    top = _copy(tmp_path / "lab")
    shutil.rmtree(top / "sos_commands")
    found = pymemtools("smem", "-S", str(top), "-H", "-c", "pid command", "-P", "evil")
    assert (found.stdout, found.stderr) == (b"  254 [evil (name) x]             \n", b"")


def test_a_copy_with_smaps_rollup_alone(pymemtools: Run, tmp_path: Path) -> None:
    process = tmp_path / "proc" / "7"
    process.mkdir(parents=True)
    (process / "stat").write_text("7 (lab) S 1 7 7 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 9 8192000 12 0 1 2 3\n")
    (process / "cmdline").write_text("lab\0-x\0")
    sums = "Rss: 48 kB\nPss: 40 kB\nPrivate_Clean: 8 kB\nPrivate_Dirty: 24 kB\nSwap: 4 kB\n"
    (process / "smaps_rollup").write_text(f"00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\n{sums}")
    found = pymemtools("smem", "-S", str(tmp_path), "-H", "-c", "pid command swap uss pss rss vss")
    assert found.stdout == b"    7 lab -x                             4       32       40       48     8000 \n"
    note = b"without smaps: the figures of 1 process are those of smaps_rollup\n"
    assert found.stderr == b"pymemtools: " + note
    found = pymemtools("smem", "-m", "-S", str(tmp_path))
    assert (found.returncode, found.stdout) == (1, b"")
    assert found.stderr == b"pymemtools: smem: 1 of 1 processes could not be read (no smaps)\n"


def test_nothing_readable_is_no_report(pymemtools: Run, tmp_path: Path) -> None:
    top = _copy(tmp_path / "lab")
    for smaps in top.glob("proc/*/smaps"):
        smaps.write_bytes(b"")
    for options in ((), ("-f", "json"), ("-u",), ("-m",)):
        found = pymemtools("smem", "-S", str(top), *options)
        assert (found.returncode, found.stdout) == (1, b"")
        assert found.stderr == b"pymemtools: smem: 6 of 6 processes could not be read (smaps is empty)\n"


def test_pmap_does_not_total_what_is_not_told(pymemtools: Run, tmp_path: Path) -> None:
    process = tmp_path / "proc" / "7"
    process.mkdir(parents=True)
    (process / "smaps").write_text("00400000-00432000 rw-p 00000000 00:00 0 \nSize:                200 kB\n")
    (process / "status").write_text("Name:\tlab\nVmSize:\t 200 kB\n")
    assert pymemtools("pmap", "-x", "-S", str(tmp_path), "7").stdout.decode() == (
        "7:   [lab]\n"
        "Address           Kbytes     RSS   Dirty Mode  Mapping\n"
        "0000000000400000     200       -       - rw---   [ anon ]\n"
        "---------------- ------- ------- ------- \n"
        "total kB             200       -       -\n"
    )


@pytest.mark.parametrize(
    ("lines", "page_size"), [("DirectMap4k: 8 kB\n", 4096), ("DirectMap4k: 0 kB\nDirectMap64k: 8 kB\n", None)]
)
def test_the_page_size_by_how_the_kernel_maps_itself(tmp_path: Path, lines: str, page_size: int | None) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: 4 kB\n{lines}")
    assert open_source(str(tmp_path)).facts.page_size == page_size


def _kills(pymemtools: Run, source: Path) -> list[tuple[str, str, str, int]]:
    found = pymemtools("oom-report", "-S", str(source), "-f", "json")
    assert (found.returncode, found.stderr) == (0, b"")
    rows = json.loads(found.stdout)["rows"]
    return [(row["file"], row["when"], row["kernel"], row["killed_pid"]) for row in rows]


def test_each_kill_of_all_logs_is_reported_once(pymemtools: Run, sosreport: Path) -> None:
    kernel = "6.1.0-50-cloud-amd64"
    assert _kills(pymemtools, sosreport) == [
        ("var/log/messages", "Nov 21 00:47:38", kernel, 1811),  # in messages-20261122.gz
        ("var/log/messages", "Nov 23 00:48:24", kernel, 2519),  # in journalctl and dmesg, too
    ]
    text = pymemtools("oom-report", "-S", str(sosreport)).stdout.decode()
    assert text.startswith("Out of memory at Nov 21 00:47:38 on lab: whole machine, Linux 6.1.0-50-cloud-amd64\n")


def test_the_log_that_tells_most_of_a_kill_counts(pymemtools: Run, tmp_path: Path) -> None:
    top = _copy(tmp_path / "lab")
    messages = top / "var" / "log" / "messages"
    lines = messages.read_bytes().splitlines(keepends=True)
    messages.write_bytes(b"".join(lines[-20:]))
    assert [kill[0] for kill in _kills(pymemtools, top)] == [
        "var/log/messages",
        "sos_commands/logs/journalctl_--no-pager_--boot",
    ]
    (top / "var" / "log" / "messages-20261122.gz").unlink()
    (top / "var" / "log" / "messages-20261122").write_bytes(b"".join(lines[:-20]))
    assert [kill[0] for kill in _kills(pymemtools, top)] == ["var/log/messages"]  # rotated in the midst of it


def test_a_log_that_is_damaged_keeps_none_of_the_others_back(pymemtools: Run, tmp_path: Path) -> None:
    top = _copy(tmp_path / "lab")
    packed = top / "var" / "log" / "messages-20261122.gz"
    packed.write_bytes(packed.read_bytes()[:1000])
    found = pymemtools("oom-report", "-S", str(top))
    assert found.returncode == 1
    assert found.stderr == b"pymemtools: oom-report: var/log/messages-20261122.gz: damaged: it ends too early\n"
    assert b"killed:   2519 (lab)" in found.stdout


def test_what_one_log_has_twice_was_twice(pymemtools: Run, tmp_path: Path) -> None:
    top = _copy(tmp_path / "lab")
    messages = top / "var" / "log" / "messages"
    messages.write_bytes(messages.read_bytes() * 2)
    assert [kill[3] for kill in _kills(pymemtools, top)] == [1811, 2519, 2519]


def test_a_name_alone_is_enough(pymemtools: Run, tmp_path: Path) -> None:
    process = tmp_path / "proc" / "7"
    process.mkdir(parents=True)
    (process / "comm").write_text("lab\n")
    (process / "smaps").write_text("00400000-00432000 rw-p 00000000 00:00 0 \nSize: 200 kB\nRss: 8 kB\nPss: 8 kB\n")
    assert pymemtools("smem", "-S", str(tmp_path), "-H", "-c", "pid command rss").stdout.decode() == (
        "    7 [lab]                              8 \n"
    )


def test_the_kernel_by_uname_r(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 4 kB\n")
    (tmp_path / "uname_-r").write_text("5.14.0-503.el9.x86_64\n")
    assert open_source(str(tmp_path)).facts.kernel == "5.14.0-503.el9.x86_64"


def test_no_smaps_is_a_file(pymemtools: Run, tmp_path: Path) -> None:
    top = _copy(tmp_path / "lab")
    for smaps in top.glob("proc/*/smaps"):
        smaps.unlink()
        smaps.mkdir()
    found = pymemtools("smem", "-S", str(top))
    assert (found.returncode, found.stdout) == (1, b"")
    assert found.stderr == b"pymemtools: smem: 6 of 6 processes could not be read (no smaps)\n"


def test_what_has_mappings_is_no_kernel_thread(pymemtools: Run, tmp_path: Path) -> None:
    process = tmp_path / "proc" / "7"
    process.mkdir(parents=True)
    (process / "status").write_text("Name:\tlab\nState:\tS (sleeping)\n")
    (process / "smaps").write_text("00400000-00432000 rw-p 00000000 00:00 0 \nSize: 200 kB\nRss: 8 kB\nPss: 8 kB\n")
    assert pymemtools("smem", "-S", str(tmp_path), "-H", "-c", "pid command rss").stdout.decode() == (
        "    7 [lab]                              8 \n"
    )


def test_a_copy_without_a_log(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 4 kB\n")
    found = pymemtools("oom-report", "-S", str(tmp_path))
    reason = "neither dmesg nor journalctl, messages, syslog or kern.log"
    assert found.stderr.decode() == f"pymemtools: oom-report: no kernel log in {tmp_path}: {reason}\n"
    assert found.returncode == 1


def test_a_listing_is_read_in_bounds() -> None:
    assert parse_ps(b"PID " * 100_000 + b"COMMAND\n" + b"1 " * 100_000) == {}
    assert parse_ps(b"PID COMMAND\n1 " + b"x" * (1 << 20) + b"\n") == {1: b"x" * ((128 << 10) - 2)}


def test_the_log_of_a_bare_tree_is_read_once(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 4 kB\n")
    shutil.copy(SOSREPORT / "sos_commands" / "kernel" / "dmesg", tmp_path / "dmesg")
    assert [(kill[0], kill[3]) for kill in _kills(pymemtools, tmp_path)] == [(str(tmp_path), 2519)]

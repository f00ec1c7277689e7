"""oom-report: real kernel logs, whole outputs, and what the command does with its files."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any

import pytest
from conftest import CAPTURES, HERE
from oom_log import LOGS, MEMCG, REPORTS, RPI, TASKS, analyses, killed, made, only, real
from small_group import small_group
from trees import Proc, write_tree


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
    assert (row["oom_score_printed"], row["oom_score_computed"], row["total_pages"]) == (829, None, None)
    assert row["possible_total_pages"] == [144475, 144648]
    assert row["missing_inputs"] == ["pages RAM", "pages reserved", "Total swap", "kernel version"]
    assert row["identities"][0] == {"what": "vss", "line": 480388 << 10, "table": 480388 << 10, "holds": True}
    assert 120097 * 4 == 480388


def test_rows_for_programs() -> None:
    first, second = rows_of(str(REPORTS / MEMCG))
    assert first["constraint"] == "CONSTRAINT_MEMCG"
    assert (first["cgroup"], first["total_pages"], first["kernel"]) == ("/pymt_oom", 32768, "6.18.44-fc-v445")
    assert (first["killed_pid"], first["killed_name"], first["oom_score_computed"]) == (26016, "hog15_500", 606)
    assert (second["killed_pid"], second["killed_name"]) == (26369, "eater")
    assert first["tasks"][0] == {
        "pid": 26012,
        "name": "hog20_0",
        "uid": 0,
        "vss": 5418 * 4096,
        "rss": 5131 * 4096,
        "swap": 0,
        "page_tables": 81920,
        "oom_score_adj": 0,
        "points": 5151,
        "oom_score_computed": 157,
    }
    assert first["freed"] == 15360 * 1024  # anonymous: 44 KiB of files stay in the page cache
    assert first["missing_inputs"] == []


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


def test_when_by_the_clock(tmp_path: Path) -> None:
    """A ring buffer counts from the start; when that was a capture tells by its uptime and when it was taken."""
    proc = write_tree(tmp_path / "board", Proc(1, "init")) / "proc"
    (proc / "dmesg").write_bytes(real(RPI))
    assert [row["when_utc"] for row in rows_of("-S", str(tmp_path / "board"))] == [None]  # no copy tells when it is of
    (proc / "uptime").write_text("10000.00 9.00\n")
    os.utime(proc / "meminfo", (1795435662, 1795435662))
    subprocess.run(["tar", "-cf", tmp_path / "board.tar", "-C", tmp_path / "board", "proc"], check=True)
    (row,) = rows_of("-S", str(tmp_path / "board.tar"))
    assert (row["when"], row["when_utc"]) == ("1316.727656", "2026-11-23T09:42:58Z")
    first = run_program("oom-report", "-S", str(tmp_path / "board.tar")).stdout.splitlines()[0]
    assert first.startswith(b"Out of memory at 1316.727656 (2026-11-23 09:42:58 UTC): whole machine")


def test_the_last_kills_alone() -> None:
    logs = [str(log) for log in LOGS[:3]]
    every = rows_of(*logs)
    assert len(every) > 2
    assert rows_of(*logs, "--last", "2") == every[-2:]
    assert run_program("oom-report", logs[0], "--last", "0").returncode == 2


def test_what_is_printed_is_inert() -> None:
    row = "[     42]  1000    42    90000    80000   819200        0             0 \x1b[31mred"
    done = run_program("oom-report", "-", stdin=made(TASKS, [row], [killed(42, "\x1b[31mred")], "6.1.0"))
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert rb"\x1b[31mred" in done.stdout


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
        ([str(tmp_path)], 2, "is a directory; did you mean -S "),
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


def packings() -> dict[str, Callable[[bytes], bytes]]:
    packings: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    try:
        import zstandard
    except ImportError:
        return packings
    return packings | {"zst": zstandard.ZstdCompressor(write_content_size=False).compress}


@pytest.mark.parametrize(
    ("line", "who"),
    [
        (b"03-24 12:24:57.186 400 400 I lowmemorykiller: Killing 'com.a' (4563), uid 10010, adj 906", "Android's low"),
        (b"01-01 15:11:13.739 879 879 I lmkd    : Reclaim 'com.a:b' (591), uid 9, oom_score_adj 975", "Android's low"),
        (b"[   77.752252] systemd[1]: a.service: systemd-oomd killed 1 process(es) in this unit.", "systemd-oomd"),
        (b'Nov  3 h earlyoom[7]: sending SIGTERM to process 42 uid 1000 "x": oom_score 800', "earlyoom"),
    ],
    ids=["driver", "lmkd", "systemd-oomd", "earlyoom"],
)
def test_others_killed(line: bytes, who: str, tmp_path: Path) -> None:
    """The kernel's log is not where they explain themselves, but a log may have their lines alone."""
    log = tmp_path / "log"
    log.write_bytes(b"[    1.0] usb 1-1: new device\n" * 1000 + line + b"\n")
    done = run_program("oom-report", str(log))
    assert (done.returncode, done.stdout) == (1, b"")
    said = f"pymemtools: oom-report: no report of the OOM killer in {log}; processes were killed by {who}"
    assert done.stderr.decode().startswith(said)
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"PK\x03\x04", "a zip archive: unpack it first"),
        (b"\x04\x22M\x18", "packed by lz4: unpack it first"),
        (b"LPKSHHRH", "a journal: journalctl -k --file FILE prints it"),
        (b"KDUMP   ", "a dump of memory: vmcore-dmesg beside it, or crash's log, has the kernel's log"),
    ],
)
def test_a_file_that_holds_a_log_that_is_no_text(start: bytes, said: str, tmp_path: Path) -> None:
    """The reports in the other logs are explained all the same."""
    log = tmp_path / "system"
    log.write_bytes(start + bytes(100))
    done = run_program("oom-report", "-f", "json", str(log), str(REPORTS / RPI))
    assert (done.returncode, done.stderr.decode()) == (1, f"pymemtools: oom-report: {log}: {said}\n")
    assert [row["killed_pid"] for row in json.loads(done.stdout)["rows"]] == [2148]


@pytest.mark.parametrize("pack", packings().values(), ids=packings())
def test_each_packing_whatever_the_name(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """By its first bytes; in several streams, as logs are appended to; up to where it is cut; and from a pipe."""
    log = tmp_path / "kern.log"
    log.write_bytes(pack(real(MEMCG)) + pack(real(RPI)))
    assert [row["killed_pid"] for row in rows_of(str(log))] == [26016, 26369, 2148]
    assert [row["killed_pid"] for row in rows_of("-", stdin=pack(real(RPI)))] == [2148]
    log.write_bytes(pack(real(MEMCG)) + pack(real(RPI))[:-30])
    done = run_program("oom-report", "-f", "json", str(log))
    assert [row["killed_pid"] for row in json.loads(done.stdout)["rows"]][:2] == [26016, 26369]
    assert (done.returncode, done.stderr.decode()) == (
        1,
        f"pymemtools: oom-report: {log}: damaged: it ends too early\n",
    )


def test_a_log_that_unpacks_to_more_than_is_allowed(tmp_path: Path) -> None:
    """What comes before the limit is explained; the rest is one line."""
    log = tmp_path / "kern.log.xz"
    log.write_bytes(lzma.compress(real(RPI) + b"nothing at all\n" * 1_000_000))
    done = run_program("oom-report", "--max-size", "1M", str(log))
    assert done.stdout.startswith(b"Out of memory at 1316.727656: ")
    assert (done.returncode, done.stderr.decode()) == (
        1,
        f"pymemtools: oom-report: {log}: unpacks to more than 1 MiB (see --max-size)\n",
    )


def test_a_directory_with_nothing_but_the_log(tmp_path: Path) -> None:
    (tmp_path / "dmesg").write_bytes(real(MEMCG))
    done = run_program("oom-report", "-f", "json", "-S", str(tmp_path))
    report = json.loads(done.stdout)
    assert [row["killed_pid"] for row in report["rows"]] == [26016, 26369]
    assert (report["source"]["kind"], report["source"]["path"]) == ("directory", str(tmp_path))


def test_a_plain_log_given_as_a_capture(tmp_path: Path) -> None:
    log = tmp_path / "plain.log"
    said = f"pymemtools: {log}: not a tar archive"
    for content in (real(RPI), gzip.compress(real(RPI)), "Mär".encode("utf-16")):
        log.write_bytes(content)
        done = run_program("oom-report", "-S", str(log))
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == f"{said}; did you mean: oom-report {log}\n"
    log.write_bytes(b"\x7fELF" + bytes(2000))
    assert run_program("oom-report", "-S", str(log)).stderr.decode() == f"{said}\n"


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


def test_head_ends_it_quietly() -> None:
    reports = f"{quote(str(REPORTS))}/*.txt"
    command = f"{quote(sys.executable)} -m pymemtools oom-report --tasks {reports} {reports} | head -1"
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
        call = f'echo $$ >{group}/cgroup.procs; exec {quote(sys.executable)} -ISc "$WORK"'
        child = subprocess.Popen(["sh", "-c", call], env=os.environ | {"WORK": work})
        status = child.wait(timeout=60)
    if status != -signal.SIGKILL:
        pytest.skip(f"the kernel does not kill here: status {status}")
    # The log may hold a kill of another run whose group had the same name: the last one is ours.
    row = [row for row in rows_of("--dmesg") if (row["cgroup"] or "").endswith(f"/{group.name}")][-1]
    assert (row["constraint"], row["killed_name"]) == ("CONSTRAINT_MEMCG", Path(sys.executable).name[:15])
    assert row["predicted_pid"] == row["killed_pid"]
    assert row["kernel"] == os.uname().release
    assert row["limits"]["memory"]["limit"] == 32 << 20
    assert row["freed"] > 16 << 20

"""ksm --estimate beside what the kernel then really merges: whole scans of ksmd, counted to the page."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from asleep import wait_until_asleep
from conftest import Run

pytestmark = pytest.mark.alone

KSM = Path("/sys/kernel/mm/ksm")
PAGE = os.sysconf("SC_PAGE_SIZE")
SETTINGS = ("pages_to_scan", "sleep_millisecs", "use_zero_pages")
PAGES = 4096
# Half of the pages have one of 64 contents, a quarter are zeros, the others are like no other; a salt keeps them from
# being like anybody else's. Then it tells which processes it is, and waits.
PROGRAM = """
import mmap, os, sys
page, forks = os.sysconf("SC_PAGE_SIZE"), int(sys.argv[1])
memory = mmap.mmap(-1, 4096 * page, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(15)  # MADV_NOHUGEPAGE
memory.madvise(12)  # MADV_MERGEABLE
salt = os.urandom(16)
for i in range(4096):
    text = salt + (i % 64 if i < 2048 else i).to_bytes(8, "little")
    memory[i * page : i * page + 24] = bytes(24) if 2048 <= i < 3072 else text
pids = [os.getpid()]
for _ in range(forks):
    pid = os.fork()
    if not pid:
        os.read(0, 1)
        os._exit(0)
    pids.append(pid)
print(*pids, flush=True)
os.read(0, 1)
"""
# Puts the settings back when the test ends in whatever way: that closes the pipe.
GUARD = """
import sys
sys.stdin.read()
for setting in sys.argv[1:]:
    name, value = setting.split("=")
    open(f"/sys/kernel/mm/ksm/{name}", "w").write(value)
"""


def number(name: str) -> int:
    return int((KSM / name).read_text())


def python(program: str, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", "-c", program, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def ksmd() -> Iterator[None]:
    """Have ksmd to ourselves, and leave it as it was."""
    if not os.access(KSM / "run", os.W_OK):
        pytest.skip("KSM is not there, or not ours to switch on")
    with open("/tmp/pymemtools-ksm.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        was = {name: number(name) for name in (*SETTINGS, "run")}
        apart = ["run=2"] if was["run"] == 0 == number("pages_shared") else []
        guard = python(GUARD, *(f"{name}={value}" for name, value in was.items() if name != "run"), *apart,
                       f"run={was['run']}", start_new_session=True)  # fmt: skip
        try:
            yield
        finally:
            guard.communicate(timeout=60)


def merge(pids: list[int], expected: int) -> tuple[int, list[int]]:
    """Let ksmd look at everything until there is no more to merge; give what is saved, and each process's pages."""

    def merging(pid: int) -> int:
        return int(Path(f"/proc/{pid}/ksm_merging_pages").read_text())

    def saved() -> int:
        return number("pages_sharing") + (number("ksm_zero_pages") if (KSM / "ksm_zero_pages").exists() else 0)

    (KSM / "sleep_millisecs").write_text("0")
    (KSM / "pages_to_scan").write_text("20000")
    (KSM / "run").write_text("1")
    start, last, patience = number("full_scans"), time.monotonic() + 300, 5
    while number("full_scans") < start + 200 and time.monotonic() < last:
        if saved() == expected:  # and it stays so
            if not patience:
                break
            patience -= 1
            scans = number("full_scans")
            while number("full_scans") < scans + 1 and time.monotonic() < last:
                time.sleep(0.01)
        time.sleep(0.01)
    return saved(), [merging(pid) for pid in pids]


@pytest.mark.parametrize(
    ("forks", "use_zero_pages", "saved", "freed"),
    [
        (0, 0, 2048 - 64 + 1024 - 4, 3004),
        (0, 1, 2048 - 64 + 1024, 3008),
        # The two have all pages in common, so those that are like no other are one page in RAM, and stay so.
        (1, 0, 4096 - 64 + 2048 - 8, 2048 - 64 + 1024 - 8),
    ],
)
def test_what_is_estimated_is_merged(
    pymemtools: Run, ksmd: None, forks: int, use_zero_pages: int, saved: int, freed: int
) -> None:
    (KSM / "use_zero_pages").write_text(str(use_zero_pages))
    child = python(PROGRAM, str(forks), start_new_session=True)
    try:
        assert child.stdout is not None
        pids = [int(word) for word in child.stdout.readline().split()]
        for pid in pids:
            wait_until_asleep(pid)
        others = json.loads(pymemtools("ksm", "-f", "json").stdout)["rows"]
        named = [word for pid in pids for word in ("-p", str(pid))]
        done = pymemtools("ksm", "--estimate", *named, "-f", "json")
        assert (done.returncode, done.stderr) == (0, b"")
        told = json.loads(done.stdout)
        totals = told["totals"]
        assert (totals["saved_pages"], totals["scanned_pages"]) == (saved, PAGES * (1 + forks))
        assert totals["freed"] == freed * PAGE
        assert [(row["advised"], row["changed"]) for row in told["rows"]] == [(True, False)] * (1 + forks)
        really, merging = merge(pids, saved)
        assert merging == [row["merging"] // PAGE for row in told["rows"]]
        if not [row for row in others if row["mergeable"] and row["pid"] not in pids]:
            assert really == saved
            status = json.loads(pymemtools("ksm", *named, "-f", "json").stdout)
            assert status["totals"]["saved"] == saved * PAGE
            assert [row["reason"] for row in status["rows"]] == ["merged"] * (1 + forks)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def test_an_experiment_where_ksmd_is_at_work_already(pymemtools: Run, ksmd: None) -> None:
    """It may merge pages as soon as they are advised: what was saved before has to be known by then."""
    for name, value in (("sleep_millisecs", "0"), ("pages_to_scan", "20000"), ("run", "1")):
        (KSM / name).write_text(value)
    done = pymemtools("lab", "ksm", "--pages", "1024", "-f", "json", timeout=400)
    assert number("run") == 1
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    assert (done.returncode, done.stderr) == (0, b"")

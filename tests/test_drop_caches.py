"""drop-caches: the prediction on copies, and the real thing beside it on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HERE, Run
from trees import write_tree

from pymemtools.models.drop_caches import predict
from pymemtools.models.reclaimable import Interval
from pymemtools.reports.drop_caches import class_of

pytestmark = pytest.mark.alone

MEMINFO = {"MemTotal": 1000000, "MemFree": 100000, "Active(file)": 400000, "Inactive(file)": 325100, "Dirty": 484}
MORE = MEMINFO | {"Writeback": 0, "Mapped": 44084, "SReclaimable": 50000, "KReclaimable": 51000, "MemAvailable": 800000}
live_root = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access("/proc/sys/vm/drop_caches", os.W_OK), reason="only root drops caches"
)


def test_the_interval_measured_on_a_real_machine() -> None:
    """725,100 kB on the file lists, 484 dirty, 44,084 mapped: 689,276 kB were freed."""
    page_cache, slab = predict({key: size * 1024 for key, size in MORE.items()}, 1)
    assert (page_cache.least >> 10, page_cache.most >> 10) == (680532, 724616)
    assert slab == (0, 0)
    assert page_cache.least <= 689276 << 10 <= page_cache.most
    assert predict({key: size * 1024 for key, size in MORE.items()}, 2) == ((0, 0), (0, 51000 << 10))


def test_what_programs_gave_up_is_in_no_file() -> None:
    """Measured on 6.18: of 79,944 kB on the file lists 60 MiB were MADV_FREE's; the page cache lost 12 MiB."""
    sizes = {"Cached": 26736, "Buffers": 768, "Active(file)": 9124, "Inactive(file)": 70820, "Shmem": 8856}
    meminfo = {key: size * 1024 for key, size in (sizes | {"Dirty": 0, "Writeback": 0, "Mapped": 14380}).items()}
    page_cache, _ = predict(meminfo, 1)
    assert (page_cache.least >> 10, page_cache.most >> 10) == (4268, 18648)
    locked, _ = predict(meminfo | {"Unevictable": 4000 * 1024}, 1)
    assert (locked.least >> 10, locked.most >> 10) == (268, 18648)


@live_root
def test_a_program_that_gave_up_its_memory(pymemtools: Run) -> None:

    program = (
        "import mmap\nm = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "m.write(bytes(64 << 20))\nm.madvise(mmap.MADV_FREE)\nprint(flush=True)\ninput()\n"
    )
    command = [sys.executable, "-I", "-S", "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        row = json.loads(pymemtools("drop-caches", "--dry-run", "-f", "json").stdout)["rows"][0]
        holder.communicate(b"\n")
    assert row["predicted_most"] <= row["before"] - (32 << 20)


def test_files_that_are_mapped_may_stay_whole() -> None:
    meminfo = {key: size * 1024 for key, size in (MORE | {"Dirty": 0}).items()}
    page_cache, _ = predict(meminfo, 1, kept=100_000 << 10)
    assert (page_cache.least >> 10, page_cache.most >> 10) == (625100, 725100)


@live_root
def test_a_page_that_is_mapped_may_keep_its_folio(pymemtools: Run, tmp_path: Path) -> None:
    """As ext4 does since 6.16: all of a file of 64 MiB stays where one page of 2 MiB is mapped."""
    large = tmp_path / "large"
    large.write_bytes(os.urandom(1 << 20) * 64)
    program = (
        "import mmap, sys\nfile = open(sys.argv[1], 'rb')\n"
        "maps = [mmap.mmap(file.fileno(), 4096, prot=1, offset=at) for at in range(0, 64 << 20, 2 << 20)]\n"
        "[each[0] for each in maps]\nprint(flush=True)\ninput()\n"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(large)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        row = json.loads(pymemtools("drop-caches", "-f", "json").stdout)["rows"][0]
        holder.communicate(b"\n")
    assert row["predicted_least"] <= row["freed"] + row["read_meanwhile"]


def test_dry_run_on_a_copy(pymemtools: Run, tmp_path: Path) -> None:
    tree = str(write_tree(tmp_path / "tree", meminfo=MORE))
    done = pymemtools("drop-caches", "3", "--dry-run", "-S", tree)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "               total        used        free      shared  buff/cache   available",
        "before:      1000000      200000      100000           -           -      800000",
        "",
        "page cache: would free 680532 to 724616 of 725100 KiB",
        "reclaimable slab: would free 0 to 51000 of 51000 KiB",
    ]
    rows = json.loads(pymemtools("drop-caches", "--dry-run", "-S", tree, "-f", "json").stdout)["rows"]
    assert rows[0] == {
        "class": "page cache",
        "before": 725100 << 10,
        "after": None,
        "freed": None,
        "predicted_least": 680532 << 10,
        "predicted_most": 724616 << 10,
        "read_meanwhile": None,
    }
    assert (rows[1]["before"], rows[1]["predicted_least"], rows[1]["predicted_most"]) == (51000 << 10, None, None)
    done = pymemtools("drop-caches", "2", "--dry-run", "-S", tree)
    assert done.stdout.decode().splitlines()[3:] == ["reclaimable slab: would free 0 to 51000 of 51000 KiB"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("4",), "'4' is none of 1 (pagecache), 2 (slab) and 3 (all)"),
        (("0",), "'0' is none of 1 (pagecache)"),
        (("1 2",), "'1 2' is none of 1 (pagecache)"),
        (("--sync-timeout", "x"), "'x' is no time"),
    ],
)
def test_calls_that_make_no_sense(pymemtools: Run, arguments: tuple[str, ...], reason: str) -> None:
    done = pymemtools("drop-caches", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert reason in done.stderr.decode()


def test_a_capture_has_no_caches(pymemtools: Run, tmp_path: Path) -> None:
    tree = str(write_tree(tmp_path / "tree", meminfo=MORE))
    done = pymemtools("drop-caches", "-S", tree)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"pymemtools: drop-caches: a capture has no caches to drop; --dry-run predicts\n"
    assert pymemtools("--demo", "drop-caches").returncode == 2


@live_root
def test_what_is_freed_is_within_what_was_predicted(pymemtools: Run, tmp_path: Path) -> None:
    large = tmp_path / "large"
    for _ in range(3):  # other programs read files meanwhile: one good look is enough
        large.write_bytes(os.urandom(1 << 20) * 200)
        large.read_bytes()
        row = json.loads(pymemtools("drop-caches", "-f", "json").stdout)["rows"][0]
        assert row["freed"] > 150 << 20
        assert row["read_meanwhile"] >= 0
        if row["predicted_least"] <= row["freed"] + row["read_meanwhile"] and row["freed"] <= row["predicted_most"]:
            return
    pytest.fail(f"freed {row['freed']} outside {row['predicted_least']} to {row['predicted_most']}: {row}")


def test_what_grew_was_not_freed() -> None:
    found = class_of("page cache", 5, 9, Interval(0, 5))
    assert (found.before, found.after, found.freed) == (5, 9, 0)
    found = class_of("page cache", 5, None, None)
    assert (found.before, found.after, found.freed, found.predicted_least) == (5, None, None, None)


@live_root
def test_a_sync_that_hangs_is_given_up(tmp_path: Path) -> None:
    code = (
        "import os, time\nmain_pid = os.getpid()\ndef hang():\n    while os.getppid() == main_pid: time.sleep(0.01)\n"
        "os.sync = hang\nfrom pymemtools.entry import main\nmain()\n"
    )
    command = [sys.executable, "-c", code, "drop-caches", "--sync-timeout", "0.3"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("pymemtools: drop-caches: sync did not finish in 0.3 s (--no-wait drops what is clean)\n")
    done = subprocess.run(
        [*command, "--no-wait"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0
    assert done.stderr == "pymemtools: drop-caches: sync did not finish in 0.3 s: only what is clean is dropped\n"

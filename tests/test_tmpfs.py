"""How full file systems in memory are: of this machine, and of its captures, by the program and by the script."""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
import recordings
from conftest import Run
from recordings import Board, process_files

from pymemtools.probes.file_systems import Fill, fills
from pymemtools.readings.tmpfs import Tmpfs, read_tmpfs, tells_tmpfs
from pymemtools.sources import open_source
from pymemtools.sources.example import demo_path
from pymemtools.sources.recording import open_recording

MIB = 1 << 20


def test_what_is_told_of_this_machine() -> None:
    live = open_source()
    before = mounted()
    told = read_tmpfs(live)
    assert told is not None
    assert {each.point for each in told} <= before | mounted()
    assert all(0 <= each.used <= each.size for each in told)
    assert tells_tmpfs(live) == bool(told)


def mounted() -> set[str]:
    return {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if "tmpfs" in line.split()[2]}


@pytest.mark.skipif(os.getuid() != 0, reason="mounts file systems")
def test_a_capture_tells_what_the_machine_does(capture_script: Path, tmp_path: Path) -> None:
    """But for mount points with blanks, which the script leaves out; what is mounted over counts nowhere."""
    sizes = {"full": "64m", "a b": "8m", "over": "9m"}
    mounts = " && ".join(f"mount -t tmpfs -o size={size} none '{name}'" for name, size in sizes.items())
    for name in sizes:
        (tmp_path / name).mkdir()
    over = "mount -t proc none over && head -c 60M /dev/zero >full/file"
    program = f"{shlex.quote(sys.executable)} -m pymemtools capture"
    take = f"{program} -o a.tar $$ && {program} --anonymize -o b.tar $$ && sh {capture_script} -o c.tar $$"
    live = f"{shlex.quote(sys.executable)} -m pymemtools report -f csv"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mounts} && {over} && {take} && {live}"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "mount" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0
    full, blank = Tmpfs(f"{tmp_path}/full", 64 * MIB, 60 * MIB), Tmpfs(f"{tmp_path}/a b", 8 * MIB, 0)
    told = [read_tmpfs(open_source(str(tmp_path / name))) for name in ("a.tar", "b.tar", "c.tar")]
    ours = [each and [fs for fs in each if fs.point.startswith(str(tmp_path))] for each in told]
    assert ours == [[full, blank], None, [full]]
    assert f"tmpfs {tmp_path}/full is nearly full,60.0 MiB of 64.0 MiB" in done.stdout


def test_what_hangs_or_may_not_be_asked_is_passed_over(tmp_path: Path) -> None:
    def ask(path: str) -> Fill | None:
        if path == "hangs":
            time.sleep(3600)
        return None if path == "secret" else Fill(2, 1)

    assert list(fills(["a", "secret", "hangs", "b"], ask)) == [Fill(2, 1), None, None, Fill(2, 1)]
    assert list(fills([str(tmp_path / "none")])) == [None]


def test_a_recording_does_not_tell(tmp_path: Path) -> None:
    board = Board({"meminfo": b"MemTotal: 1000 kB\n"}, {7: process_files(7, 400)})
    moment = open_recording(recordings.recorded(tmp_path / "a.rec", 1, board=board)).at("last")
    assert read_tmpfs(moment) is None
    assert not tells_tmpfs(moment)


@pytest.mark.parametrize(("text", "answer"), [("81920 77824 /tmp\n", "yes"), ("", "partly"), (None, "partly")])
def test_info_says_whether_report_knows(pymemtools: Run, tmp_path: Path, text: str | None, answer: str) -> None:
    """Of the files that findings read the example lacks four."""
    with tarfile.open(demo_path()) as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / "proc/pressure").mkdir()
    (tmp_path / "proc/pressure/memory").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
    (tmp_path / "proc/mounts").write_text("tmpfs /tmp tmpfs rw 0 0\n")
    (tmp_path / "dmesg").write_text("[    0.000000] Linux version 6.12.0\n")
    if text is not None:
        (tmp_path / "proc/mounts.tmpfs").write_text(text)
    rows = csv.reader(pymemtools("info", "-S", str(tmp_path), "-f", "csv").stdout.decode().splitlines())
    missing = "" if answer == "yes" else "mounts.tmpfs"
    assert [row[:3] for row in rows if row[0] == "report"] == [["report", answer, missing]]

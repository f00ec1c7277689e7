"""Who is meant by a name, who is counted, and what helps those who may not read all."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from asleep import wait_until_asleep
from conftest import Run, started
from trees import Proc, write_tree

from pymemtools.capture.take import Taking
from pymemtools.sources import open_source
from pymemtools.sources.example import demo_path

pytestmark = pytest.mark.live

KERNEL_THREAD = (
    "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"
)


@pytest.mark.parametrize(
    "command", [("smem", "-f", "json"), ("smem", "-f", "json", "--rollup"), ("oom-scores", "-f", "json")]
)
def test_a_pattern_does_not_find_the_one_who_asks(pymemtools: Run, command: tuple[str, ...]) -> None:
    """Its own arguments hold the pattern; another's that do are found, whether it is a program like ours or not."""
    word = f"no-such-word-{os.getpid()}"
    other = subprocess.Popen([sys.executable, "-c", "input()", word], stdin=subprocess.PIPE)
    try:
        wait_until_asleep(other.pid)
        found = json.loads(pymemtools(*command, "-P", word).stdout)["rows"]
    finally:
        other.communicate(b"\n")
    assert [row["pid"] for row in found] == [other.pid]


def test_a_pattern_finds_the_one_who_asks_by_its_name() -> None:
    name = re.escape(Path(sys.executable).name[:15])
    rows = json.loads(started("smem", "-f", "json", "-P", f"^{name}$").stdout)["rows"]
    assert any("pymemtools smem -f json -P" in row["command"] for row in rows)


def test_in_a_copy_all_arguments_count(pymemtools: Run, tmp_path: Path) -> None:
    tree = write_tree(tmp_path, Proc(os.getpid(), "python -m pymemtools smem -P word"))
    rows = json.loads(pymemtools("smem", "-f", "json", "-P", "word", "-S", str(tree)).stdout)["rows"]
    assert [row["pid"] for row in rows] == [os.getpid()]


def test_captures_count_what_other_commands_count(tmp_path: Path) -> None:
    """Neither kernel threads nor the dead: they have no memory, to be read or not."""
    proc = write_tree(tmp_path, Proc(1, "init"), Proc(3, "gone")) / "proc"
    (proc / "3" / "stat").write_text((proc / "3" / "stat").read_text().replace(") S ", ") Z "))
    (proc / "2").mkdir()
    (proc / "2" / "stat").write_text(KERNEL_THREAD)
    taking = Taking(open_source(str(tmp_path)), 0)
    names = [member.name for member in taking.members([1, 2, 3])]
    assert {"proc/1/stat", "proc/2/stat", "proc/3/stat"} <= set(names)
    assert taking.processes == 1


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="gives a right of root's away")
def test_root_is_not_told_to_be_root(pymemtools: Run) -> None:
    """In a container root may lack the right to read processes that have more rights than it."""
    other = subprocess.Popen(["sleep", "60"])
    less = ["setpriv", "--bounding-set=-sys_ptrace,-perfmon,-sys_admin", "--inh-caps=-sys_ptrace,-perfmon,-sys_admin"]
    try:
        ours = [*less, sys.executable, "-m", "pymemtools", "capture", "-o", "-", str(other.pid)]
        done = subprocess.run(ours, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    finally:
        other.kill()
        other.wait()
    assert done.stderr.decode() == (
        "pymemtools: capture: 1 of 1 processes could not be read (Permission denied); "
        "this root lacks CAP_SYS_PTRACE, without which others' memory is not shown\n"
    )


def test_info_names_what_is_missing_and_not_what_is_there(pymemtools: Run, tmp_path: Path) -> None:
    """The example has cgroup files, which are empty; a group need not be a unit; and there may be no such file."""

    def missing(path: str) -> list[str]:
        rows = json.loads(pymemtools("info", "-f", "json", "-S", path).stdout)["rows"]
        (found,) = [row["missing"] for row in rows if row["question"] == "smem -g unit"]
        assert isinstance(found, list)
        return found

    assert missing(demo_path()) == ["unit"]
    group, bare, unit = (tmp_path / name for name in ("group", "bare", "unit"))
    assert missing(str(write_tree(group, Proc(1, "init", cgroup="/")))) == ["unit"]
    assert missing(str(write_tree(bare, Proc(1, "init")))) == ["PID/cgroup"]
    assert missing(str(write_tree(unit, Proc(1, "init", cgroup="/system.slice/a.service")))) == []

"""A process that is not there is said in the same words, and by the same exit status, by every command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HERE, Run
from trees import Proc, write_tree

GONE = "4194304"  # beyond all that the kernel gives
CALLS = (
    f"pmap {GONE}",
    f"pmap --rollup {GONE}",
    f"pmap -f json {GONE}",
    f"status {GONE}",
    f"vgraph {GONE}",
    f"what-if fork {GONE}",
    f"what-if alloc 1M --pid {GONE}",
    f"what-if oom --pid {GONE}",
    f"what-if oom --set-adj {GONE}=1",
    f"thp {GONE}",
    f"numa {GONE}",
    f"faults {GONE}",
    f"ksm -p {GONE}",
    f"oom-scores --pid {GONE}",
    f"oom-scores --set-adj {GONE}=1",
    f"oom-scores --safer-than 310 {GONE}",
)


@pytest.mark.parametrize("call", CALLS)
def test_of_a_capture(pymemtools: Run, call: str) -> None:
    done = pymemtools("--demo", *call.split())
    command = " ".join(call.split()[: 2 if call.startswith("what-if") else 1])
    assert (done.returncode, done.stderr.decode()) == (42, f"pymemtools: {command}: {GONE}: no such process\n")


@pytest.mark.parametrize(
    "call",
    [f"what-if fork {GONE}", f"wss {GONE}", f"cache --pid {GONE}", f"vgraph --pages 0x1000 {GONE}", f"pages -p {GONE}"],
)
def test_of_this_machine(pymemtools: Run, call: str) -> None:
    done = pymemtools(*call.split())
    assert (done.returncode, done.stdout) == (42, b"")
    assert done.stderr.decode().endswith(f": {GONE}: no such process\n")


@pytest.mark.parametrize("command", ["pmap", "status"])
def test_the_others_are_answered(pymemtools: Run, tmp_path: Path, command: str) -> None:
    write_tree(tmp_path, Proc(7, "here"))
    done = pymemtools(command, "-S", str(tmp_path), "9", "7")
    assert b"here" in done.stdout
    assert (done.returncode, done.stderr.decode()) == (42, f"pymemtools: {command}: 9: no such process\n")


def test_the_others_are_captured(pymemtools: Run, tmp_path: Path) -> None:
    archive, here = str(tmp_path / "a.tar"), str(os.getpid())
    done = pymemtools("capture", "-o", archive, GONE, here)
    assert done.returncode == 42
    assert f"pymemtools: capture: {GONE}: no such process; all else was captured\n" in done.stderr.decode()
    assert pymemtools("status", "-S", archive, here).returncode == 0


AS_NOBODY = """\
import difflib, os, pymemtools, signal
from importlib import import_module
from pkgutil import walk_packages
for module in walk_packages(pymemtools.__path__, "pymemtools."):  # while we may
    module.name.endswith("__main__") or import_module(module.name)
os.geteuid() or os.setuid(65534)
import_module("pymemtools.entry").main()
"""


@pytest.mark.live
@pytest.mark.parametrize("call", ["pmap", "vgraph", "pages -p", "thp", "wss"])
def test_one_that_may_not_be_looked_into(call: str) -> None:
    """Of root's, an ordinary user: some said it without the command, some with the path of the file."""
    command = [sys.executable, "-c", AS_NOBODY, *call.split(), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
    file = {"pmap": "maps", "vgraph": "maps", "pages -p": "pagemap"}.get(call, "smaps")
    assert (done.returncode, done.stderr) == (1, f"pymemtools: {call.split()[0]}: 1: {file}: Permission denied\n")

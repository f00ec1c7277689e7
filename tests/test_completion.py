"""Completion offers subcommands, options and static names, and never what another user could choose."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HERE, Run

COMPLETIONS = HERE.parent / "completions"
FILES = {"bash": "pymemtools.bash", "zsh": "_pymemtools", "fish": "pymemtools.fish"}


def offered(line: str) -> list[str]:
    """Complete the last word of a line, the way the bash script asks."""
    words = line.split(" ")
    environment = os.environ | {
        "PYTHONPATH": str(HERE.parent),
        "_PYMEMTOOLS_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    command = [sys.executable, "-c", "from pymemtools.entry import main; main()"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", FILES)
def test_scripts_are_as_generated(pymemtools: Run, shell: str) -> None:
    done = pymemtools("completion", shell)
    assert done.returncode == 0
    assert done.stdout == (COMPLETIONS / FILES[shell]).read_bytes()


@pytest.mark.parametrize("shell", FILES)
def test_scripts_are_read_by_their_shell(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", str(COMPLETIONS / FILES[shell])], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_commands() -> None:
    assert offered("pymemtools f") == ["free"]
    assert {"completion", "free", "smem"} <= set(offered("pymemtools "))


def test_options_and_choices() -> None:
    assert offered("pymemtools smem --ma") == ["--mappings", "--mapfilter", "--max-size"]
    assert offered("pymemtools smem -g ") == ["command", "cgroup", "unit", "tree"]
    assert offered("pymemtools free -f js") == ["json", "jsonl"]
    assert offered("pymemtools completion ") == ["bash", "zsh", "fish"]


def test_columns_of_the_report_chosen() -> None:
    assert offered("pymemtools smem -s pss_") == ["pss_anon", "pss_dirty", "pss_file", "pss_shmem"]
    assert offered("pymemtools smem -w -s ") == ["area", "cache", "noncache", "order", "used"]
    assert offered("pymemtools smem -m -c map,avg") == ["map,avgpss", "map,avgrss", "map,avguss"]
    assert offered("pymemtools smem -c +sw") == ["+swap", "+swappss"]
    assert offered("pymemtools smem -m -g unit -s avgp") == ["avgpss"]


def test_pids_and_no_names() -> None:
    for command in ("pmap", "status", "capture"):
        found = offered(f"pymemtools {command} ")
        assert str(os.getpid()) in found
        assert all(name.isdigit() for name in found)
        assert offered(f"pymemtools {command} {os.getpid()}") == [str(os.getpid())]


def test_files_are_left_to_the_shell(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert offered(f"pymemtools smem -S {tmp_path}/") == [f"{tmp_path}/"]

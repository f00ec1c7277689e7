"""Completion offers subcommands, options and static names, and never what another user could choose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import quote

import click
import pytest
from conftest import HERE, Run
from trees import Proc, write_tree

from pymemtools.cli import cli

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
    return [line.partition(",")[2] for line in done.stdout.split()]


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


ASK = {
    "bash": """
        . "$SCRIPT"
        compopt() { COMPREPLY=("$@"); }
        COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
        _pymemtools_completion "$1"
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "zsh": """
        compdef() { }; compset() { print -r -- compset "$@" }; _path_files() { print -r -- "$@" }
        _describe() { print -rl -- "${(@P)3}" }; compadd() { print -rl -- "${(@P)4}" }
        . "$SCRIPT"
        words=("$@[1]" "${@:3}") CURRENT=$(($# - 1))
        _pymemtools
    """,
    "fish": """
        source "$SCRIPT"
        complete -C (string join ' ' -- pymemtools $argv[3..])
    """,
}


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., list[str]]:
    """Give a function that lets a shell complete the last of some words with the script that is installed."""
    program = tmp_path / "pymemtools"
    program.write_text(f'#!/bin/sh\nexec {quote(sys.executable)} -m pymemtools "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PYTHONPATH": str(HERE.parent), "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def ask_shell(shell: str, *words: str) -> list[str]:
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        name = [] if shell == "fish" else [shell]  # $0
        done = subprocess.run(
            [shell, "-c", ASK[shell], *name, str(program), "pymemtools", *words],
            env=environment | {"SCRIPT": str(COMPLETIONS / FILES[shell])},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.splitlines()

    return ask_shell


def test_bash_completes(ask: Callable[..., list[str]]) -> None:
    assert ask("bash", "fr") == ["free"]
    assert ask("bash", "free", "--format", "=", "js") == ["json", "jsonl"]
    assert ask("bash", "free", "--format", "=")[:2] == ["text", "json"]
    assert ask("bash", "smem", "--source", "=", "x.tar", "--columns", "=", "pid,us") == ["pid,user", "pid,uss"]
    assert ask("bash", "smem", "-S", "/tm") == ["-o", "default"]


def test_zsh_completes(ask: Callable[..., list[str]]) -> None:
    assert ask("zsh", "fr") == ["free:Show used, cached, free and available memory."]
    assert ask("zsh", "free", "--format=js") == ["compset -P *=", "json", "jsonl"]
    assert ask("zsh", "smem", "-c", "pid,us") == ["pid,user", "pid,uss"]
    assert ask("zsh", "smem", "--source=/tm") == ["compset -P *=", "-f"]


def test_fish_completes(ask: Callable[..., list[str]], tmp_path: Path) -> None:
    assert ask("fish", "fr") == ["free\tShow used, cached, free and available memory."]
    assert ask("fish", "free", "--format=js") == ["--format=json", "--format=jsonl"]
    assert ask("fish", "smem", "-c", "pid,us") == ["pid,user", "pid,uss"]
    assert "-n\tShow uids instead of user names." in ask("fish", "smem", "-")
    (tmp_path / "board.tar").touch()
    assert ask("fish", "smem", f"--source={tmp_path}/bo") == [f"--source={tmp_path}/board.tar"]


def test_commands() -> None:
    assert offered("pymemtools f") == ["faults", "fleet", "free"]
    assert {"completion", "free", "smem"} <= set(offered("pymemtools "))


def test_options_and_choices() -> None:
    assert offered("pymemtools smem --ma") == ["--mappings", "--mapfilter", "--max-size"]
    assert offered("pymemtools smem -g ") == ["command", "cgroup", "unit", "tree"]
    assert offered("pymemtools free -f js") == ["json", "jsonl"]
    assert offered("pymemtools completion ") == ["bash", "zsh", "fish"]


def test_columns_of_the_report_chosen() -> None:
    assert offered("pymemtools smem -s pss_") == ["pss_anon", "pss_dirty", "pss_file", "pss_shmem"]
    assert offered("pymemtools smem -w -s ") == ["area", "cache", "noncache", "order", "used"]
    assert offered("pymemtools smem -m -c map,avg") == ["map,avg_pss", "map,avg_rss", "map,avg_uss"]
    assert offered("pymemtools smem -c +sw") == ["+swap", "+swap_pss"]
    assert offered("pymemtools smem -m -g unit -s avg_p") == ["avg_pss"]


def test_pids_and_no_names() -> None:
    for command in ("pmap", "status", "capture"):
        found = offered(f"pymemtools {command} ")
        assert str(os.getpid()) in found
        assert all(name.isdigit() for name in found)
        assert offered(f"pymemtools {command} {os.getpid()}") == [str(os.getpid())]


def test_pids_of_the_source_named_before(tmp_path: Path) -> None:
    write_tree(tmp_path, Proc(7, "x"), Proc(70, "y"))
    assert offered(f"pymemtools pmap -S {tmp_path} ") == ["7", "70"]
    assert offered(f"pymemtools pmap --source={tmp_path} 70") == ["70"]
    assert offered("pymemtools --demo status 31") == ["310", "312"]  # 31 is a kernel thread
    assert offered("pymemtools pmap -S - ") == []
    assert offered(f"pymemtools pmap -S {tmp_path}/nothing.tar ") == []


def test_files_are_left_to_the_shell(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert offered(f"pymemtools smem -S {tmp_path}/") == [f"{tmp_path}/"]


def parameters(command: click.Command, name: str) -> Iterator[tuple[str, click.Parameter]]:
    """Give what each command takes, those below a group too."""
    if isinstance(command, click.Group):
        for each in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), each)
            assert below is not None
            yield from parameters(below, f"{name} {each}".strip())
    yield from ((name, param) for param in command.params)


def test_whatever_is_a_file_is_completed_as_one() -> None:
    """Those that are read, those that are written, captures to compare with, and datasets."""
    files = re.compile(r"\[?(FILE(\.[a-z]+)?|OTHER|DATASET|CSV|PATH\.\.\.|\[PATH\]\.\.\.)\]?")
    others = {
        f"{name} {param.opts[-1]}"
        for name, param in parameters(cli, "")
        if files.fullmatch(param.metavar or "") and not isinstance(param.type, click.Path)
    }
    assert others == set()


def test_names_of_tunables_as_they_are_begun() -> None:
    assert offered("pymemtools tunables explain vm.swapp") == ["vm.swappiness"]
    assert offered("pymemtools tunables get swapp") == ["swappiness"]
    assert offered("pymemtools tunables set swapp") == ["swappiness="]
    assert offered("pymemtools what-if alloc --set vm.overcommit_m") == ["vm.overcommit_memory="]


def test_what_drop_caches_takes() -> None:
    assert offered("pymemtools drop-caches ") == ["1", "2", "3", "pagecache", "slab", "all"]
    assert offered("pymemtools what-if drop-caches p") == ["pagecache"]


def test_groups_level_by_level(tmp_path: Path) -> None:
    """Those of an odd name, which anybody may have been given to name, are not among them."""
    for name in ("init.scope", "user.slice/user-1.slice", "user.slice/a b", "user.slice/$(x)"):
        (tmp_path / "sys" / "fs" / "cgroup" / name).mkdir(parents=True)
    for folder in list((tmp_path / "sys" / "fs" / "cgroup").rglob("*")):
        (folder / "memory.stat").write_text("anon 0\n")
    (tmp_path / "sys" / "fs" / "cgroup" / "memory.stat").write_text("anon 0\n")
    write_tree(tmp_path, Proc(7, "x"))
    assert offered(f"pymemtools groups -S {tmp_path} ") == ["/init.scope", "/user.slice"]
    assert offered(f"pymemtools what-if oom -S {tmp_path} --group /user.slice/") == ["/user.slice/user-1.slice"]
    assert offered(f"pymemtools free -S {tmp_path} --cgroup=/in") == ["/init.scope"]

"""Whom the kernel kills in a memory group, against what it did: v2 in a guest of QEMU, and here, as root, v1 or v2."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

import pytest
from conftest import CAPTURES, Run
from group_trees import MIB, V2_ROOT, group, write
from small_group import small_group
from trees import Map, Proc, write_tree

pytestmark = pytest.mark.alone

GUEST = CAPTURES / "groups-6.1"
GREW = {"adj": 200, "plain": 200, "together": 60, "whole": 200, "spared": 200, "high": 60}  # MiB
GREW |= {"swap": 200, "noswap": 200, "fits": 40}


class Told:
    """What the guest's kernel did: the process that grew, and who died first, with whom."""

    def __init__(self, text: str) -> None:
        self.grower = int(text.split()[1])
        first = text.partition("oom-kill:")[2].partition("invoked oom-killer")[0]
        self.killed = {int(pid) for pid in re.findall(r"Killed process (\d+)", first)}
        self.domain = (re.findall(r"oom_memcg=(/\w+)", first) or [None])[0]


def told() -> Mapping[str, Told]:
    parts = (GUEST / "kills.txt").read_text().split("=== ")[1:]
    return {part.split()[0]: Told(part) for part in parts}


def ask(run: Run, *arguments: str) -> dict[str, Any]:
    done = run(*arguments, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("name", GREW)
def test_what_a_guest_did_next(pymemtools: Run, name: str) -> None:
    """The kernel killed the same processes at first, or slowed down, or let it pass."""
    after = told()[name]
    arguments = ("alloc", f"{GREW[name]}M", "--pid", str(after.grower), "-S", str(GUEST / f"{name}.tar.gz"))
    totals = ask(pymemtools, "what-if", *arguments)["totals"]
    outcome = {"high": "throttled", "fits": "fits"}.get(name, "OOM")
    assert (totals["outcome"], set(totals["killed_pids"])) == (outcome, after.killed)
    assert totals["decided_by_cgroup"] == ("/high" if name == "high" else after.domain)


def test_its_groups_by_name(pymemtools: Run) -> None:
    """Only the group's processes are weighed, by its limit and its share of swap."""
    capture = str(GUEST / "together.tar.gz")
    document = ask(pymemtools, "what-if", "oom", "--group", "/pod", "-S", capture)
    assert [(row["name"], row["is_victim"], row["is_killed"]) for row in document["rows"]] == [
        ("first", True, True),
        ("other", False, False),
        ("mate", False, True),
        ("grower", False, False),
        ("spared", False, False),
    ]
    totals = document["totals"]
    assert (totals["total_pages"], totals["cgroup"], totals["oom_cgroup"]) == (64 * MIB // 4096, "/pod", "/pod/x")
    # A group without a limit runs out when the next above does; one that is not there at all is no group.
    below = ask(pymemtools, "what-if", "oom", "--group", "/pod/y", "-S", capture)
    assert below["totals"]["victim_name"] == "first"
    assert "the limit on the way up from /pod/y that runs out first is memory.max of /pod" in below["notes"]
    swap = ask(pymemtools, "what-if", "oom", "--group", "/swap", "-S", str(GUEST / "swap.tar.gz"))
    assert swap["totals"]["total_pages"] == (32 + 16) * MIB // 4096
    noswap = ask(pymemtools, "what-if", "oom", "--group", "/noswap", "-S", str(GUEST / "noswap.tar.gz"))
    assert noswap["totals"]["total_pages"] == 32 * MIB // 4096


def test_oom_scores_of_a_group(pymemtools: Run) -> None:
    done = pymemtools("oom-scores", "--group", "/pod", "-S", str(GUEST / "together.tar.gz"))
    lines = done.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines[1:-2]] == ["587", "599", "591", "603", "595"]
    assert lines[-2:] == [
        "Out of memory in /pod (memory.max 64.0 MiB), the kernel would kill 587 (first), score 984.",
        "memory.oom.group of /pod/x is set, so all of it die at once: 587 (first), 591 (mate).",
    ]
    done = pymemtools("oom-scores", "--group", "/pod", "--verify", "-S", str(GUEST / "together.tar.gz"))
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_new_process_of_a_group(pymemtools: Run) -> None:
    """With no more than it can get, it is not the largest; where it fits, the machine is what is out of memory."""
    capture = str(GUEST / "together.tar.gz")
    for command in (("what-if", "oom"), ("oom-scores",)):
        document = ask(pymemtools, *command, "--alloc", "60M:new", "--group", "/pod", "-S", capture)
        assert {row["name"] for row in document["rows"]} == {"first", "mate", "spared", "other", "grower", "new"}
        assert document["rows"][0]["name"] == "first"
        (new,) = [row for row in document["rows"] if row["name"] == "new"]
        assert 17 * MIB < new["rss"] < 18 * MIB
        document = ask(pymemtools, *command, "--alloc", "60M:new", "-S", capture)
        assert "a capture has no caller, so the root group asks: say --pid or --group for another" in document["notes"]
        assert (document["rows"][0]["name"], document["rows"][0]["rss"]) == ("new", 60 * MIB)


def test_a_process_outside_of_the_group(pymemtools: Run) -> None:
    """What its oom_score_adj would be changes nothing there: whoever asks means another group, or process."""
    question = ("--group", "/adj", "--set-adj", "1=1000", "-S", str(GUEST / "adj.tar.gz"))
    said = b"1: no process of the memory group whose processes are weighed\n"
    for command in (("what-if", "oom"), ("oom-scores",)):
        done = pymemtools(*command, *question)
        assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"pymemtools: " + said)


def test_memory_oom_group_when_the_machine_is_out_of_memory(tmp_path: Path, pymemtools: Run) -> None:
    """The topmost group that wants it; a process elsewhere, and one of -1000, live on."""
    processes = [
        Proc(1, "init", cgroup="/"),
        Proc(42, "large", (Map("", 90000),), cgroup="/a/b"),
        Proc(43, "mate", cgroup="/a"),
        Proc(44, "spared", cgroup="/a/c"),
        Proc(45, "other", (Map("", 80000),), cgroup="/d"),
    ]
    tree = write_tree(tmp_path, *processes)
    meminfo = (tree / "proc/meminfo").read_text()
    wants = {"oom__group": 1}
    groups = V2_ROOT | group("/a", **wants) | group("/a/b", **wants) | group("/a/c") | group("/d")
    write(tree, groups | {"proc/meminfo": meminfo, "proc/44/oom_score_adj": "-1000\n"})
    totals = ask(pymemtools, "what-if", "oom", "-S", str(tree))["totals"]
    assert (totals["victim_pid"], totals["killed_pids"], totals["oom_cgroup"]) == (42, [42, 43], "/a")
    (tree / "sys/fs/cgroup/a/memory.oom.group").write_text("0\n")
    totals = ask(pymemtools, "what-if", "oom", "-S", str(tree))["totals"]
    assert (totals["victim_pid"], totals["killed_pids"], totals["oom_cgroup"]) == (42, [42], "/a/b")


# Here.

EATER = """
import sys, time
size, adj, more = map(int, sys.argv[1:])
try:
    with open("/proc/self/oom_score_adj", "w") as file: file.write(str(adj))
except PermissionError:
    sys.exit(print("refused"))
def touch(mib):
    held = bytearray(mib << 20)
    for place in range(0, len(held), 4096): held[place] = 1
    return held
first = touch(size)
print("ready", flush=True)
sys.stdin.readline()
second = touch(more)
print("survived", flush=True)
time.sleep(60)
"""


@contextmanager
def eater(where: Path, size: int, adj: int = 0, more: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process in a group that touches so many MiB, and more when it gets a line.

    A bare interpreter: one that measures coverage is 20 MiB larger, which a group of 64 does not have three times.
    """
    call = f'echo $$ >{where}/cgroup.procs || exit; exec {quote(sys.executable)} -ISc "$EATER" {size} {adj} {more}'
    child = subprocess.Popen(
        ["sh", "-c", call], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"EATER": EATER}
    )
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        said = child.stdout.readline()
        if said == b"refused\n" and adj < 0:
            pytest.skip(f"an oom_score_adj of {adj} is refused here (EACCES); the guest's kills above have one")
        assert said == b"ready\n"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        child.stdin.close()


def grow(child: subprocess.Popen[bytes]) -> bool:
    """Let it touch more, and tell whether it lives to say so."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"\n")
    child.stdin.flush()
    return child.stdout.readline() == b"survived\n"


@pytest.mark.parametrize(
    ("others", "victim"),
    [
        (((30, 0), (8, 0)), 0),
        (((20, 0), (8, 700)), 1),
        (((30, -1000), (8, 700)), 1),
        (((12, 0),), None),
    ],
    ids=["the largest", "adjusted", "spared", "who asks"],
)
def test_a_kill_of_this_machine(pymemtools: Run, others: tuple[tuple[int, int], ...], victim: int | None) -> None:
    """In a group of 64 MiB, by this kernel; a larger process outside does not count."""
    with small_group(64 * MIB) as path, ExitStack() as stack:
        stack.enter_context(eater(path.parent, 100))
        children = [stack.enter_context(eater(path, *other)) for other in others]
        grower = stack.enter_context(eater(path, 1, more=200))
        totals = ask(pymemtools, "what-if", "alloc", "200M", "--pid", str(grower.pid))["totals"]
        chosen = grower if victim is None else children[victim]
        assert (totals["outcome"], totals["killed_pids"]) == ("OOM", [chosen.pid])
        assert totals["decided_by_cgroup"].endswith(f"/{path.name}")
        by_group = ask(pymemtools, "what-if", "oom", "--group", str(path))
        assert {row["pid"] for row in by_group["rows"]} == {grower.pid, *(child.pid for child in children)}
        assert not grow(grower)
        assert chosen.wait(timeout=60) == -signal.SIGKILL
        alive = [child for child in children if child is not chosen and child.poll() is None]
        assert len(alive) == len(others) - (victim is not None), "200 MiB never fit, so who asked dies next"


def test_what_is_said_to_fit_fits(pymemtools: Run) -> None:
    with small_group(64 * MIB) as path, eater(path, 8, 0, 30) as child:
        totals = ask(pymemtools, "what-if", "alloc", "30M", "--pid", str(child.pid))["totals"]
        assert (totals["outcome"], totals["decided_by_cgroup"]) == ("fits", None)
        assert totals["cgroup_room_most"] < 56 * MIB
        assert grow(child)


@pytest.mark.parametrize("before", [(), ("unshare", "-C")], ids=["as it is", "namespace"])
def test_who_calls_is_in_a_group_itself(before: tuple[str, ...]) -> None:
    """Without --pid and --group the caller's own group asks; in a cgroup namespace of its own, too."""
    if before and (not shutil.which("unshare") or subprocess.run([*before, "true"], check=False).returncode):
        pytest.skip("no cgroup namespace can be made here")
    with small_group(64 * MIB) as path:
        call = f'echo $$ >{path}/cgroup.procs; exec "$@"'
        command = [*before, sys.executable, "-m", "pymemtools", "what-if", "alloc", "100M", "-f", "json"]
        done = subprocess.run(["sh", "-c", call, "sh", *command], capture_output=True, check=False)
    document = json.loads(done.stdout)
    totals = document["totals"]
    assert (totals["outcome"], totals["victim_name"]) == ("OOM", "the new process")
    assert totals["decided_by_cgroup"].endswith(f"/{path.name}")
    assert any("are this program's own, and count as free" in note for note in document["notes"])

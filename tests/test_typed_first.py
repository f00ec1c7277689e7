"""What one types before reading works, or the error says what does."""

from __future__ import annotations

import pytest
from conftest import Run

from pymemtools.sources.example import demo_path

BOARD = demo_path()
WORKS = (  # typed so, and as the manual has it
    (f"info {BOARD}", f"info -S {BOARD}"),
    ("smem --demo", "--demo smem"),
    ("status --demo 297", "--demo status 297"),
    ("what-if alloc --demo 1M", "--demo what-if alloc 1M"),
    ("--demo drop-caches --dry-run pagecache", "--demo drop-caches --dry-run 1"),
    ("--demo what-if drop-caches slab", "--demo what-if drop-caches 2"),
    ("--demo what-if drop-caches all", "--demo what-if drop-caches 3"),
    ("--demo smem -s RSS", "--demo smem -s rss"),
    ("--demo oom-scores -s OOMScore", "--demo oom-scores -s oom_score"),
    ("help", "--help"),
    ("help free", "free --help"),
    ("help what-if pss", "what-if pss --help"),
    ("tunables help", "tunables --help"),
)
SAYS = (
    ("ps", "no such command 'ps' (did you mean 'smem' or 'status'?)"),
    ("top", "no such command 'top' (did you mean 'smem --watch 2'?)"),
    ("oom", "no such command 'oom' (did you mean 'oom-scores' or 'oom-report'?)"),
    ("what-if pss 297", "a process's: pymemtools pmap --rollup 297"),
    (f"free {BOARD}", f"free: Got unexpected extra argument ({BOARD}); did you mean -S {BOARD}?"),
    (f"zones {BOARD}", f"; did you mean -S {BOARD}?"),
    (f"smem --diff a.tar {BOARD}", f"; did you mean -S {BOARD}?"),
    (f"what-if alloc 1M {BOARD}", f"; did you mean -S {BOARD}?"),
    (f"pmap {BOARD}", f"is not a process number; did you mean -S {BOARD}?"),
    (f"info -S {BOARD} {BOARD}", "SOURCE and --source are two answers to the same question"),
    ("drop-caches files", "'files' is none of 1 (pagecache), 2 (slab) and 3 (all)"),
    ("drop-caches --demo", "a capture has no caches to drop"),
    ("tunables set swapiness=1", "nothing is known of 'vm.swapiness', so it is not set (did you mean vm.swappiness?)"),
)


@pytest.mark.parametrize(("typed", "meant"), WORKS)
def test_it_works(pymemtools: Run, typed: str, meant: str) -> None:
    done, as_meant = pymemtools(*typed.split()), pymemtools(*meant.split())
    assert done.returncode == as_meant.returncode == 0
    assert (done.stdout, done.stderr) == (as_meant.stdout, as_meant.stderr)


@pytest.mark.parametrize(("typed", "said"), SAYS)
def test_it_says_what_does(pymemtools: Run, typed: str, said: str) -> None:
    done = pymemtools(*typed.split())
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert said in done.stderr.decode()


@pytest.mark.parametrize("command", ["explain", "get"])
def test_a_misspelt_tunable(pymemtools: Run, command: str) -> None:
    done = pymemtools("--demo", "tunables", command, "swapiness")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"pymemtools: vm.swapiness: no such tunable (did you mean vm.swappiness?)\n"

"""What one types before reading works, or the error says what does."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_tree import with_option
from conftest import Run

from pymemtools.sources.example import demo_path

BOARD = demo_path()
WORKS = (  # typed so, and as the manual has it
    (f"info {BOARD}", f"info -S {BOARD}"),
    ("smem --demo", "--demo smem"),
    ("status --demo 297", "--demo status 297"),
    ("what-if alloc --demo 1M", "--demo what-if alloc 1M"),
    ("what-if --demo alloc 1M", "--demo what-if alloc 1M"),
    ("tunables --demo get swappiness", "--demo tunables get swappiness"),
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
    ("page-types", "no such command 'page-types' (did you mean 'pages --flags' or 'pages'?)"),
    ("fincore", "no such command 'fincore' (did you mean 'cache --compat fincore'?)"),
    ("systemd-cgtop", "no such command 'systemd-cgtop' (did you mean 'groups --watch 2'?)"),
    ("slabtop", "no such command 'slabtop' (did you mean 'smem -W'?)"),
    ("smem a-board.tar.gz", "(a-board.tar.gz); did you mean -S a-board.tar.gz?"),  # of which no file is there
    ("top", "no such command 'top' (did you mean 'smem --watch 2'?)"),
    ("oom", "no such command 'oom' (did you mean 'oom-scores' or 'oom-report'?)"),
    ("slab", "no such command 'slab' (did you mean 'smem -W'?)"),  # and not lab
    ("free --json", "free: No such option '--json'; did you mean -f json?; try"),
    ("groups -n 5", "groups: No such option '-n'; did you mean --top N?; try"),
    ("zones -n 5", "zones: No such option '-n'; try"),  # which has no --top
    ("trend --since -2h", "trend: No such option '--since'; did you mean --from MOMENT?; try"),
    ("smem --every 2", "smem: No such option '--every'; did you mean --watch SECONDS?; try"),
    ("faults --watch 2", "faults: No such option '--watch'; did you mean --every TIME?; try"),
    ("oom-scores -p 297", "oom-scores: No such option '-p'; did you mean --pid PID?; try"),
    ("numa -p 297", "numa: No such option '-p'; a process is named by its number alone; try"),
    ("what-if pss 297", "a process's: pymemtools pmap --rollup 297"),
    (f"free {BOARD}", f"free: Got unexpected extra argument ({BOARD}); did you mean -S {BOARD}?"),
    (f"zones {BOARD}", f"; did you mean -S {BOARD}?"),
    (f"smem --diff a.tar {BOARD}", f"; did you mean -S {BOARD}?"),
    (f"what-if alloc 1M {BOARD}", f"; did you mean -S {BOARD}?"),
    (f"what-if dirty --write 1M --disk 1M {BOARD}", f"; did you mean -S {BOARD}?"),
    (f"vgraph {BOARD}", f"name a process in it, with --source {BOARD}"),
    ("oom-report .", "oom-report: . is a directory; did you mean -S .?"),
    ("capture board.tar.gz", "; did you mean -o board.tar.gz?"),
    (f"pmap {BOARD}", f"is not a process number; did you mean -S {BOARD}?"),
    (f"info -S {BOARD} {BOARD}", "SOURCE and --source are two answers to the same question"),
    ("drop-caches files", "'files' is none of 1 (pagecache), 2 (slab) and 3 (all)"),
    ("drop-caches --demo", "a capture has no caches to drop"),
    ("zones --ram 16", "'--ram': 16 bytes? Write 16M, or 16B"),
    ("what-if alloc 1G --swap 8 --demo", "'--swap': 8 bytes? Write 8M, or 8B"),
    ("tunables set min_free=1", "(did you mean vm.min_free_kbytes?)"),
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


READERS = tuple(with_option("source"))
ELSEWHERE = {
    "cache": "its operands are files, captures too",
    "info": "its operand is a source",
    "oom-report": "its operand is a log, also within an archive",
    "vgraph": "it says: name a process in it, with --source",
    "what-if dirty": "it misses --write and --disk first",
}


@pytest.mark.parametrize("command", [name for name in READERS if name not in ELSEWHERE])
@pytest.mark.parametrize("kind", ["archive", "directory"])
def test_a_source_as_operand(pymemtools: Run, tmp_path: Path, command: str, kind: str) -> None:
    place = tmp_path / "board.tar"
    if kind == "directory":
        place.mkdir()
    else:
        place.write_bytes(Path(BOARD).read_bytes())
    done = pymemtools(*command.split(), "board.tar", cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert (done.stdout, done.stderr.count(b"\n")) == (b"", 1)
    assert "did you mean -S board.tar?" in done.stderr.decode()


@pytest.mark.parametrize("command", ["explain", "get"])
def test_a_misspelt_tunable(pymemtools: Run, command: str) -> None:
    done = pymemtools("--demo", "tunables", command, "swapiness")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"pymemtools: vm.swapiness: no such tunable (did you mean vm.swappiness?)\n"
    done = pymemtools("--demo", "tunables", command, "SWAPPINESS")
    assert done.stderr == b"pymemtools: vm.SWAPPINESS: no such tunable (did you mean vm.swappiness?)\n"


@pytest.mark.parametrize("path", ["/proc/sys/vm/swappiness", "/sys/kernel/mm/transparent_hugepage/enabled"])
def test_a_tunable_is_found_by_the_path_that_explain_prints(pymemtools: Run, path: str) -> None:
    """It was taken for a capture: "did you mean -S /proc/sys/vm/swappiness?"."""
    explained = pymemtools("--demo", "tunables", "explain", path).stdout.decode()
    assert path in explained.splitlines()[-1]
    assert explained == pymemtools("--demo", "tunables", "explain", explained.partition(":")[0]).stdout.decode()

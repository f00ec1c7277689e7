"""Start-up is a feature: a command loads what it needs and no more. Each module that is kept out has its price here.

Milliseconds of CPU are those of one machine and one day; what counts is their order.
"""

import os
import subprocess
import sys
from functools import cache

import pytest
from conftest import HERE

HEAVY = {
    "tabulate": "144 ms, most of it importlib.metadata; text, JSON and CSV do without",
    "importlib.metadata": "99 ms to learn a version that is a literal",
    "psutil": "58 ms; it knows the live host only",
    "matplotlib": "half a second; for pictures",
    "numpy": "matplotlib's",
    "tarfile": "never: it can loop for ever on a damaged archive, and brings shutil, bz2 and lzma",
    "zstandard": "for .zst archives",
    "lzma": "for .xz archives",
    "bz2": "for .bz2 archives",
    "zlib": "for .gz archives",
    "subprocess": "never: this program starts no program",
    "multiprocessing": "a fork and a pipe do",
    "concurrent.futures": "the same, and logging with it",
    "asyncio": "never",
    "logging": "say() is enough",
    "json": "for -f json and jsonl",
    "csv": "for -f csv and tsv",
    "argparse": "click has the command line",
    "dataclasses": "5 ms and inspect for each class; NamedTuple is cheaper to define and to fill",
    "pathlib": "2 ms; os.path does on the data path",
    "tempfile": "random and shutil with it",
    "shutil": "four compressors with it",
    "random": "hashlib with it",
    "decimal": "amounts are integers",
    "fractions": "decimal with it",
    "socket": "never: this program does not talk to any other",
    "ssl": "never",
    "http": "never",
    "urllib": "never",
    "ctypes": "system calls that Python does not know, for cache and lab only",
    "pickle": "never: it runs what it reads",
    "traceback": "the interpreter's own hook prints it for PYMEMTOOLS_DEBUG",
    "unicodedata": "1 MB, for names that are not ASCII",
    "pwd": "for names of this machine's users",
    "html": "for -f html",
}
CALLS = {  # what each may load of these
    "--version": set(),
    "--help": {"shutil", "zlib", "bz2", "lzma"},  # click asks it for the width of the terminal
    "free": set(),
    "free -h -t -v -w -l": set(),
    "free --classic -o": set(),
    "free --bar": set(),
    "free -s 0.01 -c 2": set(),
    "free -f json": {"json"},
    "free -f csv": {"csv"},
    "smem -P ^$": set(),
    "smem -w": set(),
    "smem": {"pwd", "unicodedata"},  # for who and what happens to run here
    "smem -t -k -r": {"pwd", "unicodedata"},
    "smem -m": {"pwd", "unicodedata"},
    "smem -u": {"pwd", "unicodedata"},
    "smem -f json": {"pwd", "json"},
    "--demo free": {"zlib"},
    "--demo smem": {"zlib"},
    "--demo smem -m -a": {"zlib"},
    "--demo smem -f jsonl": {"zlib", "json"},
    "--demo smem -f tsv": {"zlib", "csv"},
    "lab": {"ctypes", "json"},
    "nonsense": set(),
}


@cache
def loaded(call: str) -> frozenset[str]:
    """Name the modules that a call loads, beyond those of the bare interpreter."""
    code = """if True:
        import os, sys
        before, leave = set(sys.modules), os._exit
        os._exit = lambda status: (print(*set(sys.modules) - before, file=sys.stderr, flush=True), leave(status))
        from pymemtools.entry import main
        main()
    """
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")
    }  # loads much itself
    done = subprocess.run(
        [sys.executable, "-c", code, *call.split()],
        env=environment | {"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == (2 if call == "nonsense" else 0), done.stderr
    return frozenset(done.stderr.splitlines()[-1].split())


@cache
def loaded_by_click() -> frozenset[str]:
    """Name the modules that come with click: in Python 3.10 platform, which it needs, brings subprocess."""
    code = "import click, sys; print(*sys.modules)"
    environment = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


@pytest.mark.parametrize("call", CALLS)
def test_nothing_heavy_is_loaded_that_the_call_does_not_need(call: str) -> None:
    assert loaded(call) & HEAVY.keys() <= CALLS[call] | loaded_by_click()


def test_what_may_be_loaded_is_looked_for_by_its_right_name() -> None:
    for call in ("free -f json", "free -f csv", "--demo smem -f tsv", "--demo smem -f jsonl"):
        assert CALLS[call] <= loaded(call)


@pytest.mark.parametrize(
    ("call", "others"),
    [
        (
            "free",
            ("cli.smem", "cli.pmap", "cli.completion", "sources.archive", "readings.processes", "render.classic_table"),
        ),
        (
            "smem -P ^$",
            ("cli.free", "cli.pmap", "sources.archive", "sources.kernel_image", "cli.smem.chart", "reports.smem.diff"),
        ),
        ("smem -w", ("cli.free", "cli.pmap", "sources.archive", "cli.smem.chart", "reports.smem.diff")),
        ("--demo smem", ("cli.free", "cli.pmap", "cli.smem.chart", "reports.smem.diff")),
    ],
)
def test_no_other_command_s_modules_are_loaded(call: str, others: tuple[str, ...]) -> None:
    ours = [name for name in loaded(call) if name.startswith("pymemtools.")]
    assert len(ours) > 8
    assert [name for name in ours if name.startswith(tuple(f"pymemtools.{other}" for other in others))] == []


def test_a_library_user_gets_parsers_and_no_command_line() -> None:
    code = "import sys; from pymemtools.procfs.meminfo import parse_meminfo; print(*sys.modules)"
    environment = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    modules = done.stdout.split()
    assert "pymemtools.procfs.meminfo" in modules
    assert "click" not in modules
    assert HEAVY.keys() & set(modules) == set()


def test_little_comes_before_signals_are_ours() -> None:
    """Ctrl-C before that is a traceback of Python's: enum alone, which signal takes, is as much as all of the rest."""
    code = "import sys; before = set(sys.modules); import pymemtools.entry; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) <= {"_signal", "gc", "__future__", "pymemtools", "pymemtools.entry"}


def test_no_source_calls_a_character_by_its_name() -> None:
    """To compile such a name takes unicodedata: at each start, where no .pyc is kept."""
    sources = (HERE.parent / "pymemtools").rglob("*.py")
    assert [path.name for path in sources if "\\N{" in path.read_text("utf-8")] == []

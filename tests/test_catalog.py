"""The catalog of what a capture holds, held against what commands read, archives are read for and info asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click
import group_trees
import pytest
import recordings
from command_tree import with_option
from conftest import CAPTURES
from recordings import Board, process_files

from pymemtools.capture.contents import CGROUP_FILES, PROCESS_FILES, SYSTEM_FILES, member_name
from pymemtools.capture.script import script
from pymemtools.capture.take import Taking
from pymemtools.capture.veil import Veil
from pymemtools.catalog import FILES, HIDDEN, LEFT_OUT, NEVER_READ
from pymemtools.cli import cli
from pymemtools.models.tunables import NEVER_READ as NEVER_READ_TUNABLES
from pymemtools.models.tunables import ONLY_WRITTEN
from pymemtools.readings.settings import path_of
from pymemtools.reports.info import QUESTIONS
from pymemtools.sources import open_source
from pymemtools.sources.archive.member_names import is_wanted, locate, most_bytes, split_pid
from pymemtools.sources.base import ProcessFiles, Source, parse_pid
from pymemtools.sources.example import demo_path
from pymemtools.sources.recording import open_recording

CALLS = {  # every command that reads a source, with what is not a whole call by itself
    "free": ("-t", "--cgroup", "--bar"),
    "groups": ("", ". --no-pss", "/a --all"),
    "smem": ("", "--rollup", "-m", "-g unit", "-w", "-c all", "-U root -P a"),
    "pmap": ("PID", "-x PID", "-X PID", "--rollup PID", "--group kind PID"),
    "status": ("PID", "--all"),
    "oom-scores": ("", "--verify", "--alloc 100M:PID"),
    "oom-report": ("",),
    "swap": ("",),
    "cache": ("--all", "-p PID"),
    "faults": ("", "PID", "--top 5", "--compat sar"),
    "metrics": ("", "--no-pss"),
    "thp": ("", "PID"),
    "ksm": ("", "-p PID"),
    "numa": ("", "PID"),
    "pages": ("", "--unexplained", "--flags", "-p PID"),
    "zones": ("", "--sysrq"),
    "info": ("",),
    "tunables list": ("",),
    "tunables get": ("swappiness ksm.run",),
    "tunables explain": ("min_free_kbytes",),
    "report": ("",),
    "selftest": ("",),
    "vgraph": ("PID", "--rss PID"),
    "iomem-graph": ("",),
    "drop-caches": ("--dry-run",),
    "what-if alloc": ("100M", "100M --pid PID"),
    "what-if cache": ("100M",),
    "what-if dirty": ("--write 100M --disk 10M",),
    "what-if drop-caches": ("",),
    "what-if fork": ("PID",),
    "what-if oom": ("", "--alloc 100M:PID"),
    "what-if overcommit": ("--processes",),
    "what-if watermarks": ("",),
}
Record = Callable[[str], None]


def recorded(source: Source, record: Record) -> Source:
    """Let a source tell of each file that is asked for, by itself too, whether it is there or not."""

    def telling(function: Any, name: Callable[..., str]) -> Any:
        def tell(*arguments: Any) -> Any:
            record(name(*arguments))
            return function(*arguments)

        return tell

    process = source.process

    @contextmanager
    def opened(pid: int) -> Iterator[ProcessFiles]:
        with process(pid) as files:
            for name in ("read", "chunks"):
                setattr(files, name, telling(getattr(files, name), lambda path: f"{pid}/{path}"))
            yield files

    source.process = opened  # type: ignore[method-assign]
    source.read = telling(source.read, lambda path: path)  # type: ignore[method-assign]
    return source


def as_in_catalog(path: str) -> str:
    """Write a path as the catalog does: of any process, or any group.

    >>> as_in_catalog("17/task/18/smaps"), as_in_catalog("/sys/fs/cgroup/a/b/memory.max")
    ('PID/smaps', 'GROUP/memory.max')
    """
    first, _, rest = path.partition("/")
    if parse_pid(first) is not None:
        return f"PID/{rest.rpartition('/')[2] if rest.startswith('task/') else rest}"
    return f"GROUP/{path.rpartition('/')[2]}" if path.startswith("/sys/fs/cgroup/") else path


def is_in_catalog(path: str) -> bool:
    """Tell whether a path is that of a file in the catalog, by its name where it is a group's."""
    paths = [kept.path for kept in FILES if kept.path != "GROUP/*"]
    return any(fnmatchcase(path, each) and path.count("/") == each.count("/") for each in paths)


def read_by(question: str, source: str | None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Run a command in its ways, and give the files it reads, as the catalog has them, with a path as it was."""
    found: dict[str, str] = {}

    def record(path: str) -> None:
        found.setdefault(as_in_catalog(path), path)

    def opened(*arguments: Any, **options: Any) -> Source:
        return recorded(open_source(*arguments, **options), record)

    monkeypatch.setattr("pymemtools.cli.options.open_source", opened)
    # What another process reads is not heard of here.
    monkeypatch.setattr(
        "pymemtools.readings.processes.share_out", lambda items, work, _: [work(item) for item in items]
    )
    pid = str(os.getpid() if source is None else open_source(source).pids()[0])
    for way in CALLS[question]:
        arguments = f"{question} {way}".replace("PID", pid).split()
        try:
            cli.main([*arguments, *(() if source is None else ("-S", source))], standalone_mode=False)
        except click.ClickException:
            raise
        except Exception as error:
            if not hasattr(error, "exit_status"):  # it is one of ours: a file is missing
                raise
    return found


def sources(tmp_path: Path) -> Iterator[str | None]:
    """Give this machine, captures, and copies with groups of both versions, old zram and nothing else."""
    yield None
    yield demo_path()
    yield str(CAPTURES / "x86_64-6.1" / "smemcap.tar.gz")
    process = {"proc/7/stat": "7 (a) S 1\n", "proc/7/cgroup": "0::/a\n", "proc/self/cgroup": "0::/a\n"}
    zram = dict.fromkeys((f"sys/block/zram0/{name}" for name in ("orig_data_size", "compr_data_size")), "1\n")
    yield str(group_trees.write(tmp_path / "v2", group_trees.V2_ROOT | group_trees.group("/a") | process | zram))
    process |= {"proc/7/cgroup": "4:memory:/a\n", "proc/self/cgroup": "4:memory:/a\n"}
    yield str(group_trees.write(tmp_path / "v1", group_trees.group_v1("") | group_trees.group_v1("/a") | process))


@pytest.mark.parametrize("question", CALLS)
def test_no_command_reads_what_the_catalog_does_not_have(
    question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in sources(tmp_path):
        found = read_by(question, source, monkeypatch)
        assert sorted(path for path in found if not is_in_catalog(path)) == []


def test_every_command_that_reads_a_source_is_looked_at() -> None:
    of_datasets = {name for name in with_option("source") if name.startswith("fleet ")}  # made by fleet ingest
    assert set(with_option("source")) - CALLS.keys() - of_datasets == {
        "tunables set",  # takes its values from a capture
        "what-if malloc",  # asks for its version of the kernel alone
        "what-if pss",
        "trend",  # of whole recordings
    }


OF_FILES = [needs for needs in QUESTIONS if needs.question != "trend"]  # which reads recordings alone


@pytest.mark.parametrize("needs", OF_FILES, ids=[needs.question for needs in OF_FILES])
def test_info_asks_for_what_the_command_reads(needs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the files that info misses each is one that the command reads, of this machine or of a capture."""
    command = max((each for each in CALLS if f"{needs.question} list".startswith(each)), key=len)
    found = read_by(command, None, monkeypatch) | read_by(command, demo_path(), monkeypatch)
    named = {path for either in (*needs.files, *needs.more) for path in either.split("|")}
    named -= {"page_size", "unit", "log", "recording"}
    folders = {path for path in named if path.endswith("/")}
    assert sorted(named - folders - found.keys()) == []
    assert [folder for folder in folders if not any(path.startswith(folder) for path in found.values())] == []
    assert [path for path in named - folders if not is_in_catalog(path)] == []


def test_an_archive_is_read_for_what_is_in_the_catalog() -> None:
    for kept in FILES:
        path = kept.path.replace("PID/", "7/").replace("GROUP/", "/sys/fs/cgroup/a/b.slice/").replace("*", "0")
        top, located = locate(f"report-7/{member_name(path).removeprefix('/')}") or ("", "")
        assert (top, located) == ("report-7", path)
        pid, name = split_pid(path)
        assert is_wanted(pid, name)
        assert pid is not None or most_bytes(name) == kept.most
    for other in ("config.gz", "meminfo/a", "sys/vm", "sys/vm/a/b", "/sys/kernel/mm/other/a", "/sys/block/sda/size"):
        assert not is_wanted(None, other)
    assert not is_wanted(7, "environ")


def test_program_and_script_take_what_the_catalog_says() -> None:
    taken = [kept.path for kept in FILES if kept.is_taken]
    assert [*SYSTEM_FILES, *(f"PID/{name}" for name in PROCESS_FILES), *(f"GROUP/{name}" for name in CGROUP_FILES)] == (
        taken
    )
    for name, paths in (
        ("system_files", [f"/{member_name(path)}" for path in SYSTEM_FILES]),
        ("process_files", list(PROCESS_FILES)),
        ("group_files", list(CGROUP_FILES)),
        ("never_read", [f"/proc/{path}" for path in NEVER_READ]),
    ):
        assert script().partition(f"{name}='")[2].partition("'")[0].split() == paths
    assert {path_of(name) for name in NEVER_READ_TUNABLES | ONLY_WRITTEN} == set(NEVER_READ)


def test_a_recording_takes_what_a_capture_does_but_for_maps(tmp_path: Path) -> None:
    """Files that are there and can be read; what seldom changes with the first sample, as it is a full one."""
    files = {kept.path: b"1\n" for kept in FILES if kept.is_taken and kept.path not in NEVER_READ}
    machine = {path.replace("*", "0"): text for path, text in files.items() if not path.startswith(("PID/", "GROUP/"))}
    machine |= {f"/sys/fs/cgroup/{name}": b"1\n" for name in CGROUP_FILES}
    process = dict.fromkeys(PROCESS_FILES, b"1\n") | process_files(7, 400)
    source = open_recording(recordings.recorded(tmp_path / "a.rec", 1, board=Board(machine, {7: process}))).at("last")
    assert [path for path in machine if source.read(path) != machine[path]] == []
    with source.process(7) as taken:
        for name in set(PROCESS_FILES) - {"maps", "smaps"}:
            assert taken.read(name) == process[name]


SECRETS = {  # a line of each file that tells of people
    "version": b"Linux version 6.1.0 (secret@secret) (gcc) #1 SMP\n",
    "swaps": b"Filename Type Size Used Priority\n/home/secret/swap file 1 0 -2\n",
    "PID/cmdline": b"/home/secret/run\0--secret\0",
    "PID/cgroup": b"0::/secret.slice\n",
    "PID/maps": b"00400000-00401000 r--p 00000000 fe:01 17 /home/secret/run\n",
    "PID/numa_maps": b"00400000 default file=/home/secret/run\\040a mapped=1 N0=1\n",
    "PID/smaps": b"00400000-00401000 r--p 00000000 fe:01 17 /home/secret/run\nSize: 4 kB\n",
}


def test_what_tells_of_people_is_hidden() -> None:
    assert SECRETS.keys() == {kept.path for kept in FILES if kept.veil == HIDDEN}
    veil = Veil()
    for path, text in SECRETS.items():
        hide = veil.file if path.startswith("PID/") else veil.machine_file
        assert b"secret" not in hide(path.removeprefix("PID/"), text)


def test_what_is_of_people_altogether_is_left_out() -> None:
    source = open_source()
    names = [{member.name for member in Taking(source, 0, veil).members([])} for veil in (None, Veil())]
    patterns = [member_name(kept.path) for kept in FILES if kept.veil == LEFT_OUT]
    left_out = {name for name in names[0] if any(fnmatchcase(name, pattern) for pattern in patterns)}
    assert {"proc/mounts", "proc/cmdline"} <= left_out  # others are not on every machine
    assert names[0] - names[1] == left_out

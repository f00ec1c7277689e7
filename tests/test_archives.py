"""Opening archives: by name, from standard input, without leaving a trace."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import click
import pytest
from archives import BLOCK, END, SMAPS, SOUND, directory, header, machine, member, opened, process, rows
from conftest import CAPTURES, HERE, Run
from descriptors import descriptors

from pymemtools.cli import cli
from pymemtools.errors import ArchiveError, MemtoolsError, Missing
from pymemtools.readings.processes import read_processes
from pymemtools.readings.wants import Wants
from pymemtools.sources import open_source
from pymemtools.sources.archive import Archive


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "fifo", "socket", "link to nothing", "no\0name"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, path: str) -> None:
    import socket

    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link to nothing").symlink_to("nothing")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(MemtoolsError) as refused:
            Archive.open(path if path.startswith("/") else str(tmp_path / path))
    assert refused.type is not MemtoolsError
    assert str(refused.value).startswith(path if path.startswith("/") else str(tmp_path / path))


def test_standard_input_may_be_a_file_that_was_begun(pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a line before\n" + SOUND)
    with path.open("rb", buffering=0) as file:
        file.read(14)
        done = pymemtools("smem", "-H", "-c", "pid", "-S", "-", stdin=file)
    assert (done.returncode, done.stdout) == (0, b"    7 \n    8 \n")


def test_standard_input_may_be_slow_and_not_block(pymemtools: Run) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)

    def write() -> None:
        with os.fdopen(writing, "wb") as pipe:
            for at in range(0, len(SOUND), 3000):
                pipe.write(SOUND[at : at + 3000])
                pipe.flush()
                time.sleep(0.1)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        done = pymemtools("smem", "-H", "-c", "pid", "-S", "-", stdin=pipe)
    writer.join()
    assert (done.returncode, done.stdout) == (0, b"    7 \n    8 \n")


def test_descriptors_are_closed(tmp_path: Path) -> None:
    gc.collect()  # what other tests' exceptions still hold
    before = descriptors()
    for _ in range(20):
        rows(opened(tmp_path, SOUND))
        with pytest.raises(ArchiveError):
            opened(tmp_path, b"no archive")
    with pytest.raises(Missing):
        open_source(str(tmp_path / "nothing"))
    assert descriptors() <= before


def test_an_archive_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    source = opened(tmp_path, SOUND)
    os.truncate(tmp_path / "a.tar", BLOCK)
    with pytest.raises(ArchiveError) as refused:
        source.read("meminfo")
    assert str(refused.value) == "meminfo: the archive became shorter while it was read"
    sample = read_processes(source, Wants(("Pss",)))
    assert (sample.processes, sample.unreadable) == ([], 2)
    assert sample.reason == "the archive became shorter while it was read"


WATCHED = """
import os, sys
opened = []
sys.addaudithook(lambda event, args: opened.append((args[0], args[2])) if event == "open" else None)
del opened[:]
from pymemtools.entry import main
import pymemtools.cli
pymemtools.cli.leave = lambda status: (print(repr(opened), file=sys.stderr), os._exit(status))
main()
"""
HOST_FILES = (b"/etc/passwd", b"../../etc/passwd", b"proc/self/maps", b"/proc/self/smaps", b"7/../../../etc/shadow")
TEMPTING = (
    b"".join(member(name, b"x") + header(name, 0, b"2") for name in HOST_FILES)
    + machine()
    + process(7, uid=b"0000000")
    + header(b"8/smaps", 0, b"2")
    + header(b"8/stat", 0, b"1")
    + directory(b"/tmp/made-by-an-archive")
    + END
)


@pytest.mark.parametrize("what", ["a capture", "names and links to this machine's files"])
def test_nothing_is_written_and_no_member_is_opened(tmp_path: Path, what: str) -> None:
    """Watch, by Python's audit events, every file that a report of an archive opens."""
    folder = tmp_path / "empty"
    folder.mkdir()
    path = CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"
    if what != "a capture":
        path = tmp_path / "a.tar"
        path.write_bytes(TEMPTING)
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-c", WATCHED, "smem", "-u", "-S", str(path)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    opens = [(name, flags) for name, flags in eval(done.stderr) if not str(name).endswith((".py", ".pyc"))]
    written = [name for name, flags in opens if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)]
    assert written == []
    assert {name for name, _ in opens if isinstance(name, str) and "python" not in name} <= {str(path)}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["smem", "smem -m", "smem -u", "what-if oom", "oom-scores", "free"])
def test_a_capture_without_processes_is_no_empty_report(tmp_path: Path, pymemtools: Run, command: str) -> None:
    (tmp_path / "a.tar").write_bytes(machine() + END)
    done = pymemtools(*command.split(), "-S", str(tmp_path / "a.tar"))
    if command == "free":
        assert (done.returncode, done.stdout.split()[:1]) == (0, [b"total"])
    else:
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == f"pymemtools: {tmp_path}/a.tar: no process in it\n"


@pytest.mark.parametrize("source", ["/dev/zero", "/dev/urandom", "/dev/null"])
def test_standard_input_that_is_no_archive(pymemtools: Run, source: str) -> None:
    reason = {
        "/dev/zero": "damaged archive: more than 16 MiB of zeros at its end",
        "/dev/urandom": "not a tar archive",
        "/dev/null": "is empty",
    }[source]
    with open(source, "rb") as file:
        done = pymemtools("smem", "-S", "-", stdin=file)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", f"pymemtools: -: {reason}\n")


def test_no_standard_input(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pymemtools", "smem", "-S", "-"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command], env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"pymemtools: -: standard input is closed\n")


MANIFESTS = {
    "not JSON": (b'{"format": 1', "not JSON"),
    "endless brackets": (b"[" * 200_000, "not JSON"),
    "not UTF-8": (b'{"format": 1, "host": "\xff"}', "not JSON"),
    "a list": (b"[]", "not a capture's"),
    "somebody else's": (b'{"name": "x"}', "not a capture's"),
    "a text for a format": (b'{"format": "' + b"\x1b[2J" * 9 + b'"}', "not JSON"),
    "a later one": (b'{"format": 2}', "of a format that this program does not know"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_that_is_none(tmp_path: Path, case: str) -> None:
    text, reason = MANIFESTS[case]
    (tmp_path / "manifest.json").write_bytes(text)
    (tmp_path / "meminfo").write_text("MemTotal: 1024 kB\n")
    opened(tmp_path, machine() + member(b"manifest.json", text) + END)
    for path in (tmp_path / "a.tar", tmp_path):
        source = open_source(str(path))
        with pytest.raises(ArchiveError) as refused:
            _ = source.facts
        assert str(refused.value) == f"{path}: manifest.json is {reason}"


@pytest.mark.parametrize(
    "size", [b"0", b"1", b"2048", b"12288", b"1073741824", b"-4096", b'"4096"', b"1e9999", b"9" * 4000]
)
def test_pages_of_a_size_that_no_kernel_has(tmp_path: Path, size: bytes) -> None:
    manifest = member(b"manifest.json", b'{"format": 1, "page_size": ' + size + b"}")
    smaps = SMAPS.replace(b"PageSize:        4 kB", b"PageSize:       12 kB")
    source = opened(tmp_path, machine() + member(b"7/smaps", smaps) + manifest + END)
    assert source.facts.page_size is None


def test_a_file_that_may_not_be_read_is_no_wrong_call() -> None:
    """Click would check it itself, and exit with 2; whether it can be read turns out when it is opened."""
    context = click.Context(cli)
    groups = [cli, *(cli.get_command(context, name) for name in ("what-if", "tunables"))]
    commands = [
        group.get_command(context, name)
        for group in groups
        if isinstance(group, click.Group)
        for name in group.list_commands(context)
    ]
    paths = [
        (command.name, param.name, param.type.readable)
        for command in commands
        if command is not None
        for param in command.params
        if isinstance(param.type, click.Path)
    ]
    assert len(paths) > 20
    assert [path for path in paths if path[2]] == []

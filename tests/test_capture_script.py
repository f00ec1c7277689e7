"""The script that takes captures without Python, where things go wrong: shells, rights, room, processes that end."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

import pytest
from conftest import HERE, Run

from pymemtools.procfs.stat import parse_stat
from pymemtools.readings.tmpfs import tmpfs_text
from pymemtools.sources import open_source

pytestmark = pytest.mark.live

SHELLS = ("dash", "busybox sh", "mksh", "bash --posix")


def shell_of(name: str) -> list[str]:
    """Give the command of a shell, or skip."""
    command = name.split()
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return command


@pytest.mark.parametrize("shell", SHELLS)
def test_as_over_ssh(pymemtools: Run, capture_script: Path, tmp_path: Path, shell: str) -> None:
    """The script comes on standard input, the archive goes to standard output."""
    twice = [str(os.getpid())] * 2
    command = [*shell_of(shell), "-s", "--", "-d", str(tmp_path), *twice]
    with capture_script.open("rb") as script:
        done = subprocess.run(command, stdin=script, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(tmp_path.iterdir()) == []
    read = pymemtools("smem", "-H", "-c", "pid", "-S", "-", input=done.stdout)
    assert (read.returncode, read.stdout.strip(), read.stderr) == (0, b"%d" % os.getpid(), b"")


@pytest.mark.parametrize("shell", ["dash", "mksh", "bash --posix"])  # busybox has a dmesg of its own
@pytest.mark.parametrize("has_log", [True, False])
def test_why_something_was_killed_on_a_board(
    pymemtools: Run, capture_script: Path, tmp_path: Path, shell: str, has_log: bool
) -> None:
    """With -k the log is taken by the board's dmesg; where there is none that is said, and all else is taken."""
    (tmp_path / "tools").mkdir()
    dmesg = tmp_path / "tools/dmesg"
    log = HERE / "oom_reports/own-armv7-6.1.176-464M-100Mswap-global-r1.txt"
    dmesg.write_text(f"#!/bin/sh\n{f'exec cat {shlex.quote(str(log))}' if has_log else 'exit 1'}\n")
    dmesg.chmod(0o755)
    path = {"PATH": f"{dmesg.parent}:{os.environ['PATH']}"}
    command = [*shell_of(shell), str(capture_script), "-k", "-o", str(tmp_path / "a.tar"), str(os.getpid())]
    done = subprocess.run(command, env=os.environ | path, capture_output=True, check=False)
    refusal = b"capture.sh: the kernel's log could not be read: there is no dmesg here, or it takes root\n"
    assert (done.returncode, done.stderr) == (0, b"" if has_log else refusal)
    told = pymemtools("oom-report", "-S", str(tmp_path / "a.tar"), "--last", "1")
    assert told.returncode == (0 if has_log else 1)
    assert (b"killed:" in told.stdout) == has_log
    assert pymemtools("smem", "-H", "-c", "pid", "-S", str(tmp_path / "a.tar")).stdout.strip() == b"%d" % os.getpid()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("blocks", [0, 8])
def test_no_room_in_the_scratch_directory(capture_script: Path, tmp_path: Path, shell: str, blocks: int) -> None:
    """A file that could not be copied for want of room is no file that could not be read: the capture fails."""
    command = " ".join([*shell_of(shell), str(capture_script), "-d", str(tmp_path), str(os.getpid())])
    limited = ["sh", "-c", f"trap '' XFSZ; ulimit -f {blocks}; exec {command}"]
    done = subprocess.run(limited, capture_output=True, check=False)
    assert done.returncode == 1
    assert f"capture.sh: {tmp_path}: could not be written, is it full?" in done.stderr.decode().splitlines()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_processes_that_end_meanwhile(pymemtools: Run, capture_script: Path, tmp_path: Path, shell: str) -> None:
    """Each is in the archive whole or not at all, and those that were named and are not are said to be missing."""
    gone = [subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(10)]
    stays = subprocess.Popen(["sleep", "60"])
    pids = [str(process.pid) for process in (*gone, stays)]
    command = [*shell_of(shell), str(capture_script), "-d", str(tmp_path), *pids]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    try:
        archive = os.read(running.stdout.fileno(), 512)  # what is no process's comes first
        for process in gone:
            process.kill()
            process.wait()
        rest, errors = running.communicate(timeout=120)
    finally:
        for process in (*gone, stays):
            process.kill()
            process.wait()
    archive += rest
    (tmp_path / "a.tar").write_bytes(archive)
    source = open_source(str(tmp_path / "a.tar"))
    lost = sorted({process.pid for process in gone}.difference(source.pids()))
    assert sorted(errors.decode().splitlines()) == [_lost(pid) for pid in lost]
    assert running.returncode == (42 if lost else 0)
    assert stays.pid in source.pids()
    for pid in source.pids():
        with source.process(pid) as files:
            assert files.read("smaps") or not parse_stat(files.read("stat")).vsize  # it was on its way out


def _lost(pid: int) -> str:
    return f"capture.sh: {pid}: no such process; all else was captured"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("with_output", [False, True])
def test_the_others_are_captured_where_some_are_missing(
    pymemtools: Run, capture_script: Path, tmp_path: Path, shell: str, with_output: bool
) -> None:
    """As the program does it: by the same lines, but for its name, and by the same exit status."""
    archive = tmp_path / "a.tar"
    pids = ["4194305", str(os.getpid()), "4194306", "4194305"]
    where = ["-o", str(archive)] if with_output else []
    command = [*shell_of(shell), str(capture_script), "-d", str(tmp_path), *where, *pids]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode().splitlines()) == (42, [_lost(4194305), _lost(4194306)])
    if not with_output:
        archive.write_bytes(done.stdout)
    assert list(open_source(str(archive)).pids()) == [os.getpid()]
    program = pymemtools("capture", "-o", "b.tar", *pids, cwd=tmp_path)
    assert program.stderr.replace(b"pymemtools: capture", b"capture.sh") == done.stderr
    assert program.returncode == done.returncode


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("shell", SHELLS)
def test_of_a_user_who_may_not_read_all(capture_script: Path, tmp_path: Path, shell: str) -> None:
    command = [*shell_of(shell), "-s", "--", "-d", gettempdir(), "1"]
    with capture_script.open("rb") as script:
        done = subprocess.run(command, stdin=script, capture_output=True, user=65534, group=65534, check=False)
    assert (done.returncode, done.stderr) == (
        0,
        b"capture.sh: 1 of 1 processes could not be read; run as root for all\n",
    )
    (tmp_path / "a.tar").write_bytes(done.stdout)
    source = open_source(str(tmp_path / "a.tar"))
    assert source.manifest is not None
    assert ("smaps", "not readable", frozenset({1})) in source.manifest.unreadable
    assert source.read("1/stat").startswith(b"1 (")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(capture_script: Path, tmp_path: Path, shell: str, number: signal.Signals) -> None:
    """As a terminal's Ctrl-C, and what a session's end sends, reaches the shell and all it runs.

    There is much to do still when it comes: threads are taken as processes are, where they are named.
    """
    with many_threads() as threads:
        command = [*shell_of(shell), str(capture_script), "-d", str(tmp_path), "-o", str(tmp_path / "a.tar"), *threads]
        child = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        while not (tmp_path / "a.tar").exists() or not (tmp_path / "a.tar").stat().st_size:
            assert child.poll() is None
            time.sleep(0.01)
        os.killpg(child.pid, number)
        assert child.wait(timeout=120) == (130 if number == signal.SIGINT else 143)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def many_threads() -> Iterator[list[str]]:
    """Run a process of 400 threads, and give their numbers."""
    program = (
        "import os, threading\nthreading.stack_size(1 << 16)\nfor _ in range(399):\n"
        "    threading.Thread(target=os.read, args=(0, 1), daemon=True).start()\nprint(flush=True)\nos.read(0, 1)"
    )
    command = [sys.executable, "-I", "-S", "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield os.listdir(f"/proc/{process.pid}/task")
        process.kill()


@pytest.mark.parametrize("shell", ["dash", "mksh", "bash --posix"])  # busybox has a gzip of its own
def test_without_gzip(capture_script: Path, tmp_path: Path, shell: str) -> None:
    name, *options = shell_of(shell)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("cat", "date", "mkdir", "rm", "tar", "uname", name):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    command = [
        str(tools / name),
        *options,
        str(capture_script),
        "-d",
        str(tmp_path),
        "-z",
        "-o",
        str(tmp_path / "a.tgz"),
    ]
    done = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"capture.sh: there is no gzip here; leave out -z\n")
    assert list(tmp_path.iterdir()) == [tools]


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["-x"], 2, "usage: sh capture.sh [-d DIR] [-k] [-n] [-z] [-o FILE] [PID...]"),
        (["007"], 1, "capture.sh: 007: not a PID"),
        (["1;id"], 1, "capture.sh: 1;id: not a PID"),
        (["4194304"], 42, "capture.sh: 4194304: no such process\n"),
        (["4194304", "4194306", "4194304"], 42, "capture.sh: 4194304: no such process\n"),
        (["4194304", "-o"], 1, "capture.sh: -o: not a PID"),
        (["-o", "there"], 1, "capture.sh: there: exists already"),
        (["-d", "nowhere"], 1, "nowhere"),
    ],
)
def test_what_the_script_refuses(
    capture_script: Path, tmp_path: Path, arguments: list[str], status: int, reason: str
) -> None:
    (tmp_path / "there").write_text("mine")
    done = subprocess.run(
        ["sh", str(capture_script), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert reason in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_the_script_cleans_up(capture_script: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            ["sh", str(capture_script), "-d", str(scratch), str(os.getpid())],
            stdout=full,
            capture_output=False,
            stderr=-1,
            check=False,
        )
    assert done.returncode == 1
    assert list(scratch.iterdir()) == []


def test_the_script_needs_nothing_but_busybox(capture_script: Path, tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("cat", "date", "mkdir", "rm", "tar", "uname", "sh", "gzip"):
        (tools / name).symlink_to(busybox)
    command = [str(tools / "sh"), str(capture_script), "-z", "-d", str(tmp_path), str(os.getpid())]
    done = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    (tmp_path / "a.tgz").write_bytes(done.stdout)
    assert list(open_source(str(tmp_path / "a.tgz")).pids()) == [os.getpid()]


def test_the_script_is_sound(capture_script: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", "-s", "sh", str(capture_script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_script_is_what_the_program_prints(pymemtools: Run, capture_script: Path) -> None:
    assert pymemtools("capture", "--script").stdout == capture_script.read_bytes()


DF = """#!/bin/sh
cat <<END
Filesystem 1024-blocks Used Available Capacity Mounted on
tmpfs 12334492 17 12334475 1% /run
devtmpfs 4194304000 4 4194306996 1% /dev
none 0 0 0 - /sys/fs/cgroup
none - - - - /secret
my tmpfs 100 50 50 50% /of-another-name
tmpfs 100 50 50 50% /a b
tmpfs 100 50 50 50% /a\\\\b
tmpfs 100 5
END
echo "df: /secret: Permission denied" >&2
exit 1
"""


LIMITED = '#!/bin/sh\n[ "$1" = 5 ] && case $2 in true) ;; df) exit 124 ;; *) exit 1 ;; esac\n'


@pytest.mark.parametrize("shell", ["dash", "mksh", "bash --posix"])  # busybox has a timeout of its own
def test_a_df_that_hangs_is_given_up(capture_script: Path, tmp_path: Path, shell: str) -> None:
    """As on a server that is gone: the timeout that is found here says at once that it ended it."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("cat", "date", "mkdir", "rm", "sleep", "tar", "true", "uname"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    for name, text in (("df", "#!/bin/sh\nexec sleep 600\n"), ("timeout", LIMITED)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    name, *options = shell_of(shell)
    archive = tmp_path / "a.tar"
    command = [str(shutil.which(name)), *options, str(capture_script), "-o", str(archive), str(os.getpid())]
    done = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    source = open_source(str(archive))
    assert source.read("mounts")
    assert tmpfs_text(source) is None


@pytest.mark.parametrize("shell", ["dash", "mksh", "bash --posix"])  # busybox has a df of its own
@pytest.mark.parametrize(
    ("df", "taken"), [(DF, b"12334492 17 /run\n4194304000 4 /dev\n"), ("#!/bin/sh\nexit 1\n", None), (None, None)]
)
def test_how_full_df_says_file_systems_are(
    capture_script: Path, tmp_path: Path, shell: str, df: str | None, taken: bytes | None
) -> None:
    """In KiB, which are not worked with: mksh's numbers have 32 bits; what is no figure or no name is passed over."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("cat", "date", "mkdir", "rm", "tar", "uname"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    if df is not None:
        (tools / "df").write_text(df)
        (tools / "df").chmod(0o755)
    name, *options = shell_of(shell)
    archive = tmp_path / "a.tar"
    command = [str(shutil.which(name)), *options, str(capture_script), "-o", str(archive), str(os.getpid())]
    done = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    source = open_source(str(archive))
    assert source.manifest is not None
    assert source.read("mounts")
    assert tmpfs_text(source) == taken


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
@pytest.mark.skipif(not Path("/proc/2/comm").exists(), reason="sees no kernel thread")
@pytest.mark.parametrize("shell", SHELLS)
def test_kernel_threads_are_not_counted(capture_script: Path, shell: str) -> None:
    """They have no memory that could be read, as ``pymemtools capture`` counts."""
    with subprocess.Popen(["sleep", "60"]) as other:
        command = [*shell_of(shell), "-s", "--", "-d", gettempdir(), "2", str(other.pid)]
        with capture_script.open("rb") as script:
            done = subprocess.run(command, stdin=script, capture_output=True, user=65534, group=65534, check=False)
        other.kill()
    assert done.stderr == b"capture.sh: 1 of 1 processes could not be read; run as root for all\n"

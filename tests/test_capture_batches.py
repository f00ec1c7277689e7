"""The script copies many processes with one cp: what cp does not tell of, and what happens meanwhile, must not show."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from asleep import wait_until_asleep

from pymemtools.capture.contents import PROCESS_FILES
from pymemtools.procfs.stat import parse_stat
from pymemtools.sources import open_source

pytestmark = pytest.mark.live

TOOLS = ("cat", "cp", "date", "mkdir", "rm", "tar", "uname")
MANY = 50  # processes: more than one batch
EXECUTED = "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: os.execvp('sleep', ['sleep', '600']))\n"


@contextmanager
def running(*command: str, count: int = 1) -> Iterator[list[int]]:
    """Run processes that say a line when they are ready, or need not."""
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        if command[0] != "sleep":
            for process in processes:
                assert process.stdout is not None
                process.stdout.readline()
        for process in processes:
            wait_until_asleep(process.pid)
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def tools(directory: Path, **instead: str) -> dict[str, str]:
    """Give an environment with the tools that the script needs, and shell text in place of some."""
    directory.mkdir()
    for name in TOOLS:
        real = shutil.which(name)
        assert real is not None
        if name in instead:
            (directory / name).write_text(f"#!/bin/sh\nreal={real}\n{instead[name]}\n")
            (directory / name).chmod(0o755)
        else:
            (directory / name).symlink_to(real)
    return {"PATH": str(directory)}


def captured(
    script: Path, directory: Path, pids: list[int], environment: dict[str, str], ending: int | None = None
) -> Path:
    """Let the script take processes in dash, which has none of the tools built in; nothing may be left, or said.

    Of one that is ``ending`` it is said if, and only if, it is not in the archive.
    """
    scratch = directory / "scratch"
    scratch.mkdir()
    path = directory / "a.tar"
    command = ["/bin/sh", str(script), "-d", str(scratch), "-o", str(path), *map(str, pids)]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    is_lost = ending is not None and ending not in open_source(str(path)).pids()
    said = b"capture.sh: %d: no such process; all else was captured\n" % (ending or 0) if is_lost else b""
    assert (done.returncode, done.stdout, done.stderr) == (42 if is_lost else 0, b"", said)
    assert list(scratch.iterdir()) == []
    return path


def whole(path: Path, pids: list[int]) -> bool:
    """Tell whether an archive holds all files of these processes, each once."""
    with tarfile.open(path, ignore_zeros=True) as archive:
        files = [member.name for member in archive if member.isfile()]
    named = [name for name in files if name.startswith("proc/") and name.split("/")[1].isdigit()]
    return sorted(named) == sorted(f"proc/{pid}/{name}" for pid in pids for name in PROCESS_FILES)


def test_programs_are_started_for_many_processes_at_once(capture_script: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    counted = dict.fromkeys(TOOLS, f'echo x >>{log}\nexec "$real" "$@"')
    environment = tools(tmp_path / "bin", **counted)
    with running("sleep", "600", count=MANY) as pids:
        assert whole(captured(capture_script, tmp_path, pids, environment), pids)
    assert len(log.read_text().split()) < MANY


@pytest.mark.parametrize(
    "cp",
    [
        'case $1 in --parents) echo "cp: unknown option" >&2; exit 1 ;; esac\nexec "$real" "$@"',
        'exec "$real" "$@" 2>/dev/null || exit 0',
        'for last; do :; done\nfor file; do [ -f "$file" ] && : >"$last$file"; done\nexit 0',
    ],
    ids=["knows no --parents", "hides errors", "goes by the size that a file says it has"],
)
def test_a_cp_that_will_not_do(capture_script: Path, tmp_path: Path, cp: str) -> None:
    with running("sleep", "600", count=3) as pids:
        path = captured(capture_script, tmp_path, pids, tools(tmp_path / "bin", cp=cp))
        assert whole(path, pids)
        source = open_source(str(path))
        for pid in pids:
            with source.process(pid) as files:
                assert files.read("maps") == Path(f"/proc/{pid}/maps").read_bytes()


@pytest.mark.parametrize("after", ["copied", "looked"])
def test_a_process_that_becomes_another_program(capture_script: Path, tmp_path: Path, after: str) -> None:
    """Its files are all of one program, whenever it was: before its neighbours are copied, or after."""
    with running("python3", "-uc", f"{EXECUTED}print(1)\nwhile True: signal.pause()") as changing:
        change = (
            f'case "$*" in *{changing[0]}/maps*)\n'
            f"  kill -USR1 {changing[0]} 2>/dev/null\n"
            f"  while read -r line </proc/{changing[0]}/stat; do\n"
            '    case $line in *"(sleep) S "*) break ;; esac\n'  # by name it is another before all of it is mapped
            "  done\n"
            "esac"
        )
        run = '"$real" "$@"; status=$?'
        cp = f"{run}\n{change}\nexit $status" if after == "copied" else f"{change}\n{run}\nexit $status"
        environment = tools(tmp_path / "bin", cp=cp)
        with running("sleep", "600", count=3) as still:
            path = captured(capture_script, tmp_path, [*changing, *still], environment)
            assert whole(path, [*changing, *still])
        source = open_source(str(path))
        with source.process(changing[0]) as files:
            assert parse_stat(files.read("stat"), "stat").comm == b"sleep"
            for name in ("maps", "smaps"):
                assert b"/sleep\n" in files.read(name)
                assert b"python" not in files.read(name)
            assert files.read("cmdline") == b"sleep\x00600\x00"


def test_a_process_that_ends_while_its_batch_is_copied(capture_script: Path, tmp_path: Path) -> None:
    with running("sleep", "600", count=5) as pids:
        gone = subprocess.Popen(["sleep", "600"])
        all_pids = [*pids[:2], gone.pid, *pids[2:]]
        cp = (
            f'case "$*" in *{gone.pid}/maps*)\n'
            f"  kill -9 {gone.pid} 2>/dev/null\n"
            f"  while read -r line </proc/{gone.pid}/stat; do\n"  # it dies when a processor has time for that
            '    case $line in *"(sleep) Z "*) break ;; esac\n'
            "  done 2>/dev/null\n"
            'esac\nexec "$real" "$@"'
        )
        # One that was waited for is gone; cp says so of its files. dash does not wait for it, we do.
        signal.signal(signal.SIGCHLD, lambda *_: gone.poll())
        try:
            path = captured(capture_script, tmp_path, all_pids, tools(tmp_path / "bin", cp=cp), gone.pid)
        finally:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            gone.wait()
        present = set(open_source(str(path)).pids())
        assert set(pids) <= present
        if gone.pid in present:  # as a zombie
            with open_source(str(path)).process(gone.pid) as files:
                assert b"(sleep) Z " in files.read("stat")


def test_a_copy_that_fails_halfway_without_a_word(capture_script: Path, tmp_path: Path) -> None:
    """Which one it was is found out by halves; what was copied of it is not kept."""
    with running("sleep", "600", count=7) as pids:
        cp = (
            f'"$real" "$@" || exit 1\ncase "$*" in *{pids[4]}/smaps*) ;; *) exit 0 ;; esac\n'
            f"echo cut >./proc/{pids[4]}/smaps\nexit 1"
        )
        path = captured(capture_script, tmp_path, pids, tools(tmp_path / "bin", cp=cp))
        assert whole(path, pids)
        with open_source(str(path)).process(pids[4]) as files:
            assert files.read("smaps").count(b"VmFlags") == Path(f"/proc/{pids[4]}/maps").read_bytes().count(b"\n")


def test_files_too_large_for_memory(capture_script: Path, tmp_path: Path) -> None:
    """They go to the scratch directory, one process at a time, and are whole."""
    code = (
        "import mmap, signal\n"
        "kept = [mmap.mmap(-1, 4096, prot=mmap.PROT_READ << i % 2) for i in range(8000)]\n"
        "print(1)\nsignal.pause()"
    )
    with running("python3", "-uc", code) as large, running("sleep", "600", count=4) as small:
        path = captured(capture_script, tmp_path, [*small, *large], tools(tmp_path / "bin"))
        assert whole(path, [*small, *large])
        with open_source(str(path)).process(large[0]) as files:
            smaps = files.read("smaps")
            assert len(smaps) > 4 << 20
            assert smaps.count(b"VmFlags") == files.read("maps").count(b"\n") > 8000


def test_a_name_that_looks_like_the_end_of_a_line(capture_script: Path, tmp_path: Path) -> None:
    name = ") S 1 1\\n1 (x"
    code = f"import ctypes, signal\nctypes.CDLL(None).prctl(15, b'{name}')\nprint(1)\nsignal.pause()"
    with running("python3", "-uc", code, "a\nb", count=2) as hostile, running("sleep", "600") as other:
        path = captured(capture_script, tmp_path, [*hostile, *other], tools(tmp_path / "bin"))
        assert whole(path, [*hostile, *other])
        with open_source(str(path)).process(hostile[1]) as files:
            assert files.read("comm") == b") S 1 1\n1 (x\n"
            assert files.read("cmdline").endswith(b"\x00a\nb\x00")


@pytest.mark.skipif(os.getuid() != 0, reason="mounts a file system")
@pytest.mark.parametrize("size", ["4k", "64k", "512k"])
def test_no_room_in_memory(capture_script: Path, tmp_path: Path, size: str) -> None:
    """Then fewer go there at once, or none."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    mount = f"mount -t tmpfs -o size={size} none /dev/shm && mount -t tmpfs -o size=4k none /run"
    with running("sleep", "600", count=MANY) as pids:
        command = f"{mount} && exec sh {capture_script} {' '.join(map(str, pids))}"
        environment = os.environ | {"TMPDIR": str(scratch)}
        done = subprocess.run(["unshare", "-m", "sh", "-c", command], env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        (tmp_path / "a.tar").write_bytes(done.stdout)
        assert whole(tmp_path / "a.tar", pids)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [None, signal.SIGTERM])
def test_nothing_is_left_in_memory(capture_script: Path, number: signal.Signals | None) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TMPDIR"}
    command = ["sh", str(capture_script)]
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert child.stdout is not None
    os.read(child.stdout.fileno(), 1)
    places = [Path(place, f"pymemtools-capture.{child.pid}") for place in ("/dev/shm", "/run", "/tmp")]
    assert any(place.exists() for place in places)
    if number is not None:
        os.killpg(child.pid, number)
    child.communicate()
    assert child.returncode == (0 if number is None else 143)
    assert not any(place.exists() for place in places)


def test_with_toyboxs_tools(capture_script: Path, tmp_path: Path) -> None:
    """Its cp knows --parents, but says nothing of a file that cannot be read to its end."""
    toybox = shutil.which("toybox")
    if toybox is None:
        pytest.skip("toybox is not installed")
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(toybox)
    with running("sleep", "600", count=3) as pids:
        path = captured(capture_script, tmp_path, pids, {"PATH": str(tmp_path / "bin")})
        assert whole(path, pids)
        path = tmp_path / "b.tar"
        command = ["/bin/sh", str(capture_script), "-o", str(path), str(pids[0]), "4194306"]
        done = subprocess.run(command, env={"PATH": str(tmp_path / "bin")}, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (
            42,
            b"capture.sh: 4194306: no such process; all else was captured\n",
        )
        assert whole(path, pids[:1])

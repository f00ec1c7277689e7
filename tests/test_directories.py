"""Directories as sources: copies whose maker is not trusted, and /proc mounted elsewhere."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Run
from descriptors import descriptors
from trees import Map, Proc, write_tree

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.readings.processes import read_processes
from pymemtools.readings.wants import Wants
from pymemtools.sources import open_source
from pymemtools.sources.tree import live

PASSWD = "ann:x:1000:1000::/:/bin/sh\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree", Proc(7, "prog", uid=1000), Proc(8, "other"), passwd=PASSWD)


def commands(path: Path) -> list[tuple[str, str | None]]:
    sample = read_processes(open_source(str(path)), Wants(("Pss",)))
    return [(process.command, process.user) for process in sample.processes]


def test_where_the_tree_may_be(tree: Path, tmp_path: Path) -> None:
    expected = [("prog", "ann"), ("other", None)]
    assert commands(tree) == expected
    assert commands(tree / "proc") == expected
    assert commands(tree / "proc" / ".") == expected
    (tmp_path / "link").symlink_to(tree)
    assert commands(tmp_path / "link") == expected
    top = tmp_path / "unpacked"
    top.mkdir()
    tree.rename(top / "sosreport-1")
    assert commands(top) == expected


def test_a_tree_of_its_own_without_a_proc_folder(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "x", Proc(7, "prog", uid=1000))
    flat = (root / "proc").rename(tmp_path / "flat")
    (flat / "etc").mkdir()
    (flat / "etc" / "passwd").write_text(PASSWD)
    assert commands(flat) == [("prog", "ann")]


NO_TREE = {
    "nothing": (),
    "folders that are numbers": ("2024/report.txt", "2025/report.txt"),
    "files that are numbers": ("7", "8"),
    "no PIDs": ("0/stat", "007/stat", "4194305/stat", "99999999/stat", "1e3/stat", "٣/stat", "self/stat"),
    "a /proc folder of something else": ("proc/notes.txt",),
}


@pytest.mark.parametrize("case", NO_TREE)
def test_what_holds_no_tree(tmp_path: Path, pymemtools: Run, case: str) -> None:
    for path in NO_TREE[case]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    with pytest.raises(Missing) as refused:
        open_source(str(tmp_path))
    assert str(refused.value) == f"{tmp_path}: no /proc tree in it (neither meminfo nor a process)"


def test_a_refused_directory_is_one_line(tmp_path: Path, pymemtools: Run) -> None:
    for command in ("smem", "free"):
        done = pymemtools(command, "-S", str(tmp_path))
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == f"pymemtools: {tmp_path}: no /proc tree in it (neither meminfo nor a process)\n"


def test_a_copy_by_size_has_nothing(tree: Path, pymemtools: Run) -> None:
    """As rsync makes it."""
    for path in (tree / "proc").rglob("*"):
        if path.is_file():
            os.truncate(path, 0)
    reason = (
        f"{tree}: all files in it are empty: programs that go by the size of a file see nothing in those of /proc; "
        "use pymemtools capture or smemcap"
    )
    for command in ("smem", "free"):
        done = pymemtools(command, "-S", str(tree))
        assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", f"pymemtools: {reason}\n")
    (tree / "proc" / "8" / "stat").write_text("8 (x) S\n")
    assert open_source(str(tree)).pids() == [7, 8]


def test_a_root_that_may_not_be_listed(
    tree: Path, powerless: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a container may see its host's: /host/proc is open, /host is not."""
    commands(tree)  # loads what reading needs
    for directory in (tree / "proc", tree / "proc" / "7", tree / "proc" / "8", tree / "etc"):
        directory.chmod(0o755)
    (tree / "etc" / "passwd").chmod(0o644)
    tree.chmod(0o711)
    monkeypatch.chdir(tree / "proc")
    powerless()
    assert commands(Path("../proc")) == [("prog", "ann"), ("other", None)]


def test_two_trees_are_none(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path / "other")
    (tmp_path / "no tree" / "proc").mkdir(parents=True)
    with pytest.raises(Missing) as refused:
        open_source(str(tmp_path))
    assert str(refused.value) == f"{tmp_path}: two /proc trees in it, below 'other' and below 'tree'"
    shutil.rmtree(tmp_path / "other")
    assert open_source(str(tmp_path)).pids() == [7, 8]


@pytest.mark.parametrize("name", ["nothing", "file/below"])
def test_what_is_no_directory(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MemtoolsError):
        open_source(str(tmp_path / name))


def test_links_are_not_followed(tree: Path, tmp_path: Path) -> None:
    """Not as the tree, nor as a process, nor as a file, nor on the way to one."""
    secret = tmp_path / "secret"
    secret.write_text("MemTotal: 1 kB\n")
    proc = tree / "proc"
    for link, target in (
        ("meminfo", secret),
        ("8/smaps", Path("/proc/self/smaps")),
        ("7/cmdline", secret),
        ("9", Path("/proc/self")),
        ("sys", tmp_path),
        ("../etc/passwd", Path("/etc/passwd")),
    ):
        place = proc / link
        if place.exists():
            place.unlink()
        place.symlink_to(target)
    source = open_source(str(tree))
    for path in ("meminfo", "sys/secret", "/etc/passwd", "sys/vm/swappiness"):
        with pytest.raises(Missing):
            source.read(path)
    with pytest.raises(Missing, match=r"/proc/meminfo: a symbolic link, which is not followed$"):
        source.read("meminfo")
    assert (source.names("sys"), source.user_name(0), source.user_name(1000)) == ([], None, None)
    sample = read_processes(source, Wants(("Pss",)))
    assert [(process.pid, process.command) for process in sample.processes] == [(7, "[prog]")]
    assert (sample.unreadable, sample.reason) == (1, "no smaps")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "proc").symlink_to("/proc")
    with pytest.raises(Missing):
        open_source(str(tmp_path / "linked"))


def test_nothing_above_the_tree_is_read(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    source = open_source(str(tree))
    for path in ("../../secret", "/../secret", "7/../../../secret", "/etc/../../secret"):
        with pytest.raises(Missing):
            source.read(path)
    assert source.names("/..") == source.names("..") == []


def test_what_never_ends_is_not_opened(tree: Path) -> None:
    proc = tree / "proc"
    for name in ("meminfo", "7/smaps", "7/stat", "8/cmdline"):
        (proc / name).unlink()
        os.mkfifo(proc / name)
    (proc / "version").unlink()
    (proc / "version").mkdir()
    source = open_source(str(tree))
    for path in ("meminfo", "version", "7/smaps"):
        with pytest.raises(Missing):
            source.read(path)
    assert commands(tree) == [("[other]", None)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_devices_are_not_read(tree: Path) -> None:
    os.mknod(tree / "proc" / "zero", 0o20644, os.makedev(1, 5))
    with pytest.raises(Missing, match="zero: not a regular file"):
        open_source(str(tree)).read("zero")


def test_large_files_do_not_fill_memory(tree: Path) -> None:
    os.truncate(tree / "proc" / "meminfo", 1 << 40)
    with pytest.raises(MemtoolsError, match="meminfo: more than 64 MiB"):
        open_source(str(tree)).read("meminfo")
    os.truncate(tree / "proc" / "8" / "smaps", 1 << 40)
    sample = read_processes(open_source(str(tree)), Wants(("Pss",)))
    assert [process.pid for process in sample.processes] == [7]
    assert sample.reason == "smaps: a line of more than 64 KiB"


@pytest.fixture
def powerless() -> Iterator[Callable[[], None]]:
    """Give up root's power to read everything, for the rest of a test."""
    yield lambda: os.seteuid(65534) if os.geteuid() == 0 else None
    os.seteuid(os.getuid())


def test_files_that_may_not_be_read(tree: Path, powerless: Callable[[], None]) -> None:
    source = open_source(str(tree))
    assert commands(tree) == [("prog", "ann"), ("other", None)]  # and all modules are loaded that need reading
    for directory in (tree, tree / "proc", tree / "proc" / "7", tree / "proc" / "8"):
        directory.chmod(0o755)
    for path in ("meminfo", "7/smaps", "8/status"):
        (tree / "proc" / path).chmod(0)
    powerless()
    with pytest.raises(Denied) as refused:
        source.read("meminfo")
    assert str(refused.value) == f"{tree}/proc/meminfo: Permission denied"
    sample = read_processes(source, Wants(("Pss",)))
    assert [process.pid for process in sample.processes] == [8]
    assert (sample.unreadable, sample.reason) == (1, "Permission denied")


def test_directories_that_may_not_be_read(tree: Path, powerless: Callable[[], None]) -> None:
    source = open_source(str(tree))
    (tree / "proc").chmod(0o755)
    (tree / "proc" / "7").chmod(0)
    (tree / "proc" / "8").chmod(0o755)
    powerless()
    with pytest.raises(Denied) as refused, source.process(7):
        pass
    assert str(refused.value) == f"{tree}/proc/7: Permission denied"
    assert read_processes(source, Wants(("Pss",))).unreadable == 1


def test_processes_that_vanish_from_a_copy_while_it_is_read(tree: Path) -> None:
    source = open_source(str(tree))
    pids = source.pids()
    shutil.rmtree(tree / "proc" / "8")
    with source.process(7) as files:
        shutil.rmtree(tree / "proc" / "7")
        with pytest.raises(Missing, match=r"^7/smaps: No such file or directory$"):
            files.read("smaps")
    assert pids == [7, 8]
    with pytest.raises(Missing) as refused, source.process(8):
        pass
    assert str(refused.value) == "8: no such process"


def test_names_of_any_bytes(tree: Path) -> None:
    odd = os.fsencode(tree / "proc") + b"/"
    for name in (b"\xff\xfe", b"7\n", b"\x1b[2J", "\u0667".encode(), b"7 ", b"+7"):
        os.mkdir(odd + name)
        Path(os.fsdecode(odd + name), "stat").write_text("7 (x) S\n")
    source = open_source(str(tree))
    assert source.pids() == [7, 8]
    assert source.names("") == source.names(".") == sorted(os.listdir(tree / "proc"))


def test_a_long_command_line_is_no_long_line(tree: Path) -> None:
    (tree / "proc" / "7" / "cmdline").write_bytes(b"prog\0" + b"x" * 100_000 + b"\0")
    source = open_source(str(tree))
    with source.process(7) as files:
        assert b"".join(files.chunks("cmdline")) == files.read("cmdline") == b"prog\0" + b"x" * 100_000 + b"\0"


def test_facts_are_the_copys(tree: Path) -> None:
    facts = open_source(str(tree)).facts
    assert facts == ("directory", str(tree), "6.12.0", 4096, None)
    text = (tree / "proc" / "7" / "smaps").read_text().replace("PageSize:        4", "PageSize:       64")
    (tree / "proc" / "7" / "smaps").write_text(text)
    assert open_source(str(tree)).facts.page_size == 65536


def test_owners_of_a_copy_that_was_unpacked_by_anybody_but_root(tree: Path) -> None:
    """He owns meminfo too, which in /proc is root's; where root has it, owners are those of the machine studied."""
    (tree / "proc" / "7" / "status").unlink()
    ann = os.geteuid() or 1000
    for copier, uid in ((ann, None), (0, ann)) if os.geteuid() == 0 else ((ann, None),):
        os.chown(tree / "proc" / "7", ann, -1)
        os.chown(tree / "proc" / "meminfo", copier, -1)
        with open_source(str(tree)).process(7) as files:
            assert files.uid() == uid


def test_proc_by_another_name_is_live() -> None:
    for path in ("/proc", "/", "/proc/../proc"):
        source = open_source(path)
        assert (source.is_live, source.facts.kind) == (True, "live")
        assert os.getpid() in source.pids()
        assert source.user_name(0) == "root"


def test_no_proc_is_mounted(tmp_path: Path) -> None:
    with pytest.raises(Missing) as refused:
        live(str(tmp_path)).pids()
    assert str(refused.value) == "/proc: no process in it, not even this one: is it mounted?"


def test_proc_of_another_root_is_live_with_its_own_users(tmp_path: Path, pymemtools: Run) -> None:
    """As a container sees its host's: /host/proc."""
    (tmp_path / "host" / "proc").mkdir(parents=True)
    (tmp_path / "host" / "etc").mkdir()
    (tmp_path / "host" / "etc" / "passwd").write_text("boss:x:0:0::/:\n")
    (tmp_path / "linked" / "proc").mkdir(parents=True)
    (tmp_path / "linked" / "etc").symlink_to("/etc")
    mount = f'mount -t proc proc {tmp_path}/host/proc && mount -t proc proc {tmp_path}/linked/proc && exec "$@"'
    wrapper = ["unshare", "--mount", "--pid", "--fork", "--map-root-user", "sh", "-c", mount, "sh"]
    if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no private mounts here")
    for place, user in (("host", "boss"), ("host/proc", "boss"), ("linked", "0")):
        command = [sys.executable, "-m", "pymemtools", "smem", "-H", "-c", "pid user", "-S", str(tmp_path / place)]
        done = subprocess.run([*wrapper, *command], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["1", user]


def test_descriptors_are_closed(tree: Path) -> None:
    gc.collect()  # what other tests' exceptions still hold
    before = descriptors()
    for _ in range(20):
        commands(tree)
        commands(tree / "proc")
    with pytest.raises(Missing):
        open_source(str(tree / "etc"))
    assert descriptors() <= before


def test_a_process_is_read_in_pieces_of_any_size(tmp_path: Path) -> None:
    many = tuple(Map(f"/lib/{i}", 1) for i in range(3000))
    source = open_source(str(write_tree(tmp_path / "tree", Proc(7, "prog", many))))
    assert read_processes(source, Wants(("Pss",))).processes[0].sums == {"Pss": 3000 << 10}

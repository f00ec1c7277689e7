"""tunables: names, meanings and checks on copies; writing, all or none, on this machine and put back."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HERE, Run

from pymemtools.models.overcommit import commit_limit
from pymemtools.models.tunables import TUNABLES, canonical, limits
from pymemtools.readings.machine import read_machine
from pymemtools.reports.tunables.harm import harm
from pymemtools.reports.tunables.values import Assignment, Wanted, checked, drop_in_lines, wishes_of
from pymemtools.sources import open_source

pytestmark = pytest.mark.alone

VM = Path("/proc/sys/vm")
MEMINFO = (
    "MemTotal: 1000000 kB\nMemFree: 500000 kB\nActive(file): 100000 kB\nInactive(file): 100000 kB\n"
    "CommitLimit: 500000 kB\nCommitted_AS: 600000 kB\nHugepagesize: 2048 kB\nSwapTotal: 0 kB\n"
)
ZONEINFO = (
    "Node 0, zone   Normal\n  pages free 125000\n  min 100\n  low 125\n  high 150\n  present 250000\n"
    "  managed 250000\n  protection: (0)\n"
)
VALUES = {
    "swappiness": "60",
    "dirty_ratio": "20",
    "dirty_background_ratio": "10",
    "dirty_bytes": "0",
    "dirty_background_bytes": "0",
    "page-cluster": "3",
    "overcommit_memory": "0",
    "overcommit_ratio": "50",
    "overcommit_kbytes": "0",
    "min_free_kbytes": "4000",
    "dirty_expire_centisecs": "1500",
    "oom_dump_tasks": "1",
    "lowmem_reserve_ratio": "256\t256\t32",
    "invented_by_tests": "7\x1b[2J",
    "nr_hugepages": "8",
}
live_root = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access(VM / "swappiness", os.W_OK), reason="only root sets this machine's tunables"
)


@pytest.fixture
def tree(tmp_path: Path) -> str:
    vm = tmp_path / "proc" / "sys" / "vm"
    vm.mkdir(parents=True)
    for name, value in VALUES.items():
        (vm / name).write_text(f"{value}\n")
    (vm / "stat_refresh").write_text("")
    (vm / "drop_caches").write_text("0\n")
    (tmp_path / "proc" / "meminfo").write_text(MEMINFO)
    (tmp_path / "proc" / "zoneinfo").write_text(ZONEINFO)
    (tmp_path / "proc" / "1").mkdir()
    smaps = "1000-2000 r-xp 00000000 00:00 0 \nSize: 4 kB\nKernelPageSize: 4 kB\n"
    (tmp_path / "proc" / "1" / "smaps").write_text(smaps)
    huge = tmp_path / "sys" / "kernel" / "mm" / "transparent_hugepage"
    huge.mkdir(parents=True)
    (huge / "enabled").write_text("always [madvise] never\n")
    return str(tmp_path)


def output(pymemtools: Run, *arguments: str) -> list[str]:
    done = pymemtools("tunables", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


def test_list(pymemtools: Run, tree: str) -> None:
    assert output(pymemtools, "list", "-S", tree) == [
        "Name                          Value         Default  Meaning",
        "transparent_hugepage.enabled  madvise       by rule",
        "vm.dirty_background_bytes     0             0",
        "vm.dirty_background_ratio     10            10       10 % of 683.0 MiB dirtyable = 68.2 MiB",
        "vm.dirty_bytes                0             0",
        "vm.dirty_expire_centisecs     1500          3000     15 s; not the default",
        "vm.dirty_ratio                20            20       20 % of 683.0 MiB dirtyable = 136.6 MiB",
        "vm.drop_caches                (write-only)  -",
        "vm.invented_by_tests          7\\x1b[2J      -",
        "vm.lowmem_reserve_ratio       256 256 32    by rule",
        "vm.min_free_kbytes            4000          by rule  3.9 MiB, 0.40 % of RAM",
        "vm.nr_hugepages               8             0        16.0 MiB; not the default",
        "vm.oom_dump_tasks             1             1        on",
        "vm.overcommit_kbytes          0             0",
        "vm.overcommit_memory          0             0        heuristic: refuses only what is plainly too much",
        "vm.overcommit_ratio           50            50       50 % of 976.6 MiB RAM and 0 B swap = 488.3 MiB",
        "vm.page-cluster               3             3        2^3 = 8 pages",
        "vm.swappiness                 60            60       anonymous pages : file pages = 60 : 140",
    ]
    for pattern, count in (
        ("dirty", 5),
        ("DIRTY", 5),
        ("dirty_*", 5),
        ("vm.*swap*", 1),
        ("vm/swap", 1),
        ("*.enabled", 1),
    ):
        assert len(output(pymemtools, "list", pattern, "-S", tree)) == 1 + count


def test_meaning_of_old_kernels(pymemtools: Run, tree: str) -> None:
    Path(tree, "proc", "version").write_text("Linux version 2.6.24 (x)\n")
    for name, value in (("dirty_background_ratio", "30"), ("dirty_ratio", "10"), ("oom_dump_tasks", "1")):
        Path(tree, "proc", "sys", "vm", name).write_text(value)
    assert output(pymemtools, "list", "-S", tree, "background_ratio")[1:] == [
        "vm.dirty_background_ratio  30     5        "
        "no more than half of what dirty_ratio or dirty_bytes gives = 34.2 MiB; not the default",
    ]
    assert output(pymemtools, "list", "-S", tree, "dump")[1:] == [
        "vm.oom_dump_tasks  1      0        on; not the default",
    ]
    assert output(pymemtools, "list", "-S", tree, "swap")[1:] == ["vm.swappiness  60     60"]
    assert "allowed:  0 to 100" in output(pymemtools, "explain", "-S", tree, "swappiness")


def test_list_for_programs(pymemtools: Run, tree: str) -> None:
    rows = json.loads("\n".join(output(pymemtools, "list", "-S", tree, "-f", "json")))["rows"]
    found = {row["tunable"]: row for row in rows}
    assert found["vm.page-cluster"] == {
        "tunable": "vm.page-cluster",
        "value": "3",
        "unit": "power of 2",
        "default": "3",
        "default_rule": None,
        "is_default": True,
        "meaning": "2^3 = 8 pages",
        "is_write_only": False,
    }
    assert found["vm.dirty_expire_centisecs"]["is_default"] is False
    assert found["vm.min_free_kbytes"]["default"] is None
    assert found["vm.min_free_kbytes"]["default_rule"] == "4 * sqrt(lowmem in kB), or what huge pages ask for"
    assert [found["vm.drop_caches"][key] for key in ("value", "is_write_only")] == [None, True]
    assert found["vm.invented_by_tests"]["default"] is None
    assert "vm.stat_refresh" not in found


def test_what_is_assumed_or_damaged_is_said(pymemtools: Run, tree: str) -> None:
    Path(tree, "proc", "1", "smaps").unlink()
    Path(tree, "proc", "zoneinfo").write_text("nonsense\n")
    notes = [
        "the source does not tell its page size: 4096 is assumed",
        "zoneinfo: line 1: expected 'Node N, zone NAME', got 'nonsense'",
    ]
    for command in (("list",), ("explain", "dirty_ratio")):
        done = pymemtools("tunables", *command, "-S", tree)
        assert done.returncode == 0
        assert done.stderr.decode().splitlines() == [f"pymemtools: tunables: {note}" for note in notes]
    assert json.loads(pymemtools("tunables", "list", "-S", tree, "-f", "json").stdout)["notes"] == notes


def test_get(pymemtools: Run, tree: str) -> None:
    names = (
        "swappiness",
        "vm/dirty_ratio",
        "vm.page-cluster",
        "transparent_hugepage.enabled",
        "vm.lowmem_reserve_ratio",
    )
    assert output(pymemtools, "get", "-S", tree, *names) == [
        "vm.swappiness = 60",
        "vm.dirty_ratio = 20",
        "vm.page-cluster = 3",
        "transparent_hugepage.enabled = madvise",
        "vm.lowmem_reserve_ratio = 256 256 32",
    ]
    assert output(pymemtools, "get", "-n", "-S", tree, "swappiness") == ["60"]
    assert output(pymemtools, "get", "-N", "-S", tree, "swappiness") == ["vm.swappiness"]


def test_get_goes_on_after_what_is_not_there(pymemtools: Run, tree: str) -> None:
    done = pymemtools("tunables", "get", "-S", tree, "swappiness", "nonsense", "kernel.hostname", "page-cluster")
    assert (done.returncode, done.stdout) == (1, b"vm.swappiness = 60\nvm.page-cluster = 3\n")
    assert done.stderr.decode().splitlines() == [
        "pymemtools: vm.nonsense: no such tunable; pymemtools tunables list has them all",
        "pymemtools: kernel.hostname: no such tunable; pymemtools tunables list has them all",
    ]


def test_explain(pymemtools: Run, tree: str) -> None:
    assert output(pymemtools, "explain", "-S", tree, "page-cluster") == [
        "vm.page-cluster: How many pages are read from swap at a time: 2 to this power; 0",
        "reads one. For swap in RAM (zram) 0 is best.",
        "",
        "now:      3 (2^3 = 8 pages)",
        "default:  3",
        "allowed:  0 to 31",
        "unit:     power of 2",
        "Linux:    below 16 MB of RAM 2",
        "file:     /proc/sys/vm/page-cluster",
    ]
    assert "now:      this kernel does not have it" in output(pymemtools, "explain", "-S", tree, "ksm.run")
    assert output(pymemtools, "explain", "-S", tree, "invented_by_tests") == [
        "vm.invented_by_tests: Nothing more is known of it here.",
        "",
        "now:      7\\x1b[2J",
        "file:     /proc/sys/vm/invented_by_tests",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("get", "nonsense"), 1, "vm.nonsense: no such tunable"),
        (("get", "kernel.hostname"), 1, "kernel.hostname: no such tunable"),
        (("get", "vm/../kernel/hostname"), 1, "no such tunable"),
        (("get", "stat_refresh"), 1, "not read, since reading it makes the kernel do something"),
        (("get", "-n", "-N", "swappiness"), 2, "--values and --names leave nothing"),
        (("list", "nonsense"), 1, "the source has no tunable like 'nonsense'"),
        (("explain", "nonsense"), 1, "vm.nonsense: no such tunable; pymemtools tunables list has them all"),
        (("set",), 2, "nothing to set; write NAME=VALUE"),
        (("set", "swappiness"), 2, "'swappiness': write NAME=VALUE"),
        (("set", "nonsense=1"), 2, "nothing is known of 'vm.nonsense', so it is not set"),
        (("set", "vm/../kernel/hostname=x"), 2, "nothing is known of"),
        (("set", "vm=1"), 2, "nothing is known of 'vm.vm'"),
        (("set", "swappiness="), 2, "takes a number, not ''"),
        (("set", "swappiness=010"), 2, "'010' has a leading zero: the kernel would read octal"),
        (("set", "swappiness=0x10"), 2, "takes a number, not '0x10'"),
        (("set", "swappiness=10 20"), 2, "takes one number, not '10 20'"),
        (("set", "swappiness=٤"), 2, "takes a number, not"),
        (("set", "swappiness=+5"), 2, "takes a number, not '+5'"),
        (("set", "swappiness=1e2"), 2, "takes a number, not '1e2'"),
        (("set", "swappiness=201"), 2, "takes 0 to 200, not 201"),
        (("set", "swappiness=-1"), 2, "takes 0 to 200, not -1"),
        (("set", "swappiness=99999999999999999999"), 2, "takes a number, not"),
        (("set", "swappiness=5", "vm/swappiness=6"), 2, "vm.swappiness is set twice, or with its twin"),
        (("set", "dirty_ratio=5", "dirty_bytes=4096"), 2, "vm.dirty_bytes is set twice, or with its twin"),
        (("set", "dirty_bytes=0"), 2, "vm.dirty_bytes is 0 by itself while vm.dirty_ratio is set; set that instead"),
        (("set", "dirty_background_bytes=0"), 2, "while vm.dirty_background_ratio is set"),
        (("set", "dirty_bytes=1"), 2, f"takes {2 * os.sysconf('SC_PAGESIZE')} or more, not 1"),
        (("set", "lowmem_reserve_ratio=256"), 2, "numbers here, not '256'"),
        (("set", "overcommit_memory=2", "overcommit_ratio=0"), 2, "are promised already, and CommitLimit would be "),
        (("set", "overcommit_kbytes=0", "overcommit_memory=2"), 2, "are promised already, and CommitLimit would be "),
        (("set", "nr_hugepages=99999999999"), 2, " more, and "),
        (("set", "min_free_kbytes=1000"), 2, "below 1024 the machine may deadlock"),
        (("set", "min_free_kbytes=2000000000"), 2, "more than 5 % of RAM"),
        (("set", "drop_caches=1"), 2, "use pymemtools drop-caches"),
        (("set", "panic_on_oom=1"), 2, "The machine goes down."),
        (("set", "transparent_hugepage.enabled=sometimes"), 2, "takes one of always madvise never, not 'sometimes'"),
        (("set", "ksm.run=0", "--persist", "x", "--dry-run"), 2, "--persist writes for sysctl"),
        (("set", "drop_caches=1", "--force", "--persist", "x"), 2, "vm.drop_caches is no setting that could last"),
        (("set", "swappiness=60", "--persist", "/dev/null"), 1, "/dev/null: no regular file"),
        (("set", "swappiness=60", "--persist", "/nowhere/x"), 1, "/nowhere/x: No such file or directory"),
        (("set", "swappiness=60", "--persist", "/nowhere/x", "--dry-run"), 1, "/nowhere is no folder"),
        (("set", "swappiness=60", "-S", "x.tar"), 2, "a capture cannot be set"),
        (("set", "--from", "/nowhere"), 1, "/nowhere: No such file or directory"),
        (("set", "--from", "/dev/zero"), 2, "/dev/zero: larger than 1 MiB"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_refused(pymemtools: Run, arguments: tuple[str, ...], status: int, reason: str) -> None:
    done = pymemtools("tunables", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, b"", 1)
    assert reason in done.stderr.decode()


def test_one_spelling() -> None:
    for name in ("swappiness", "vm.swappiness", "vm/swappiness"):
        assert canonical(name) == "vm.swappiness"
    assert canonical("ksm/run") == "ksm.run"


def test_what_is_known_hangs_together() -> None:
    for entry in TUNABLES.values():
        assert entry.meaning.endswith(".")
        assert all(name in TUNABLES for name in entry.related)
        assert not entry.twin or TUNABLES[entry.twin].twin == entry.name
        assert entry.low <= entry.high


def test_commit_limit_of_the_documentation() -> None:
    limit = commit_limit(1 << 30, 7 << 30, 0, 30)
    assert abs(limit / (1 << 30) - 7.3) < 0.01


def test_a_capture_is_never_set(pymemtools: Run) -> None:
    done = pymemtools("--demo", "tunables", "set", "swappiness=60")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"pymemtools: tunables set: a capture cannot be set\n"


@pytest.fixture
def kept() -> Iterator[None]:
    """Put this machine's settings back, whatever a test does; one such test at a time, whoever else runs some."""
    with open(Path(tempfile.gettempdir()) / "pymemtools-tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from _kept()


def _kept() -> Iterator[None]:
    names = ("swappiness", "dirty_bytes", "dirty_ratio", "min_free_kbytes", "overcommit_memory")
    before = {name: (VM / name).read_text().strip() for name in names}
    yield
    for name, value in before.items():
        if (VM / name).read_text().strip() != value and not (name == "dirty_bytes" and value == "0"):
            (VM / name).write_text(value)


def setting(name: str) -> int:
    return int((VM / name).read_text())


@live_root
def test_round_trip(pymemtools: Run, kept: None) -> None:
    swappiness, ratio, least = setting("swappiness"), setting("dirty_ratio"), setting("min_free_kbytes")
    other = 61 if swappiness != 61 else 62
    pages = output(
        pymemtools, "set", f"vm.swappiness={other}", "dirty_bytes=104857600", f"min_free_kbytes={least + 64}"
    )
    assert pages[0].startswith(f"vm.swappiness: {swappiness} -> {other} (")
    assert pages[1] == f"vm.dirty_bytes: 0 -> 104857600 (100.0 MiB; vm.dirty_ratio: {ratio} -> 0)"
    assert (setting("swappiness"), setting("dirty_bytes"), setting("dirty_ratio")) == (other, 104857600, 0)
    assert setting("min_free_kbytes") == least + 64
    output(pymemtools, "set", f"swappiness={swappiness}", f"dirty_ratio={ratio}", f"min_free_kbytes={least}")
    assert (setting("swappiness"), setting("dirty_bytes"), setting("dirty_ratio")) == (swappiness, 0, ratio)


@live_root
def test_all_or_none(pymemtools: Run, kept: None) -> None:
    before = [setting(name) for name in ("swappiness", "dirty_bytes", "dirty_ratio", "overcommit_memory")]
    for first in ("vm.swappiness=50", "vm.dirty_bytes=104857600"):
        done = pymemtools("tunables", "set", first, "vm.overcommit_memory=9", "--force")
        assert (done.returncode, done.stdout) == (4, b"")
        assert done.stderr == (b"pymemtools: cannot set vm.overcommit_memory: Invalid argument; nothing was changed\n")
        assert before == [setting(name) for name in ("swappiness", "dirty_bytes", "dirty_ratio", "overcommit_memory")]


@live_root
def test_dry_run_and_files(pymemtools: Run, kept: None, tmp_path: Path) -> None:
    now = setting("swappiness")
    lines = output(pymemtools, "set", "swappiness=33", "--dry-run")
    assert lines == [f"would set vm.swappiness: {now} -> 33 (anonymous pages : file pages = 33 : 167)"]
    drop_in = tmp_path / "60.conf"
    drop_in.write_text("# mine\nkernel.sysrq = 1\nvm/swappiness = 5\n")
    done = pymemtools("tunables", "set", f"swappiness={now}", "--persist", str(drop_in))
    assert (done.returncode, done.stderr.decode()) == (0, f"pymemtools: tunables: wrote {drop_in}\n")
    assert drop_in.read_text() == f"# mine\nkernel.sysrq = 1\nvm.swappiness = {now}\n"
    settings = tmp_path / "from.conf"
    settings.write_text(f"; comment\n-vm.swappiness={now}\n\n")
    assert output(pymemtools, "set", "--from", str(settings))[0].startswith(f"vm.swappiness: {now} -> {now}")
    assert setting("swappiness") == now


@live_root
def test_a_file_names_what_it_does_not_set(pymemtools: Run, kept: None, tmp_path: Path) -> None:
    now, file = setting("swappiness"), tmp_path / "from.conf"
    file.write_text(f"-vm.nonsense = 1\r\n- vm.dirty_bytes=1\n\n;\x0b\n-vm/swappiness = {now}\n")
    done = pymemtools("tunables", "set", "--from", str(file))
    assert done.returncode == 0
    assert done.stdout.decode().startswith(f"vm.swappiness: {now} -> {now} (")
    assert done.stderr.decode().splitlines() == [
        f"pymemtools: left out: {file}: line 1: nothing is known of 'vm.nonsense', so it is not set",
        f"pymemtools: left out: {file}: line 2: vm.dirty_bytes takes {2 * os.sysconf('SC_PAGESIZE')} or more, not 1",
    ]
    file.write_bytes(b"# x\nvm.swappiness = 1\nkernel.\xff = 1\n")
    done = pymemtools("tunables", "set", "--from", str(file))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().endswith(f"{file}: line 3: nothing is known of 'kernel.\\xff', so it is not set\n")


@live_root
def test_a_drop_in_keeps_what_it_is(pymemtools: Run, kept: None, tmp_path: Path) -> None:
    """A symbolic link, mode, owner, and lines of others stay; of a pair only the new one does."""
    now, file, link = setting("dirty_ratio"), tmp_path / "mine", tmp_path / "link.conf"
    file.write_bytes(b"vm.dirty_bytes = 99999999\n# \xff \x0b\r\n-kernel.sysrq=1")
    file.chmod(0o640)
    os.chown(file, 65534, 65534)
    link.symlink_to("mine")
    pymemtools("tunables", "set", f"dirty_ratio={now}", "--persist", str(link), "--dry-run")
    assert file.read_bytes().startswith(b"vm.dirty_bytes")
    done = pymemtools("tunables", "set", f"dirty_ratio={now}", "--persist", str(link))
    assert (done.returncode, done.stderr.decode()) == (0, f"pymemtools: tunables: wrote {link}\n")
    assert file.read_bytes() == b"# \xff \x0b\r\n-kernel.sysrq=1\nvm.dirty_ratio = %d\n" % now
    assert link.is_symlink()
    assert (file.stat().st_mode & 0o7777, file.stat().st_uid, file.stat().st_gid) == (0o640, 65534, 65534)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.conf", "mine"]


@live_root
def test_nothing_is_set_that_cannot_be_kept(pymemtools: Run, kept: None, tmp_path: Path) -> None:
    now = setting("swappiness")
    for path in ("nowhere/x.conf", "."):
        done = pymemtools("tunables", "set", f"swappiness={now + 1}", "--persist", str(tmp_path / path))
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert setting("swappiness") == now
    file = tmp_path / "x.conf"
    done = pymemtools("tunables", "set", "overcommit_memory=9", "--force", "--persist", str(file))
    assert (done.returncode, list(tmp_path.iterdir())) == (4, [])


NOBODY = """
import os, signal, pymemtools.cli.{0}, pymemtools.entry
os.setgroups([])
os.setuid(65534)
pymemtools.entry.main()
"""


@live_root
def test_a_user_is_told_why() -> None:
    """The program is loaded first: this Python may be where others cannot read."""
    before = setting("swappiness")
    for module, call, what in (
        ("tunables", ("tunables", "set", "swappiness=50"), "cannot set vm.swappiness"),
        ("drop_caches", ("drop-caches",), "cannot set vm.drop_caches"),
    ):
        command = [sys.executable, "-c", NOBODY.format(module), *call]
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"pymemtools: {what}: Permission denied (are you root?)\n"
    assert setting("swappiness") == before


TWICE = """
import contextlib, io, os, sys, pymemtools.entry
from pymemtools.cli import cli
with contextlib.redirect_stdout(io.StringIO()):
    cli.main(sys.argv[1:], standalone_mode=False)  # loads all that this Python may keep from others
os.setgroups([])
os.setuid(65534)
pymemtools.entry.main()
"""


@live_root
@pytest.mark.parametrize(("option", "status"), [((), 0), (("--strict",), 3)])
def test_a_user_may_list_what_he_may_read(tree: str, option: tuple[str, ...], status: int) -> None:
    with tempfile.TemporaryDirectory() as folder:  # a fixture's is for root only
        os.chmod(folder, 0o755)
        copy = shutil.copytree(tree, f"{folder}/copy")
        os.chmod(copy, 0o755)
        Path(copy, "proc", "sys", "vm", "swappiness").chmod(0o600)
        command = [sys.executable, "-c", TWICE, "tunables", "list", "-S", copy, "[ps]*[rs]", *option]
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == "pymemtools: tunables: 1 of 2 could not be read (Permission denied); run as root for all\n"
    assert done.returncode == status
    assert done.stdout.splitlines() == [
        "Name             Value         Default  Meaning",
        "vm.page-cluster  3             3        2^3 = 8 pages",
        "vm.swappiness    (unreadable)  60",
    ]


@live_root
def test_a_container_is_told_why() -> None:
    before = setting("swappiness")
    mount = "mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys"
    command = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-m", "pymemtools"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [*command, "tunables", "set", "swappiness=50"], env=environment, capture_output=True, text=True, check=False
    )
    if "pymemtools" not in done.stderr:
        pytest.skip(f"no private mounts here: {done.stderr.strip()}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "pymemtools: cannot set vm.swappiness: Read-only file system (in a container?)\n"
    assert setting("swappiness") == before


@live_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_puts_back(kept: None, tmp_path: Path, number: signal.Signals) -> None:
    before = setting("swappiness")
    code = (
        "import time\nfrom pymemtools.control import settings as control\nwrite = control.write_text\n"
        "def slow(name, path, value):\n"
        "    write(name, path, value)\n"
        "    if value == '51':\n"
        "        print(flush=True)\n"
        "        time.sleep(60)\n"
        "control.write_text = slow\n"
        "from pymemtools.entry import main\nmain()\n"
    )
    command = [sys.executable, "-c", code, "tunables", "set", "swappiness=51", "--persist", str(tmp_path / "x.conf")]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    assert setting("swappiness") == 51
    child.send_signal(number)
    _, errors = child.communicate(timeout=120)
    assert (child.returncode, errors) == (-number, b"")
    assert setting("swappiness") == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kernel", "has_it"),
    [
        ("vm.compaction_proactiveness", (5, 8, 18), False),
        ("vm.compaction_proactiveness", (5, 9, 0), True),
        ("vm.dirty_bytes", (2, 6, 28), False),
        ("vm.swappiness", (2, 6, 18), True),
        ("vm.numa_stat", None, True),
        ("vm.compact_unevictable_allowed", (4, 0, 9), False),
        ("vm.compact_unevictable_allowed", (4, 1, 0), True),  # 5bbe3547aa3b
        ("ksm.use_zero_pages", (4, 10, 17), False),
        ("ksm.use_zero_pages", (4, 11, 0), True),  # e86c59b1b12d
    ],
)
def test_kernels_have_a_tunable_from_its_version_on(
    name: str, kernel: tuple[int, int, int] | None, has_it: bool
) -> None:
    assert TUNABLES[name].is_in(kernel) is has_it


def test_the_highest_scale_factor_grew_with_5_17() -> None:
    """By commit 39c65a94cd96."""
    entry = TUNABLES["vm.watermark_scale_factor"]
    assert [limits(entry, version) for version in ((5, 16, 20), (5, 17, 0))] == [(1, 1000), (1, 3000)]


def test_the_rules_of_set_are_a_library(tree: str) -> None:
    """What a terminal is told, a program gets as values: nothing is printed, and nothing written."""
    source = open_source(tree)
    machine = read_machine(source)
    wishes = wishes_of(b"# a comment\nvm/swappiness = 10\n-vm.nothing = 1\n", "x.conf")
    assert checked(wishes, source, machine, force=False) == Wanted(
        [Assignment("vm.swappiness", "10")],
        left_out=["x.conf: line 3: nothing is known of 'vm.nothing', so it is not set"],
    )
    assert harm("vm.min_free_kbytes", "512", machine) == "below 1024 the machine may deadlock under load"
    assert harm("vm.min_free_kbytes", "4096", machine) == ""
    assert drop_in_lines(["# mine", "vm.swappiness = 60"], [Assignment("vm.swappiness", "10")]) == [
        *("# mine", "vm.swappiness = 10")
    ]

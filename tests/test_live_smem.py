"""smem on this machine is byte for byte what /usr/bin/smem prints: of processes that stand still, and of the system.

Known differences, where smem is wrong, are in the man page and in test_smem_reports.py: ``-m -c avguss``,
``-u -c vss``, ``-R`` in whole numbers, names with blanks, deleted files.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

import pytest
from conftest import HERE
from still_tree import StillTree, still_tree

pytestmark = pytest.mark.alone

FIGURES = "swap uss rss pss vss"
TABLE = ("", "-t", "-k", "-p", "-H", "-r", "-t -k", "-t -p -H", "-k -p", "-s uss -r -t", "-a", "-a -k -t", "-a -H -r")
PROCESSES = (
    *(
        *TABLE,
        "-n",
        "-t -n",
        "-s swap",
        "-s rss",
        "-M lib",
        "-M lib -t -p",
        "-M no_such -t",
        "-U ^root$",
        "-U nobody -t",
    ),
    *("-s pid", "-s user", "-s user -r -n", "-s command -r", "-s name", "-s maps -r", "-s vss -t", "-n -s user"),
    *(f"-c 'pid user name command maps {FIGURES}'", f"-a -c 'name maps {FIGURES}' -t", f"-c '{FIGURES}' -t -k -p"),
    *("-a -c 'pid command'", "-c 'maps pid' -s command -H", "-c 'pss pss'", "-a -c 'command uss user command'"),
)
USERS = (
    *(
        f"-u {each}"
        for each in ("", "-t", "-t -k", "-p", "-n", "-H -r", "-a", "-M lib -t", "-U nobody", "-M no_such -t")
    ),
    *("-u -s count -r", "-u -s user -t", "-u -s user -n -r", "-u -c 'user count swap uss rss pss' -t"),
)
MAPPINGS = (
    *(
        f"-m {each}"
        for each in (
            *(call for call in TABLE if "-k" not in call),
            "-M lib -t",
            "-M no_such -t",
            "-U nobody",
            "-s pids",
            "-s count -r -t",
        )
    ),
    *("-m -s map", f"-m -c 'map count pids {FIGURES} avgpss avgrss' -t"),
    *(f"-m -a -c 'map count {FIGURES}'", "-m -c 'map map' -t"),
)
SYSTEM = (
    *(f"-w {each}" for each in ("", "-t", "-k", "-p", "-t -k", "-t -p", "-H", "-a", "-a -k", "-r", "-s used -t")),
    *("-w -s cache -r", "-w -s area", "-w -c 'order area used cache noncache' -t", "-w -c 'used area' -p"),
    "-w -P x -U x -M x -n",
)
AVERAGES = ("-m -k", "-m -t -k", "-m -k -p", "-m -a -k -t", "-m -s avgpss -r -k", "-m -s avgrss")
COPIED = (*PROCESSES[:4], "-n -s user", "-u -t", "-u -n", "-m", "-m -t -p", "-m -s map", "-w -t", "-w -k", "-w -p")


@pytest.fixture(scope="module")
def smem() -> str:
    found = shutil.which("smem")
    if found is None:
        pytest.skip("smem is not installed")
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StillTree]:
    if shutil.which("ldd") is None:
        pytest.skip("without ldd there is no telling what to copy")
    with still_tree(tmp_path_factory.mktemp("still")) as tree:
        yield tree


def outputs(command: str, options: str, **others: object) -> tuple[int, bytes]:
    """Run through a shell, with no terminal and no word about COLUMNS; smem -a complains on stderr that stty fails."""
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        ["sh", "-c", f"{command} {options}"],
        env=environment | {"PYTHONPATH": str(HERE.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


OURS = f"{quote(sys.executable)} -m pymemtools smem"


@pytest.mark.parametrize("options", [*PROCESSES, *USERS, *MAPPINGS, *AVERAGES])
def test_same_report_of_processes_that_stand_still(smem: str, tree: StillTree, options: str) -> None:
    options = f"-P '{tree.pattern}' {options}"
    expected = outputs(smem, options)
    assert expected[0] == 0
    assert outputs(OURS, options) == expected


def test_the_processes_are_seen(smem: str, tree: StillTree) -> None:
    """What was compared above was not two empty tables."""
    _, text = outputs(OURS, f"-P '{tree.pattern}' -c pid -H")
    assert sorted(map(int, text.split())) == sorted(tree.pids)
    _, text = outputs(OURS, f"-P '{tree.pattern}' -m -H")
    assert len(text.splitlines()) > 8


@pytest.fixture(scope="module")
def copied(tree: StillTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy of /proc what smem -S reads; the owner of a process is who owns its directory."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree("/etc", root / "etc", ignore=lambda _, names: [name for name in names if name != "passwd"])
    (root / "proc").mkdir()
    shutil.copy("/proc/meminfo", root / "proc")
    for pid in tree.pids:
        directory = root / "proc" / str(pid)
        directory.mkdir()
        for name in ("smaps", "cmdline", "stat"):
            (directory / name).write_bytes(Path(f"/proc/{pid}/{name}").read_bytes())
        if os.geteuid() == 0:
            owner = Path(f"/proc/{pid}").stat()
            os.chown(directory, owner.st_uid, owner.st_gid)
    return root


@pytest.mark.parametrize("options", COPIED)
def test_same_report_of_a_copied_directory(smem: str, copied: Path, options: str) -> None:
    options = f"-S {copied} {options}"
    expected = outputs(smem, options)
    assert expected[0] == 0
    assert outputs(OURS, options) == expected


def test_same_report_of_the_system(smem: str, tmp_path: Path) -> None:
    """Both read one meminfo, mounted over the real one, which changes while we look."""
    namespace = ["unshare", "-m"]
    if os.geteuid() != 0 or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file over /proc/meminfo")
    frozen = tmp_path / "meminfo"
    frozen.write_bytes(Path("/proc/meminfo").read_bytes())
    lines = "\n".join(f'echo "{options}"; $1 {options}' for options in SYSTEM)
    for command in (smem, OURS):
        script = f"mount --bind {frozen} /proc/meminfo || exit 99\n{lines.replace('$1', command)}"
        done = subprocess.run(
            [*namespace, "sh", "-c", script],
            env={key: value for key, value in os.environ.items() if key != "COLUMNS"}
            | {"PYTHONPATH": str(HERE.parent)},
            stdin=subprocess.DEVNULL,
            stdout=(tmp_path / command.rpartition("/")[2]).open("wb"),
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0
    theirs, ours = (tmp_path / command.rpartition("/")[2] for command in (smem, OURS))
    assert ours.read_text() == theirs.read_text()
    assert ours.read_text().count("free memory") == len(SYSTEM)

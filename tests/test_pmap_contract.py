"""pmap is byte for byte procps 4.0's: on captures by golden transcripts, and beside the installed program.

The transcripts are what procps 4.0.2 printed with a capture's files bind-mounted over those of a live process.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HERE, Run
from transcripts import MACHINES, transcripts

pytestmark = pytest.mark.alone

FROZEN = ("maps", "smaps", "stat", "status", "cmdline")
OPTIONS = ["", "-q", "-p", "-x", "-xq", "-xp", "-d", "-dq", "-dp", "-X", "-Xq", "-Xp", "-XX", "-XXq", "-XXp"]
RANGES = ["-A ,", "-x -A ,", "-d -A ,", "-A {heap}", "-d -A {heap}", "-q -x -A {heap}", "-A ,{heap}", "-x -A ,{heap}"]


@pytest.mark.parametrize(("machine", "arguments", "output"), transcripts("pmap"))
def test_same_bytes_on_a_capture(pymemtools: Run, machine: str, arguments: str, output: str) -> None:
    done = pymemtools("pmap", "-S", str(MACHINES / machine / "processes.tar.gz"), *shlex.split(arguments))
    assert done.stderr == b""
    assert done.stdout.decode() == output
    assert done.returncode == 0


class Zoo:
    """A stopped process with every kind of mapping, and a copy of its files."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid = str(pid)
        self.copy = folder / "copy"
        (self.copy / self.pid).mkdir(parents=True)
        for name in FROZEN:
            (self.copy / self.pid / name).write_bytes(Path(f"/proc/{pid}/{name}").read_bytes())
        maps = (self.copy / self.pid / "maps").read_text(errors="surrogateescape")
        self.heap = re.search(r"^([0-9a-f]+)-.*\[heap\]$", maps, re.MULTILINE)[1]  # type: ignore[index]

    def frozen(self, *command: str) -> "subprocess.CompletedProcess[bytes]":
        """Run a command that sees the copy instead of the live files: sharers come and go and change PSS."""
        script = "".join(f"mount --bind {self.copy}/{self.pid}/{name} /proc/{self.pid}/{name}\n" for name in FROZEN)
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec", f'{script}exec "$@"', "sh", *command],
            capture_output=True,
            check=False,
            env=os.environ | {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(HERE.parent)},
        )


def _why_not() -> str | None:
    if os.geteuid():
        return "mounting copies over /proc/PID/smaps takes root"
    if not shutil.which("pmap") or not shutil.which("unshare"):
        return "procps's pmap or util-linux's unshare is not installed"
    version = subprocess.run(["pmap", "-V"], capture_output=True, check=True, text=True).stdout
    if "procps-ng 4.0." not in version:
        return f"another pmap: {version.strip()}"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "mount namespaces are not allowed here"
    return None


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    reason = _why_not()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("zoo")
    with subprocess.Popen([sys.executable, HERE / "pmap_zoo.py", folder, "2000"], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            yield Zoo(process.pid, folder)
        finally:
            process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("options", [*OPTIONS, *RANGES])
def test_same_bytes_as_the_installed_pmap(zoo: Zoo, options: str) -> None:
    arguments = [*shlex.split(options.format(heap=zoo.heap)), zoo.pid]
    theirs = zoo.frozen("pmap", *arguments)
    ours = zoo.frozen(sys.executable, "-m", "pymemtools", "pmap", *arguments)
    assert theirs.returncode == 0
    assert len(theirs.stdout) > 100
    assert ours.stdout == theirs.stdout
    assert (ours.stderr, ours.returncode) == (b"", 0)


def test_a_copy_in_a_directory_reads_the_same(zoo: Zoo, pymemtools: Run) -> None:
    theirs = zoo.frozen("pmap", "-XX", zoo.pid)
    assert pymemtools("pmap", "-S", str(zoo.copy), "-XX", zoo.pid).stdout == theirs.stdout


def test_every_kind_of_mapping_is_in_the_zoo(zoo: Zoo) -> None:
    names = zoo.frozen(sys.executable, "-m", "pymemtools", "pmap", zoo.pid).stdout.decode()
    assert names.count("\n") > 2000
    for name in ("kept file", "gone (deleted)", "zero (deleted)", "shmid=0x", "[ stack ]", " (deleted)", "slash (del"):
        assert name in names
    assert re.search(r" 1073[0-9]{6}K -----   \[ anon \]", names)  # the reservation of 1 TiB
    assert re.search(r" 132K rw---   \[ anon \]\n\S+ +65404K -----", names)  # the malloc arena

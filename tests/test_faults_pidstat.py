"""``faults PID`` tells the figures of ``pidstat -r``, made to read the files that a test writes as its /proc."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Run
from trees import write_tree

pytestmark = pytest.mark.live

STAT = "7 (worker) S 1 7 7 0 -1 0 {} 0 {} 0 0 0 0 0 20 0 1 0 100 {} {} " + "0 " * 28 + "\n"
EARLIER = (STAT.format(1000, 3, 8 << 20, 512), "1000.50 1.00\n")
LATER = (STAT.format(4321, 14, 9 << 20, 640), "1003.57 1.00\n")
_RUN = 'mount --bind "$1" /proc && exec pidstat -r -p 7 1 1'


def write(proc: Path, stat: str) -> None:
    (proc / "7").mkdir(exist_ok=True)
    (proc / "7" / "stat").write_text(stat)
    (proc / "7" / "status").write_text("Name:\tworker\nUid:\t0\t0\t0\t0\nThreads:\t1\n")
    (proc / "stat").write_text("cpu  1 0 1 1 0 0 0 0 0 0\ncpu0 1 0 1 1 0 0 0 0 0 0\n")
    (proc / "vmstat").write_text("pgfault 1\npgmajfault 0\n")


def pidstat(place: Path) -> dict[str, str]:
    """Run pidstat, each of whose looks at uptime, with which a sample begins, waits for us."""
    proc = place / "proc"
    os.mkfifo(proc / "uptime")
    write(proc, EARLIER[0])
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    environment = os.environ | {"LC_ALL": "C"}
    with subprocess.Popen(
        [*unshare, "sh", "-c", _RUN, "sh", str(proc)], stdout=subprocess.PIPE, env=environment, text=True
    ) as program:
        answer(proc / "uptime", EARLIER[1], program)
        wait_until_asleep(program.pid)
        write(proc, LATER[0])
        answer(proc / "uptime", LATER[1], program)
        assert program.stdout is not None
        lines = program.stdout.read().splitlines()
    titles, row = lines[2].split(), lines[3].split()
    return dict(zip(titles[1:], row[1:]))


def answer(fifo: Path, text: str, program: subprocess.Popen[str]) -> None:
    """Give whoever opens the file for reading a text; pidstat reads it once or more often before it sleeps."""
    while True:
        try:
            fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it yet
            assert program.poll() is None
            time.sleep(0.01)
            continue
        os.write(fd, text.encode())
        os.close(fd)
        return


def wait_until_asleep(pid: int) -> None:
    """Wait until no file of /proc is open any more, and the next sample is waited for."""
    while True:
        folder = f"/proc/{pid}/fd"
        links = []
        for number in os.listdir(folder):
            with suppress(FileNotFoundError):  # closed since it was listed
                links.append(os.readlink(f"{folder}/{number}"))
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        assert state != "Z", "pidstat has ended"
        if state == "S" and not any(link.endswith("uptime") for link in links):
            return
        time.sleep(0.01)


def test_the_figures_are_those_of_pidstat(tmp_path: Path, pymemtools: Run) -> None:
    if shutil.which("pidstat") is None or shutil.which("unshare") is None:
        pytest.skip("sysstat is not installed")
    for name, (stat, uptime) in {"earlier": EARLIER, "later": LATER}.items():
        write_tree(tmp_path / name)
        write(tmp_path / name / "proc", stat)
        (tmp_path / name / "proc" / "uptime").write_text(uptime)
    write_tree(tmp_path / "their")
    probe = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /proc', "sh", str(tmp_path / "their" / "proc")]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace here")
    theirs = pidstat(tmp_path / "their")
    call = ("faults", "7", "-S", str(tmp_path / "later"), "--diff", str(tmp_path / "earlier"), "-f", "json")
    (row,) = json.loads(pymemtools(*call).stdout)["rows"]
    assert theirs == {
        **theirs,
        "PID": "7",
        "minflt/s": f"{row['minor_faults_per_second']:.2f}",
        "majflt/s": f"{row['major_faults_per_second']:.2f}",
        "VSZ": str(row["vss"] >> 10),
        "RSS": str(row["rss"] >> 10),
        "%MEM": f"{row['rss_percent']:.2f}",
        "Command": "worker",
    }
    assert theirs["minflt/s"] == "1081.76"

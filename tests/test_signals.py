"""Whenever Ctrl-C, kill or a broken pipe comes, the program dies of it, at once and without a word."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import HERE
from trees import Proc, write_tree

pytestmark = pytest.mark.live

MOMENTS = [step * 0.015 for step in range(20)]  # seconds after the program took over from the interpreter
_IGNORES_SIGPIPE = re.compile(r"^SigIgn:\t[0-9a-f]*[13579bdf][0-9a-f]{3}$", re.MULTILINE)


def started(*arguments: str, ignored: frozenset[signal.Signals] = frozenset()) -> "subprocess.Popen[bytes]":
    """Start the program and wait until its first statements have run.

    It starts with SIGPIPE ignored, as Python itself would make it, and the first thing it does is to change that.
    What happens before is the interpreter's own start (some 10 ms), whose traceback nobody can prevent.
    """

    def ignore() -> None:
        for each in (signal.SIGPIPE, *ignored):
            signal.signal(each, signal.SIG_IGN)

    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"
    }  # which tears output up
    program = subprocess.Popen(
        [sys.executable, "-m", "pymemtools", *arguments],
        env=environment | {"PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=ignore,
        restore_signals=False,
    )
    while program.poll() is None and _IGNORES_SIGPIPE.search(Path(f"/proc/{program.pid}/status").read_text()):
        time.sleep(0.0005)
    return program


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("tree"), *(Proc(pid, "/bin/worker") for pid in range(1, 40)))


@pytest.mark.parametrize(
    ("number", "call"),
    [
        (signal.SIGINT, "free -s 0.001"),
        (signal.SIGINT, "smem --watch 0.001 -P ^python"),
        (signal.SIGINT, "smem -m --watch 0.001 -f jsonl -S TREE"),
        (signal.SIGTERM, "smem --watch 0.001 -P ^python"),
    ],
)
def test_dies_of_the_signal(number: signal.Signals, call: str, tree: Path) -> None:
    for moment in MOMENTS:
        program = started(*call.replace("TREE", str(tree)).split())
        time.sleep(moment)
        program.send_signal(number)
        output, complaint = program.communicate(timeout=120)
        assert (moment, program.returncode, complaint) == (moment, -number, b"")
        if call == "free -s 0.001":  # each sample is flushed whole
            assert re.fullmatch(rb"( +total.*\nMem:.*\nSwap:.*\n\n)*", output)


def test_background_jobs_stay_deaf_to_ctrl_c() -> None:
    """A shell without job control starts ``cmd &`` with SIGINT ignored; Ctrl-C is not meant for it."""
    program = started("free", "-s", "0.01", "-c", "20", ignored=frozenset([signal.SIGINT]))
    program.send_signal(signal.SIGINT)
    output, complaint = program.communicate(timeout=120)
    assert (program.returncode, complaint, output.count(b"Mem:")) == (0, b"", 20)

"""``--watch`` on a terminal: a page in the place of the one before, and whatever ends it, the terminal as it was."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import HERE, Run
from terminal import Terminal
from trees import MEMINFO, write_tree

from pymemtools.render.changed import changed_lines

pytestmark = pytest.mark.live

ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"


def write_free(tree: Path, kib: int) -> None:
    """Let meminfo tell another MemFree, whole at any time."""
    fresh = tree / "fresh"
    fresh.write_text("".join(f"{key}: {size} kB\n" for key, size in {**MEMINFO, "MemFree": kib}.items()))
    fresh.replace(tree / "proc" / "meminfo")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_tree(tmp_path)
    write_free(tmp_path, 512000)
    return tmp_path


def free(tree: Path, *options: str, **environment: str) -> Terminal:
    return Terminal("free", "--watch", "0.05", "-S", str(tree), *options, environment=environment)


def test_what_changed_is_marked_until_the_next_page(tree: Path) -> None:
    with free(tree) as terminal:
        place = terminal.wait_for("512000")
        assert terminal.seen.startswith(ENTERED)
        write_free(tree, 500001)
        place = terminal.wait_for("\x1b[7m500001\x1b[0m", place)
        terminal.wait_for(" 500001 ", place)
        terminal.press("q")
        assert terminal.finish() == 0
        assert terminal.has_its_modes
    before, _, after = terminal.seen.rpartition(LEFT)
    assert before.endswith("\x1b[?7h\x1b[?25h")
    assert after.splitlines()[1].split()[:4] == ["Mem:", "1024000", "523999", "500001"]  # what was shown last
    assert len(after.splitlines()) == 3
    title = terminal.pages()[0][0]
    assert title[8:] == f"  every 0.05 s  pymemtools free --watch 0.05 -S {tree}  (q quits)"


@pytest.mark.parametrize("options", [{"NO_COLOR": "1"}, {}])
def test_without_colours_nothing_is_marked(options: dict[str, str], tree: Path) -> None:
    with free(tree, *([] if options else ["--color", "never"]), **options) as terminal:
        place = terminal.wait_for("512000")
        write_free(tree, 500001)
        terminal.wait_for("500001", place)
        terminal.press("Q")
        assert terminal.finish() == 0
    assert "\x1b[7m" not in terminal.seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_end_it_with_the_terminal_as_it_was(number: signal.Signals, tree: Path) -> None:
    with free(tree) as terminal:
        terminal.wait_for("512000")
        assert not terminal.has_its_modes
        terminal.send(number)
        assert terminal.finish() == -number
        assert terminal.has_its_modes
    assert terminal.seen.endswith(LEFT)


def test_ctrl_z_where_nobody_could_let_it_go_on(tree: Path) -> None:
    """As in a container, whose only process it is: the kernel does not stop it, and it goes on as before."""
    with free(tree) as terminal:
        terminal.wait_for("512000")
        terminal.press("\x1a")
        terminal.wait_for("512000", terminal.wait_for(ENTERED, terminal.wait_for(LEFT)))
        terminal.press("q")
        assert terminal.finish() == 0
        assert terminal.has_its_modes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_may_come_while_a_page_is_written(number: signal.Signals, tree: Path) -> None:
    """Here nobody takes what is written, so that it waits in the middle of a page."""
    with Terminal("free", "--watch", "0.001", "-S", str(tree)) as terminal:
        terminal.wait_for("512000")
        wait_until_stuck(terminal.program.pid)
        terminal.send(number)
        assert terminal.finish() == -number
        assert terminal.has_its_modes
    assert terminal.seen.endswith(LEFT)


def wait_until_stuck(pid: int) -> None:
    """Wait until a program, which else would have slept and waked, did neither for half a second."""
    switches, since = -1, time.monotonic()
    while time.monotonic() < since + 0.5:
        time.sleep(0.02)
        status = Path(f"/proc/{pid}/status").read_text()
        found = sum(map(int, re.findall(r"ctxt_switches:\s*(\d+)", status)))
        if found != switches:
            switches, since = found, time.monotonic()


def test_ctrl_c(tree: Path) -> None:
    with free(tree) as terminal:
        terminal.wait_for("512000")
        terminal.press("\x03")
        assert terminal.finish() == -signal.SIGINT
        assert terminal.has_its_modes


# A shell that controls jobs: what it runs may be stopped, and is not where nobody could let it go on.
SHELL = """\
"$@"
echo "stopped: $?"; stty -a > "$modes"
fg > /dev/null
echo "ended: $?"
"""


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(tree: Path, tmp_path: Path) -> None:
    modes = tmp_path / "modes"
    shell = ["bash", "--norc", "-m", "-c", SHELL, "bash"]
    call = ["free", "--watch", "0.05", "-S", str(tree)]
    with Terminal(*call, shell=shell, environment={"modes": str(modes)}) as terminal:
        place = terminal.wait_for("512000")
        terminal.press("\x1a")
        place = terminal.wait_for(LEFT, place)
        place = terminal.wait_for(f"stopped: {128 + signal.SIGTSTP}", place)
        place = terminal.wait_for(ENTERED, place)
        place = terminal.wait_for("512000", place)
        assert " icanon " in modes.read_text()
        assert " echo " in modes.read_text()
        terminal.press("q")
        terminal.wait_for("ended: 0", place)
        assert terminal.finish() == 0
        assert terminal.has_its_modes


def test_a_smaller_terminal_is_redrawn_at_once_and_says_what_is_left_out() -> None:
    with Terminal("free", "-l", "-t", "-v", "--watch", "1000", lines=24) as terminal:
        place = terminal.wait_for("Comm:")
        terminal.resize(6, 80)
        place = terminal.wait_for("... and 4 lines more", place)
        terminal.resize(24, 80)
        terminal.wait_for("Comm:", place)
        terminal.press("q")
        assert terminal.finish() == 0


def test_an_error_is_said_below_on_the_terminal_as_it_was(tree: Path) -> None:
    with free(tree) as terminal:
        terminal.wait_for("512000")
        (tree / "proc" / "meminfo").unlink()
        assert terminal.finish() == 1
        assert terminal.has_its_modes
    after = terminal.seen.rpartition(LEFT)[2]
    assert after.splitlines()[-1] == f"pymemtools: {tree}/proc/meminfo: No such file or directory"


def test_a_process_that_ends() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    with Terminal("vgraph", "--watch", "0.05", str(child.pid)) as terminal:
        place = terminal.wait_for("[stack]")
        terminal.wait_for("[stack]", place)  # all of it, again
        child.kill()
        child.wait()
        assert terminal.finish() == 0
        assert terminal.has_its_modes
    assert "[stack]" in terminal.seen.rpartition(LEFT)[2]


@pytest.mark.parametrize(
    "call",
    [
        "zones", "swap", "thp", "numa", "groups", "smem --top 3", "oom-scores --top 3", "status {pid}", "status --all",
        "thp {pid}", "pmap {pid}", "free", "ksm", "pages --unexplained",
    ],
)  # fmt: skip
def test_every_command_that_watches_redraws(call: str) -> None:
    with Terminal(*call.format(pid=os.getpid()).split(), "--watch", "0.05") as terminal:
        place = terminal.wait_for("\x1b[H")
        if terminal.program.poll() is None:
            terminal.wait_for("\x1b[H", place)
        terminal.press("q")
        assert terminal.finish() == 0
        assert terminal.has_its_modes
    assert terminal.seen.count(ENTERED) == terminal.seen.count(LEFT) == 1


def test_rates_of_processes_are_a_page() -> None:
    with Terminal("faults", "--every", "0.05", str(os.getpid())) as terminal:
        place = terminal.wait_for("RAM% Command")
        terminal.wait_for("RAM% Command", place)
        terminal.press("q")
        assert terminal.finish() == 0


def test_the_picture_of_faults_grows() -> None:
    with Terminal("faults", "--plot", "--every", "0.05") as terminal:
        place = terminal.wait_for("major faults: ")
        terminal.wait_for("major faults: ", place)
        terminal.press("q")
        assert terminal.finish() == 0
    assert "\x1b[7m" not in terminal.seen  # a picture that moves is no change
    assert len(terminal.pages()[1]) == 23


def test_a_terminal_without_keys_scrolls(tree: Path) -> None:
    """As in a pipe: nobody could press q. So it does where TERM says that nothing can be redrawn."""
    main, end = pty.openpty()
    call = [sys.executable, "-m", "pymemtools", "free", "--watch", "0.01", "-c", "2", "-S", str(tree)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent), "TERM": "xterm"}
    subprocess.run(call, stdin=subprocess.DEVNULL, stdout=end, env=environment, check=True)
    os.close(end)
    assert b"\x1b[?1049h" not in os.read(main, 65536)
    os.close(main)
    with free(tree, "-c", "2", TERM="dumb") as terminal:
        assert terminal.finish() == 0
    assert "\x1b" not in terminal.seen
    assert terminal.seen.count("Mem:") == 2


def test_in_a_pipe_samples_follow_each_other(tree: Path, pymemtools: Run) -> None:
    watched = pymemtools("free", "--watch", "0.01", "-c", "2", "-S", str(tree))
    assert watched.stdout == pymemtools("free", "-s", "0.01", "-c", "2", "-S", str(tree)).stdout
    assert watched.stdout.count(b"Mem:") == 2


def test_rows_are_compared_with_those_that_began_alike() -> None:
    before = ["PID RSS", "  7  10 x", "  8  20 y"]
    after = ["PID RSS", "  9   5 new", "  8  21 y", "  7  10 x"]
    assert [line.replace("\x1b[7m", "<").replace("\x1b[0m", ">") for line in changed_lines(before, after)] == [
        "PID RSS",
        "  <9>   <5> <new>",
        "  8  <21> y",
        "  7  10 x",
    ]


def test_the_same_said_twice(tree: Path, pymemtools: Run) -> None:
    done = pymemtools("free", "--watch", "1", "-s", "1")
    assert (done.returncode, done.stderr) == (2, b"pymemtools: free: -s and --watch say the same: one or the other\n")

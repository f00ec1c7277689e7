"""wss on a process that touches k of n pages when it is told to: exact, whatever the time it takes."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from conftest import Run

from pymemtools.control import working_set
from pymemtools.control.working_set import Begun, Leave, begin
from pymemtools.errors import Denied, Missing
from pymemtools.readings.touched import Look, look
from pymemtools.reports.wss.report import IDLE, REFERENCED
from pymemtools.sources import open_source

pytestmark = pytest.mark.alone

PAGE = mmap.PAGESIZE
PAGES = 1000
# Its memory is locked, so that reclaim, which other programs may bring about at any time, leaves the bits alone.
PROGRAM = """
import ctypes, mmap, sys
page, pages = mmap.PAGESIZE, 1000
flags = {"private": mmap.MAP_PRIVATE, "shared": mmap.MAP_SHARED}[sys.argv[1]] | mmap.MAP_ANONYMOUS
memory = mmap.mmap(-1, 3 * pages * page, flags)
memory.madvise(15)  # MADV_NOHUGEPAGE
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
for i in range(pages):
    memory[i * page] = 1
locked = not ctypes.CDLL(None).mlock(ctypes.c_void_p(start), ctypes.c_size_t(pages * page))
print(start, locked, flush=True)
for line in sys.stdin:
    first, last, writes = map(int, line.split())
    for i in range(first, last):
        if writes:
            memory[i * page] = 2
        else:
            memory[i * page]
    print("done", flush=True)
"""


class Child(NamedTuple):
    process: subprocess.Popen[str]
    start: int
    is_locked: bool

    def touch(self, first: int, last: int, *, writes: bool = False) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{first} {last} {int(writes)}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture(params=["private", "shared"])
def child(request: pytest.FixtureRequest) -> Iterator[Child]:
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, request.param]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        start, locked = process.stdout.readline().split()
        yield Child(process, int(start), locked == "True")
        process.kill()


def measured(child: Child, method: str, touch: tuple[int, int], *, writes: bool = False) -> tuple[Begun, int, int]:
    """Begin, let it touch, and look; give what was touched of its pages."""

    def ours(found: Look) -> Look:
        within = range(child.start, child.start + 3 * PAGES * PAGE)
        return found._replace(mappings={at: each for at, each in found.mappings.items() if at in within})

    source = open_source()
    try:
        begun = begin(source, child.process.pid, method, Leave(force=False))
    except (Denied, Missing) as error:
        pytest.skip(f"not possible here: {error}")
    child.touch(*touch, writes=writes)
    after = ours(look(source, child.process.pid))
    parts = [touched for _, touched in begun.touched(after) if touched.rss]
    return begun, sum(each.least for each in parts), sum(each.most for each in parts)


@pytest.mark.parametrize("pages", [0, 1, 10, 100, PAGES])
@pytest.mark.parametrize("writes", [False, True])
def test_as_many_pages_as_were_touched(child: Child, pages: int, writes: bool) -> None:
    child.touch(0, PAGES)  # so that the TLB is full of them
    begun, least, most = measured(child, REFERENCED, (0, pages), writes=writes)
    assert least <= pages * PAGE <= most
    if begun.measuring.is_flushed and child.is_locked:
        assert (least, most) == (pages * PAGE, pages * PAGE)
    assert begun.measuring.cleared >= PAGES * PAGE


@pytest.mark.parametrize("pages", [0, 10, PAGES])
def test_idle_pages_are_those_that_were_not_touched(child: Child, pages: int) -> None:
    """Where the kernel tracks them: CONFIG_IDLE_PAGE_TRACKING."""
    _, least, most = measured(child, IDLE, (0, pages))
    assert least <= pages * PAGE <= most


def test_pages_that_are_new_were_touched(child: Child) -> None:
    """These are not locked: where memory is reclaimed meanwhile, they may be more."""
    begun, least, most = measured(child, REFERENCED, (PAGES, PAGES + 20), writes=True)
    assert least <= 20 * PAGE <= most
    assert begun.measuring.method == REFERENCED


def test_without_a_flush_it_is_an_interval(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel with soft-dirty bits would clear them with it, which others may need."""
    monkeypatch.setattr(working_set, "has_soft_dirty", lambda: True)
    child.touch(0, PAGES)
    begun, least, most = measured(child, REFERENCED, (0, 100))
    assert not begun.measuring.is_flushed
    assert not begun.measuring.has_cleared_soft_dirty
    assert 0 <= least <= 100 * PAGE <= most


def test_windows_cumulate(pymemtools: Run, child: Child) -> None:
    call = ("wss", str(child.process.pid), "--seconds", "0.2,0.01", "-f", "json")
    done = pymemtools(*call)
    if done.returncode == 1 and b"denied" in done.stderr:
        pytest.skip("we may not clear the bits of our own child")
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    sums = [row for row in told["rows"] if row["kind"] == "all"]
    assert [row["seconds"] for row in sums] == [0.01, 0.2]
    assert sums[0]["elapsed"] < sums[1]["elapsed"]
    for row in sums:
        of_kinds = [each for each in told["rows"] if each["seconds"] == row["seconds"] and each["kind"] != "all"]
        for key in ("rss", "touched_least", "touched_most"):
            assert row[key] == sum(each[key] for each in of_kinds)
    assert told["totals"]["method"] == "referenced"
    assert told["totals"]["cleared_referenced"] >= PAGES * PAGE
    assert told["notes"][0].startswith("its accessed bits were cleared")
    text = pymemtools(*call[:4]).stdout.decode().splitlines()
    assert text[0].startswith(f"{child.process.pid}: {sys.executable} -I -S -c ")
    assert text[1] == "Touched within, in KiB, of what is resident now"
    assert text[3].startswith("Kind                RSS  ")


def test_a_process_that_ends_first(pymemtools: Run, child: Child) -> None:
    """It is no matter of time: nobody waits for what has ended."""
    child.process.stdin.close()  # type: ignore[union-attr]
    child.process.wait()
    done = pymemtools("wss", str(child.process.pid), "--seconds", "3600")
    assert (done.returncode, done.stdout) == (42, b"")
    assert done.stderr.decode() == f"pymemtools: wss: {child.process.pid}: no such process\n"


def test_one_that_ends_within_the_first_window(pymemtools: Run) -> None:
    shell = "read -r line; exit"
    with subprocess.Popen(["sh", "-c", shell], stdin=subprocess.PIPE) as process:
        closer = subprocess.Popen(["sh", "-c", f"sleep 1; kill {process.pid}"])
        done = pymemtools("wss", str(process.pid), "--seconds", "3600")
        closer.wait()
    assert (done.returncode, done.stdout) == (42, b"")
    assert done.stderr.endswith(f"{process.pid}: no such process\n".encode())


def test_methods_that_this_kernel_lacks_are_named(pymemtools: Run, child: Child) -> None:
    for method, file in (("idle", "/sys/kernel/mm/page_idle/bitmap"), ("soft-dirty", None)):
        done = pymemtools("wss", str(child.process.pid), "--seconds", "0.01", "--method", method)
        if done.returncode == 0:
            assert file is None or os.path.exists(file)
            continue
        (line,) = done.stderr.decode().splitlines()
        assert "--method referenced does" in line or "root" in line or "denied" in line

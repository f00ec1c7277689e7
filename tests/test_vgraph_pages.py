"""vgraph --pages: which pages of a mapping are there."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import Run

from pymemtools.procfs.pagemap import STATES, ZERO, flag_counts, may_be_zero_page, page_frames, page_states
from pymemtools.render.page_grid import grid_lines

pytestmark = pytest.mark.live

PAGE = os.sysconf("SC_PAGESIZE")
CHILD = f"""
import ctypes, mmap, sys
area = mmap.mmap(-1, 200 * {PAGE}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
start = ctypes.addressof(ctypes.c_char.from_buffer(area))
ctypes.CDLL(None).madvise(ctypes.c_void_p(start), 200 * {PAGE}, 15)  # MADV_NOHUGEPAGE
for page in range(10, 15):
    area[page * {PAGE}] = 1
for page in range(20, 23):
    area[page * {PAGE}]
print(hex(start), flush=True)
sys.stdin.read()
"""


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, sys.byteorder) for value in values)


def test_the_words_of_pagemap() -> None:
    text = words(0, 1 << 63 | 1 << 56 | 7, 1 << 62 | 99, 1 << 62 | 1 << 58, 1 << 63 | 8, 1 << 63 | 1 << 61 | 9)
    assert page_states(text) == b"APSGPP"
    assert list(page_frames(text)) == [0, 7, 0, 0, 8, 9]
    assert may_be_zero_page(text) == [False, False, False, False, True, False]


def test_flags_are_counted_by_name() -> None:
    assert flag_counts([1 << 4 | 1 << 12, 1 << 12, 1 << 24, 1 << 63]) == {
        "dirty": 1,
        "anonymous": 2,
        "the zero page": 1,
    }


def test_rows_that_repeat_are_drawn_once() -> None:
    states = b"P" * 16 + b"A" * 16 * 9 + b"PSG" + bytes([ZERO]) + b"A" * 8
    assert list(grid_lines(states, STATES, 0x10000, 4096, 30, is_ascii=True)) == [
        "00010000  ################",
        "00020000  ................",
        "          and 8 more rows like this",
        "000b0000  #sG0........",
    ]


@pytest.fixture
def child() -> Iterator[tuple[int, str]]:
    """A process with 200 pages of its own: 5 written to, 3 only read; and their address."""
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.pid, process.stdout.readline().strip()
    process.communicate()


def test_a_live_process(pymemtools: Run, child: tuple[int, str]) -> None:
    pid, start = child
    done = pymemtools("vgraph", "--pages", start, "-f", "csv", str(pid))
    assert (done.returncode, done.stderr) == (0, b"")
    states = {
        int(row["start"], 16) + i * PAGE: row["state"]
        for row in csv.DictReader(done.stdout.decode().splitlines())
        for i in range(int(row["pages"]))
    }
    first = int(start, 16)
    zeros = {"present", "zero page"}  # which one it is, only root is told
    assert [states[first + i * PAGE] for i in (9, 10, 14, 15, 19, 23)] == [
        *("absent", "present", "present", "absent", "absent", "absent")
    ]
    assert {states[first + i * PAGE] for i in (20, 21, 22)} <= zeros


def test_the_grid_of_a_live_process(pymemtools: Run, child: tuple[int, str]) -> None:
    pid, start = child
    lines = pymemtools("vgraph", "--pages", start, "--ascii", "--width", "160", str(pid)).stdout.decode().splitlines()
    assert lines[0].startswith(f"{pid}:   ")
    about = next(place for place, line in enumerate(lines) if " rw-p [anon], " in line)  # the command may take lines
    cells = "".join(line.partition("  ")[2] for line in lines[about + 1 :] if line[0] in "0123456789abcdef")
    assert cells.count("#") >= 5
    assert any(line.startswith("pages of ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (
            ("--pages", "0x10", "-S", "x", "1"),
            2,
            "--pages is for a process of this machine: no capture has its pagemap",
        ),
        (("--pages", "heap", str(os.getpid())), 2, "--pages: 'heap' is no address; write 0x..."),
        (("--pages", "0x1", str(os.getpid())), 1, "nothing is mapped at 1"),
        (("--pages", "0x1000", "4194304"), 42, "4194304: no such process"),
    ],
)
def test_what_has_no_pages(pymemtools: Run, arguments: tuple[str, ...], status: int, reason: str) -> None:
    done = pymemtools("vgraph", *arguments)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (status, b"", f"pymemtools: vgraph: {reason}\n")

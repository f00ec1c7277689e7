"""The proportional set size against its definition and the running kernel."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymemtools.models.pss import Shared, exact_pss, sizes

pytestmark = pytest.mark.live

KIB = 1024
SHARED = st.builds(Shared, st.integers(0, 1 << 16).map(lambda pages: pages * 4096), st.integers(1, 500))


@pytest.mark.parametrize(("pages", "processes"), [(3, 3), (50, 2), (15, 3), (37, 4), (35, 7)])
def test_beside_the_kernel(pages: int, processes: int) -> None:
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as shared:
        shared.write(b"x" * len(shared))
        with sharers(shared, processes - 1):
            shown = pss_of(shared)
    by_rule = sizes(0, [Shared(pages * mmap.PAGESIZE, processes)], mmap.PAGESIZE)
    assert shown == by_rule.pss // KIB


@contextmanager
def sharers(shared: mmap.mmap, count: int) -> Iterator[None]:
    """Keep so many processes that have touched shared memory."""
    ready, end = os.pipe(), os.pipe()
    pids = []
    for _ in range(count):
        pid = os.fork()
        if not pid:
            os.close(end[1])
            bytes(shared)
            os.write(ready[1], b"x")
            os.read(end[0], 1)
            os._exit(0)
        pids.append(pid)
    for _ in pids:
        os.read(ready[0], 1)
    yield
    for pipe in (*ready, *end):
        os.close(pipe)
    for pid in pids:
        os.waitpid(pid, 0)


def pss_of(shared: mmap.mmap) -> int:
    """Read the KiB that smaps shows for a mapping."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(shared))
    lines = iter(Path("/proc/self/smaps").read_text().split("\n"))
    next(line for line in lines if line.startswith(f"{address:x}-"))
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def test_what_the_kernel_cuts_off() -> None:
    assert sizes(0, [Shared(12 * KIB, 3)]) == (12 * KIB, 4095, 0)
    assert sizes(0, [Shared(12 * KIB, 3)], page_size=65536).pss == 4096
    assert sizes(100 * KIB, [Shared(200 * KIB, 2), Shared(8 * KIB, 1)]) == (308 * KIB, 208 * KIB, 108 * KIB)


@given(st.integers(0, 1 << 40), st.lists(SHARED, max_size=8))
def test_the_rule_is_close_to_the_definition(private: int, shared: list[Shared]) -> None:
    found = sizes(private, shared)
    exact = private + sum(Fraction(size, processes) for size, processes in shared)
    pages = sum(size for size, _ in shared) // 4096
    assert exact - pages / 4096 - 1 <= found.pss <= exact
    assert found.uss <= found.pss <= found.rss
    assert abs(exact_pss(private, shared) - exact) < 1

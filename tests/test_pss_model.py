"""The proportional set size against its definition and an example."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from conftest import HERE
from hypothesis import given
from hypothesis import strategies as st
from testpoints.cache_adapters import CACHE_ADAPTERS
from testpoints.judge import EXACT, case_of, judge

from pymemtools.models.pss import Shared, exact_pss, sizes

KIB = 1024
SHARED = st.builds(Shared, st.integers(0, 1 << 16).map(lambda pages: pages * 4096), st.integers(1, 500))


def test_the_documented_example() -> None:
    points = json.loads((HERE / "testpoints" / "cases.json").read_text())["testpoints"]
    (point,) = [point for point in points if point["model"] == "pss"]
    assert judge(case_of(point, HERE), CACHE_ADAPTERS).status == EXACT


@pytest.mark.parametrize(
    ("pages", "processes", "kib"), [(3, 3, 3), (50, 2, 100), (15, 3, 19), (37, 3, 49), (35, 7, 19)]
)
def test_the_kernels_own_figures(pages: int, processes: int, kib: int) -> None:
    """Origin: smaps of Linux 6.18, for shared memory that so many processes had touched."""
    assert sizes(0, [Shared(pages * 4096, processes)]).pss // KIB == kib


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

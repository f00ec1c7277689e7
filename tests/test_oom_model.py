"""Badness and oom_score: eras, scales and laws; single cases are among the test points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymemtools.models.oom import FAIR, THOUSANDTHS, Task, adj_to_be_safer, badness, detect_scale, oom_score


def test_the_scale_of_a_kernel_is_told_by_its_scores() -> None:
    total = 1_000_000
    tasks = [Task(rss, 0, 5) for rss in (100, 20_000, 400_000)]
    for scale, version in ((FAIR, (5, 4, 216)), (THOUSANDTHS, (5, 4, 0)), (FAIR, (6, 1, 0))):
        samples = [
            (oom_score(badness(task, total, version), total, scale), badness(task, total, version)) for task in tasks
        ]
        assert detect_scale(samples, total, version) == scale
    assert detect_scale([], total, (5, 4, 0)) == THOUSANDTHS
    assert detect_scale([], total, None) == FAIR


@pytest.mark.parametrize(
    ("version", "points", "of_root", "below_zero"),
    [
        ((2, 6, 38), 220, 190, 1),  # thousandths, page tables left out
        ((2, 6, 39), 250, 220, 1),
        ((3, 5, 0), 250, 220, 1),
        ((3, 6, 0), 2500, 2200, 1),  # pages
        ((4, 4, 0), 2500, 2455, 1),  # 3 % less of what it has
        ((4, 16, 0), 2500, 2455, 1),
        ((4, 17, 0), 2500, 2500, 1),
        ((5, 8, 0), 2500, 2500, 1),
        ((5, 9, 0), 2500, 2500, -500),
        (None, 2500, 2500, -500),
    ],
)
def test_points_by_era(version: tuple[int, int, int] | None, points: int, of_root: int, below_zero: int) -> None:
    task = Task(rss=1000, swap=200, page_tables=300, oom_score_adj=100)
    assert badness(task, 10_000, version) == points
    assert badness(task._replace(is_admin=True), 10_000, version) == of_root
    assert badness(task._replace(oom_score_adj=-200), 10_000, version) == below_zero


def test_never() -> None:
    assert badness(Task(10**6, 0, 0, -1000), 10**6) is None
    assert oom_score(None, 10**6) == 0


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(-999, 1000), st.integers(10**4, 10**8))
def test_the_adjustment_that_makes_safer(rss: int, than: int, adj: int, total: int) -> None:
    points = badness(Task(rss, 0, 0, adj), total)
    assert points is not None
    best = adj_to_be_safer(points, than, adj, total)
    if best is None:
        safest = badness(Task(rss, 0, 0, -999), total)
        assert safest is not None
        assert safest >= than
        return
    with_best = badness(Task(rss, 0, 0, best), total)
    assert with_best is not None
    assert with_best < than
    if best < 1000:
        one_more = badness(Task(rss, 0, 0, best + 1), total)
        assert one_more is not None
        assert one_more >= than


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(-999, 999), st.integers(10**4, 10**8))
def test_more_memory_or_adjustment_never_scores_less(rss: int, more: int, adj: int, total: int) -> None:
    for version in (None, (2, 6, 37), (3, 6, 0), (4, 4, 0), (5, 4, 0)):
        low, high = (
            badness(Task(rss, 0, 0, adj), total, version),
            badness(Task(rss + more, 0, 0, adj + 1), total, version),
        )
        assert low is not None
        assert high is not None
        assert low <= high
        for scale in (FAIR, THOUSANDTHS):
            assert oom_score(low, total, scale) <= oom_score(high, total, scale)

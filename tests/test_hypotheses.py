"""Scores as they would be with a larger process, or more memory; the figures are worked out by hand."""

import pytest

from pymemtools.errors import Missing
from pymemtools.models.oom import Task
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates
from pymemtools.reports.oom_scores.hypotheses import grown, on_another_machine

V6 = (6, 1, 0)
TOTAL = 1_000_000  # pages of RAM and swap


def found(rss: int, adj: int = 0) -> Candidates:
    """Give one process of so many pages in RAM, without page tables or swap."""
    task = Task(rss=rss, swap=0, page_tables=0, oom_score_adj=adj)
    row = Candidate(7, "root", 0, adj, 0, 0, 0, rss * 4096, 0, 0, "S", True, "hog", "hog")
    blank = Candidates([row], TOTAL, 4096, None, "", True, 0, [], {7: task})
    return on_another_machine(blank, TOTAL, V6)


def test_a_process_that_grows_is_weighed_with_its_page_tables() -> None:
    before = found(100_000)
    (row,) = grown(before, 7, 51_200 * 4096).rows
    assert row.rss == 151_200 * 4096
    assert row.badness_pages == 151_200 + 51_200 // 512  # an entry of a page table a page, 512 in one
    assert row.hypothetical
    assert before.rows[0].badness_pages == 100_000


def test_who_is_not_there_does_not_grow() -> None:
    with pytest.raises(Missing, match=r"^8: no such process$"):
        grown(found(1), 8, 4096)


def test_more_memory_makes_a_share_smaller_and_leaves_the_points() -> None:
    here = found(100_000)
    (row,) = on_another_machine(here, 4 * TOTAL, V6).rows
    assert (here.rows[0].share_permille, row.share_permille) == (100, 25)
    assert (here.rows[0].badness_pages, row.badness_pages) == (100_000, 100_000)


def test_an_adjustment_weighs_more_where_there_is_more_memory() -> None:
    """oom_score_adj is in thousandths of RAM and swap."""
    here = found(100_000, adj=100)
    (row,) = on_another_machine(here, 4 * TOTAL, V6).rows
    assert (here.rows[0].badness_pages, row.badness_pages) == (200_000, 500_000)

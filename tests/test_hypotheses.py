"""Scores as they would be with a larger process, or more memory; the figures are worked out by hand."""

import pytest

from pymemtools.errors import Missing
from pymemtools.models.oom import Task
from pymemtools.models.release import Version
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates, by_badness, victim
from pymemtools.reports.oom_scores.hypotheses import grown, on_another_machine, with_hypotheses

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


@pytest.mark.parametrize(("version", "first"), [((5, 0, 0), [7, 8, 0]), ((5, 1, 0), [0, 8, 7]), (None, [0, 8, 7])])
def test_of_equals_the_oldest_is_killed_before_5_1_and_the_youngest_since(
    version: Version | None, first: list[int]
) -> None:
    """As models.oom.select() has it; a process that does not exist yet is the youngest, and has no number."""
    here = found(1_002)  # as much as one of 1000 pages with its two of page tables
    twin = here.rows[0]._replace(pid=8)
    both = here._replace(rows=[here.rows[0], twin], tasks={**here.tasks, 8: here.tasks[7]}, version=version)
    three = with_hypotheses(both, {}, [("new", 1_000 * 4096)])
    assert {row.badness_pages for row in three.rows} == {1_002}
    assert [row.pid for row in by_badness(three.rows, version)] == first
    chosen = victim(three)
    assert chosen is not None
    assert chosen.pid == first[0]

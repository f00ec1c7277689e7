"""Each kernel function that is cited is in the file it is cited of; kernel_functions.txt says of which version."""

from citations import citations, found


def test_what_is_cited_is_there() -> None:
    there = found()
    assert [each for each in citations() if (each.file, each.function) not in there] == []


def test_nothing_is_kept_that_is_cited_no_more() -> None:
    assert found().keys() - {(each.file, each.function) for each in citations()} == set()


def test_citations_are_found() -> None:
    assert len({(each.file, each.function) for each in citations()}) > 80

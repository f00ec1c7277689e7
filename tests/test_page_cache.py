"""The page cache as it is worked out in runs of pages: against one page after the other, and its laws."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict

import pytest
from conftest import HERE
from hypothesis import given
from hypothesis import strategies as st
from testpoints.cache_adapters import CACHE_ADAPTERS, completed
from testpoints.judge import Bounds, case_of

from pymemtools.models.cache_room import readers, room, room_at_boot, room_of_cgroup, seconds, with_readahead
from pymemtools.models.generations import Generations
from pymemtools.models.page_cache import Access, PageCache, Step
from pymemtools.models.two_lists import TwoLists, inactive_ratio

POINTS = json.loads((HERE / "testpoints" / "cases.json").read_text())["testpoints"]
OURS = [point for point in POINTS if point["model"] == "page_cache"]


def test_what_a_case_does_not_tell_is_a_window_or_not_answered() -> None:
    """Nobody says what the kernel of a guest left of its 384 MiB: somewhere between a half of them and all."""
    point = next(point for point in OURS if point["id"] == "pc-k68-mglru-thrash")
    found = CACHE_ADAPTERS["page_cache"](case_of({**point, "inputs": completed(point, OURS)}, HERE))
    assert found["resident_after"] == [Bounds(49152, 98304)] * 3
    assert found["refaults"] == [0, 124557, 124557]
    with pytest.raises(LookupError, match="how much memory"):
        CACHE_ADAPTERS["page_cache"](case_of(point, HERE))


def test_an_unknown_lru_makes_a_window() -> None:
    inputs = {"capacity_pages": 1000, "H": 300, "B": 5000, "trace": "H,H,B,H"}
    for kernel, kept in (("6.12", Bounds(0, 300)), ("6.12 MGLRU", 0), ("6.12 classic LRU", 300), ("5.10", 300)):
        point = {"id": "", "model": "page_cache", "kernel": kernel, "inputs": inputs, "expected": {}}
        assert CACHE_ADAPTERS["page_cache"](case_of(point, HERE))["H_resident_after_stream"] == kept


class OnePageAtATime:
    """The two lists, or the queue, of pages: slow and plain."""

    def __init__(self, capacity: int, *, ratio: int | None) -> None:
        self.capacity, self.ratio, self.clock = capacity, ratio, 0
        self.inactive: OrderedDict[tuple[str, int], bool] = OrderedDict()  # the oldest first; true: read before
        self.active: OrderedDict[tuple[str, int], bool] = OrderedDict()
        self.shadows: dict[tuple[str, int], int] = {}

    def access(self, access: Access) -> Step:
        count: Counter[str] = Counter()
        for page in range(access.first, access.first + access.pages):
            self._touch((access.file, page), count)
        cached = Counter(file for pages in (self.inactive, self.active) for file, _ in pages)
        hits, misses, refaults, activations = map(count.__getitem__, ("hits", "misses", "refaults", "activations"))
        return Step(hits, misses, refaults, activations, 0, len(self.active), cached)

    def _touch(self, page: tuple[str, int], count: Counter[str]) -> None:
        if page in self.active:
            count["hits"] += 1
        elif page in self.inactive:
            count["hits"] += 1
            if self.ratio is not None:
                self._activate(page, count)
        else:
            self._miss(page, count)

    def _activate(self, page: tuple[str, int], count: Counter[str]) -> None:
        self.inactive.pop(page, None)
        self.active[page] = True
        self.clock += 1
        count["activations"] += 1

    def _miss(self, page: tuple[str, int], count: Counter[str]) -> None:
        count["misses"] += 1
        if len(self.inactive) + len(self.active) == self.capacity:
            while self.ratio is not None and len(self.inactive) * self.ratio < len(self.active):
                self.inactive[self.active.popitem(last=False)[0]] = True
            self.shadows[self.inactive.popitem(last=False)[0]] = self.clock
            self.clock += 1
        shadow = self.shadows.pop(page, None)
        count["refaults"] += shadow is not None
        if self.ratio is not None and shadow is not None and self.clock - shadow <= len(self.active):
            self._activate(page, count)
        else:
            self.inactive[page] = True


class TwoListsInSmallSteps(TwoLists):
    batch = 1


ACCESS = st.builds(Access, st.sampled_from("ABC"), st.integers(0, 40), st.integers(0, 30), st.just(False))


def same(found: Step, expected: Step) -> bool:
    resident = {file: pages for file, pages in found.resident.items() if pages}
    return found[:4] == expected[:4] and (found.active, resident) == (expected.active, dict(expected.resident))


@given(st.integers(1, 60), st.integers(1, 4), st.lists(ACCESS, max_size=12))
def test_two_lists_of_runs_and_of_pages_are_the_same(capacity: int, ratio: int, trace: list[Access]) -> None:
    runs, pages = TwoListsInSmallSteps(capacity, ratio), OnePageAtATime(capacity, ratio=ratio)
    for access in trace:
        found, expected = runs.access(access), pages.access(access)
        assert same(found, expected), (access, found, expected)


@given(st.integers(1, 60), st.lists(ACCESS, max_size=12))
def test_a_queue_of_runs_and_of_pages_is_the_same(capacity: int, trace: list[Access]) -> None:
    runs, pages = Generations(capacity), OnePageAtATime(capacity, ratio=None)
    for access in trace:
        assert same(runs.access(access), pages.access(access))


def caches(capacity: int, ratio: int = 1, kept: int = 0) -> list[PageCache]:
    return [TwoLists(capacity, ratio), Generations(capacity, kept)]


MIXED = st.builds(Access, st.sampled_from("ABC"), st.integers(0, 4000), st.integers(0, 3000), st.booleans())


@given(st.integers(1, 6000), st.integers(1, 31), st.integers(0, 500), st.lists(MIXED, max_size=10))
def test_pages_are_conserved(capacity: int, ratio: int, kept: int, trace: list[Access]) -> None:
    for cache in caches(capacity, ratio, kept):
        for access in trace:
            step = cache.access(access)
            assert step.hits + step.misses == access.pages
            assert 0 <= step.restores <= step.refaults <= step.misses
            assert step.active <= sum(step.resident.values()) <= capacity
            assert min(step.resident.values(), default=0) >= 0


@given(st.integers(1, 3000), st.integers(0, 500), st.integers(1, 3000), st.integers(0, 3000))
def test_more_room_never_costs_hits(capacity: int, more: int, hot: int, stream: int) -> None:
    trace = [Access("H", hot), Access("H", hot), Access("B", stream), Access("H", hot)]
    for small, large in zip(caches(capacity), caches(capacity + more)):
        assert [small.access(access).hits <= large.access(access).hits for access in trace] == [True] * 4


def test_a_set_read_twice_is_kept_by_two_lists_only() -> None:
    hits = []
    for cache in caches(1000):
        for access in (Access("H", 300), Access("H", 300), Access("B", 5000)):
            cache.access(access)
        hits.append(cache.access(Access("H", 300)).hits)
    assert hits == [300, 0]


def test_mapped_pages_go_around_once_more() -> None:
    cache = TwoLists(1000)
    for access in (Access("M", 400, mapped=True), Access("A", 600), Access("B", 500)):
        step = cache.access(access)
    assert step.resident == {"M": 400, "A": 100, "B": 500}
    assert cache.access(Access("C", 500)).resident == {"M": 0, "A": 0, "B": 500, "C": 500}


def test_ten_million_touches_are_a_few_thousand_steps() -> None:
    for cache in (TwoLists(1_000_000, inactive_ratio(1_000_000)), Generations(1_000_000, 3000)):
        touched = 0
        sizes = {"A": 900_000, "B": 400_000, "C": 1_500_000}
        for file in "AABABCABCCACCBA":
            step = cache.access(Access(file, sizes[file]))
            touched += step.hits + step.misses
        assert touched > 10_000_000
        assert cache.pieces < touched // 250


def test_what_was_cached_to_begin_with_goes_first() -> None:
    for cache in caches(1000):
        assert isinstance(cache, (TwoLists, Generations))
        cache.begin_with("others", active=300, inactive=400)
        assert cache.access(Access("A", 600)).resident == {"others": 400, "A": 600}
    with pytest.raises(ValueError, match="no page"):
        TwoLists(0)


def test_inactive_ratio() -> None:
    gib = 1 << 18
    assert [inactive_ratio(n * gib) for n in (1, 10, 100)] == [3, 10, 31]
    assert inactive_ratio(gib - 1) == 1
    assert inactive_ratio(gib // 16, page_size=65536) == 3
    assert inactive_ratio(100 * gib, version=(4, 4, 0)) == 1


def test_room() -> None:
    assert room(1000, 500, 100) == 1500 - 140 - 3
    assert room(100, 0, 100) == 0
    assert room_of_cgroup(65536, (6, 18, 44)) == 65024
    assert room_of_cgroup(65536, (5, 10, 0)) == 65504
    assert abs(room_at_boot(86801, version=(4, 4, 0)) - 85340) < 100


def test_readahead_stops_at_the_end_of_the_file() -> None:
    assert with_readahead(25600, 2048) == 28672
    assert with_readahead(25600, 2048, 26000) == 26000
    assert with_readahead(100, 32, 100) == 100
    assert with_readahead(100, 0) == 100


def test_readers() -> None:
    assert readers(51200, 1, mapped=True) == (51200, 0, 100)
    assert readers(51200, 3, mapped=False) == (51200, 153600, 300)
    assert readers(51200, 3, mapped=True).total == 51500
    assert readers(1000, 2, mapped=True, page_size=65536) == (1000, 0, 2)
    assert readers(1024, 1, mapped=True, is_64bit=False).page_tables == 1


def test_time() -> None:
    assert seconds(25600, 25600, disk=100 * 2**20, copying=1000 * 2**20) == pytest.approx(1.1)
    assert seconds(0, 25600, disk=1.0, copying=50 * 2**20) == pytest.approx(2.0)

"""glibc's choices against what programs saw, and their laws."""

from __future__ import annotations

import pytest
from conftest import HERE
from hypothesis import given
from hypothesis import strategies as st
from testpoints.cache_adapters import CACHE_ADAPTERS
from testpoints.judge import case_of

from pymemtools.models.malloc import Build, Footprint, Heap, build


def test_builds() -> None:
    assert build(64) == Build(8, 16, 640)
    assert build(64, (2, 25)) == Build(8, 16, 0)
    assert build(64, (2, 29)) == Build(8, 16, 576)
    assert build(64, (2, 42)) == Build(8, 16, 760)
    assert build(32, (2, 36)) == Build(4, 8, 384)
    assert build(32, (2, 36), i386=True) == Build(4, 16, 384)
    assert build(32, (2, 19), i386=True) == Build(4, 8, 0)
    assert [build(64).chunk(n) for n in (0, 24, 25, 8192)] == [32, 32, 48, 8208]
    assert [build(32, i386=True).chunk(n) for n in (0, 12, 13)] == [16, 16, 32]


@pytest.mark.parametrize(
    ("version", "tcache", "align_of_i386"),
    [((2, 25), 0, 8), ((2, 26), 576, 16), ((2, 29), 576, 16), ((2, 30), 640, 16)],
)
def test_builds_differ_from_a_version_on(version: tuple[int, int], tcache: int, align_of_i386: int) -> None:
    assert build(64, version).tcache == tcache
    assert build(32, version, i386=True).align == align_of_i386


def test_chunks_from_the_threshold_on_are_mapped() -> None:
    """Of 128 KiB, header and alignment included: sysmalloc() compares the chunk."""
    without_cache = build(64, (2, 25))
    assert [Heap(without_cache).malloc(size).is_mapped for size in (131048, 131049)] == [False, True]


def test_an_i386_heap_begins_with_a_shift_to_16_bytes() -> None:
    heap = Heap(build(32, (2, 31), i386=True))
    assert heap.malloc(8).pointer == 8 + 400 + 8
    assert heap.brk == 0x22000


def test_a_large_request_is_carved_from_a_top_that_has_it() -> None:
    heap = Heap(Build(8, 16))
    heap.malloc(8)
    assert heap.malloc(136_000).is_mapped
    assert not heap.malloc(134_000).is_mapped


def test_a_threshold_that_is_set_stays() -> None:
    heap = Heap(Build(8, 16), threshold=1 << 20)
    assert not heap.malloc(500_000).is_mapped
    heap.free(heap.malloc(2_000_000))
    assert heap.threshold == 1 << 20


def test_frees_and_trims_as_a_program_saw_them() -> None:
    """Origin: sbrk(0) and mallinfo2() of a C program with glibc 2.36 on x86_64."""
    heap = Heap(build(64, (2, 36)))
    seen = []

    def look() -> None:
        seen.append((heap.brk, heap.in_use - heap.mapped))

    heap.malloc(100)
    for request in (200_000, 199_000, 120_000, 190_000):
        granted = heap.malloc(request)
        look()
        heap.free(granted)
        look()
    three = [heap.malloc(200_000) for _ in range(3)]
    look()
    for granted in reversed(three):
        heap.free(granted)
        look()
    assert seen[:4] == [(135168, 768), (135168, 768), (331776, 199776), (331776, 768)]
    assert seen[5::2] == [(331776, 768), (331776, 768), (733184, 400800), (335872, 768)]
    assert seen[-3:] == [(733184, 400800), (335872, 200784), (335872, 768)]
    assert heap.resident_untouched == 5  # of headers at 0 and near 120, 190, 199 and 200 thousand


def test_small_chunks_are_kept_for_the_same_size() -> None:
    for libc in (Build(8, 16), build(64)):
        heap = Heap(libc)
        first = heap.malloc(100)
        heap.free(first)
        assert heap.malloc(97).pointer == first.pointer
        assert heap.malloc(100).pointer == (first.pointer or 0) + 112


def test_what_malloc_refuses() -> None:
    with pytest.raises(ValueError, match="address space"):
        Heap(build(32)).malloc(1 << 31)
    with pytest.raises(ValueError, match="address space"):
        Heap(build(64)).malloc(-1)


def test_other_c_libraries_have_no_answer() -> None:
    with pytest.raises(LookupError, match="musl"):
        point = {"id": "", "model": "malloc", "kernel": "musl 1.2", "inputs": {"requests": [1]}, "expected": {}}
        CACHE_ADAPTERS["malloc"](case_of(point, HERE))


BUILDS = st.sampled_from([build(64), build(32), build(32, i386=True), Build(8, 16), Build(4, 8)])


@given(BUILDS, st.integers(0, 1 << 20), st.lists(st.integers(0, 1 << 18), max_size=60))
def test_laws(libc: Build, start: int, requests: list[int]) -> None:
    heap = Heap(libc, start * 4096)
    end, before = heap.start, heap.brk
    for request in requests:
        granted = heap.malloc(request)
        assert heap.brk >= before
        before = heap.brk
        assert granted.size >= libc.chunk(request)
        if granted.pointer is not None:
            assert granted.pointer % libc.align == 0
            assert end < granted.pointer
            assert granted.pointer + request <= heap.brk
            end = granted.pointer + request
    assert heap.brk % 4096 == 0
    assert heap.in_use <= heap.system + heap.mapped
    assert heap.resident_untouched <= heap.resident_written <= (heap.system + heap.mapped) // 4096


@given(BUILDS, st.integers(0, 1 << 22), st.lists(st.integers(0, 1 << 22), max_size=20))
def test_what_is_freed_at_once_leaves_no_use(libc: Build, first: int, requests: list[int]) -> None:
    heap = Heap(libc)
    heap.malloc(first)
    in_use = heap.in_use
    for request in requests:
        heap.free(heap.malloc(request))
        assert heap.in_use == in_use
        assert heap.mapped == 0 or first >= 1 << 17


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=30), st.integers(0, 100_000))
def test_footprint(addresses: list[int], end: int) -> None:
    footprint, pages = Footprint(4096), set()
    for address in addresses:
        footprint.write(address, address + 5000)
        pages |= set(range(address // 4096, (address + 4999) // 4096 + 1))
    assert footprint.pages == len(pages)
    footprint.cut(end // 4096 * 4096)
    assert footprint.pages == len([page for page in pages if page < end // 4096])

"""Which mapping of an earlier look is which one of a later: so that growth can be told from coming and going."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from pymemtools.procfs.maps import Mapping


def _at_start(mapping: Mapping) -> Hashable:
    return mapping.start, mapping.name


def _at_end(mapping: Mapping) -> Hashable:
    """A stack grows downwards, and so does memory that mmap() finds room for below its like."""
    return mapping.end, mapping.name


def _by_name(mapping: Mapping) -> Hashable:
    """A program started again has all its mappings elsewhere."""
    return mapping.name, mapping.perms, mapping.offset


def pair(before: Sequence[Mapping], after: Sequence[Mapping]) -> list[tuple[int | None, int | None]]:
    """Match the mappings of two looks at a process; give places in both, None for one that came or went.

    Those are the same that start at one address under one name; of the rest, those that end at one; and of the rest,
    named ones that are alone in having their name, permissions and offset.
    """
    pairs: list[tuple[int | None, int | None]] = []
    old, new = set(range(len(before))), set(range(len(after)))
    for key in (_at_start, _at_end, _by_name):
        matched = _match(before, old, after, new, key)
        if key is _by_name:
            matched = [(i, j) for i, j in matched if after[j].name]
        pairs += matched
        old -= {i for i, _ in matched}
        new -= {j for _, j in matched}
    return [*pairs, *((i, None) for i in sorted(old)), *((None, j) for j in sorted(new))]


def _match(
    before: Sequence[Mapping],
    old: set[int],
    after: Sequence[Mapping],
    new: set[int],
    key: Callable[[Mapping], Hashable],
) -> list[tuple[int, int]]:
    """Match what has a key that nothing else has, on either side."""
    left, right = _unique(before, old, key), _unique(after, new, key)
    return [(left[each], right[each]) for each in left if each in right]


def _unique(mappings: Sequence[Mapping], places: set[int], key: Callable[[Mapping], Hashable]) -> dict[Hashable, int]:
    found: dict[Hashable, int] = {}
    twice = set()
    for i in sorted(places):
        each = key(mappings[i])
        if each in found:
            twice.add(each)
        found[each] = i
    return {each: i for each, i in found.items() if each not in twice}

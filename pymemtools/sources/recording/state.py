"""Which text every place has at a sample: listed now and then, and between that told by the texts that are new."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Callable, Iterable
from typing import Any

from pymemtools.sources.recording.damage import Damaged

_MOST_PLACES = 1 << 20
_GONE = 1000  # places that a list may have, and that went with old samples
_END = 1 << 62
Rows = Callable[..., Iterable[Any]]  # a question, and values for its question marks


def state_at(rows: Rows, number: int) -> dict[int, int]:
    """Give the number of each place's text at a sample. Raises Damaged."""
    listed = next(
        iter(rows("SELECT number, packed FROM state WHERE number <= ? ORDER BY number DESC LIMIT 1", number)), None
    )
    (places,) = next(iter(rows("SELECT count(*) FROM place")), (0,))
    start, state = (0, {}) if listed is None else (listed[0], unpacked_state(listed[1], 2 * places + _GONE))
    first_text = "SELECT first_text FROM sample WHERE number > ? ORDER BY number LIMIT 1"
    begin, end = (next(iter(rows(first_text, after)), (_END,))[0] for after in (start, number))
    changes = "SELECT id, place, packed IS NULL FROM text WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
    for text, place, is_gone in rows(changes, begin, end, _MOST_PLACES):
        if is_gone:
            state.pop(place, None)
        else:
            state[place] = text
    return state


def packed_state(state: dict[int, int]) -> bytes:
    """Write a list of all places' texts."""
    return zlib.compress(_little_endian(array("q", [*state, *state.values()])).tobytes(), 6)


def unpacked_state(packed: Any, most: int = _MOST_PLACES) -> dict[int, int]:
    """Read it: of at most so many places. Raises Damaged."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, 16 * min(most, _MOST_PLACES))
    except (zlib.error, TypeError):
        raise Damaged("a list of places that is none") from None
    if not unpacker.eof or len(data) % 16:
        raise Damaged("a list of places that is none")
    numbers = _little_endian(array("q", data)).tolist()
    half = len(numbers) // 2
    return dict(zip(numbers[:half], numbers[half:]))


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers

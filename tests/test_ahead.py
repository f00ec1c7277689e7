"""Reading ahead gives what reading gives: the same pieces, the same errors, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pymemtools.errors import Missing
from pymemtools.sources.ahead import read_ahead


class Pieces:
    """Pieces that tell who reads them, and when that is over."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.readers: list[threading.Thread] = []
        self.is_closed = False
        self._count = count
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        try:
            for number in range(self._count):
                self.readers.append(threading.current_thread())
                yield b"%d" % number
            if self._error is not None:
                raise self._error
        finally:
            self.is_closed = True


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 100])
def test_same_pieces(count: int) -> None:
    pieces = Pieces(count)
    assert list(read_ahead(iter(pieces))) == [b"%d" % number for number in range(count)]
    here = [reader is threading.current_thread() for reader in pieces.readers]
    assert here == [number < 2 for number in range(count)]
    assert pieces.is_closed


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_same_errors(count: int) -> None:
    reading = read_ahead(iter(Pieces(count, Missing("gone"))))
    assert [next(reading) for _ in range(count)] == [b"%d" % number for number in range(count)]
    with pytest.raises(Missing, match="gone"):
        next(reading)


@pytest.mark.parametrize("wanted", [1, 2, 3, 20])
def test_whoever_stops_early_leaves_no_thread(wanted: int) -> None:
    before = set(threading.enumerate())
    pieces = Pieces(1000)
    reading = read_ahead(iter(pieces))
    assert [next(reading) for _ in range(wanted)] == [b"%d" % number for number in range(wanted)]
    reading.close()  # type: ignore[attr-defined]
    assert set(threading.enumerate()) <= before  # those of other tests may end meanwhile
    assert len(pieces.readers) < wanted + 10


def test_without_a_thread_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert list(read_ahead(iter(Pieces(9)))) == [b"%d" % number for number in range(9)]

"""A small archive that was compressed, or came from a pipe: unpacked in memory as a whole, and read in place there."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.sources.archive.tar import cut_in_data


class SmallFile:
    """A small archive, unpacked in memory as a whole: nothing of it is copied, or packed again."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.kept = _Whole(data)

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data

    def skip_to(self, place: int) -> int:
        self._at = max(min(place, len(self._data)), self._at)
        return self._at

    def keep(self, size: int, member: int) -> int:
        """Give the place of a member's bytes, which must be there whole."""
        if self._at + size > len(self._data):
            raise cut_in_data(member)
        return self._at


class _Whole:
    """A small archive's bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def chunks(self, place: int, size: int, where: str) -> Iterator[bytes]:
        return iter((self._data[place : place + size],) if size else ())

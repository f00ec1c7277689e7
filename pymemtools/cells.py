"""Cells of long columns: made when they are asked for, and each distinct one once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, Union, overload

_Key = TypeVar("_Key")
_Cell = TypeVar("_Cell", covariant=True)
_Value = TypeVar("_Value")
_MOST = 20_000
Integers = Union["array[int]", "list[Any]"]


def extended(column: Integers, cells: Sequence[int | None]) -> Integers:
    """Append to a column of integers: an array, a fifth of the room of a list, for as long as all fit into one."""
    if isinstance(column, array):
        try:
            column.extend(array("Q", cells))  # type: ignore[arg-type]
        except (TypeError, OverflowError):  # something is unknown, or of more than 64 bits
            return [*column, *cells]
        return column
    column += cells
    return column


class Memo(dict[_Key, _Value]):
    """Make values of keys and remember them, but not more than ``most``: hostile text has no end of distinct ones."""

    def __init__(self, make: Callable[[_Key], _Value], most: int = _MOST) -> None:
        super().__init__()
        self._make = make
        self._most = most

    def __missing__(self, key: _Key) -> _Value:
        if len(self) >= self._most:
            self.clear()
        value = self[key] = self._make(key)
        return value


class Derived(Sequence[_Cell], Generic[_Cell]):
    """A column made of another one, cell by cell; it takes no room of its own.

    >>> list(Derived("{:x}".format, [10, 11]))
    ['a', 'b']
    """

    def __init__(self, make: Callable[..., _Cell], base: Sequence[object]) -> None:
        self._make = make
        self._base = base

    def __len__(self) -> int:
        return len(self._base)

    def __iter__(self) -> Iterator[_Cell]:
        return map(self._make, self._base)

    def __reversed__(self) -> Iterator[_Cell]:
        return map(self._make, reversed(self._base))

    @overload
    def __getitem__(self, place: int) -> _Cell: ...

    @overload
    def __getitem__(self, place: slice) -> Derived[_Cell]: ...

    def __getitem__(self, place: int | slice) -> _Cell | Derived[_Cell]:
        if isinstance(place, slice):
            return Derived(self._make, self._base[place])
        return self._make(self._base[place])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))

"""Write figures beside the texts: those that changed with each sample, and once a block is complete, place by place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pymemtools.sources.recording.figures import Row, packed_course, packed_rows, unpacked_rows
from pymemtools.sources.recording.schema import BLOCK, COURSE_SHIFT

if TYPE_CHECKING:
    import sqlite3


class Courses:
    """The figures of the block that is being written; within the transactions of whoever has the connection."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql
        self._block: dict[int, tuple[list[int], list[tuple[int, ...]]]] = {}  # by place: samples, figures
        for number, packed in sql.execute("SELECT number, packed FROM fresh ORDER BY number").fetchall():
            self._collect(number, unpacked_rows(packed))

    @property
    def last_place(self) -> int:
        """Give the highest number of a place that there are figures of, also of one that is forgotten; 0 for none."""
        row = self._sql.execute("SELECT max(place) FROM course").fetchone()
        return max(row[0] or 0, *self._block, 0)

    def begin(self, number: int) -> None:
        """Fold the block before, where a sample begins a new one."""
        if any(number // BLOCK * BLOCK > numbers[0] for numbers, _ in self._block.values()):
            self._fold()

    def add(self, number: int, rows: list[Row]) -> None:
        """Write the figures that changed in a sample."""
        if rows:
            self._sql.execute("INSERT INTO fresh VALUES (?, ?)", (number, packed_rows(rows)))
            self._collect(number, rows)

    def _collect(self, number: int, rows: Iterable[Row]) -> None:
        for place, *figures in rows:
            numbers, values = self._block.setdefault(place, ([], []))
            numbers.append(number)
            values.append(tuple(figures))

    def _fold(self) -> None:
        """Put the figures of a block together, by place."""
        rows = []
        for count, (place, (numbers, values)) in enumerate(self._block.items()):
            start = numbers[0] // BLOCK * BLOCK
            packed = packed_course([number - start for number in numbers], values)
            rows.append(((start << COURSE_SHIFT) + count, place, packed))
        self._sql.executemany("INSERT INTO course VALUES (?, ?, ?)", rows)
        self._sql.execute("DELETE FROM fresh")
        self._block.clear()

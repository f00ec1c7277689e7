"""Figures over time, without unpacking the texts that they were read from."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.sources.recording.damage import Damaged
from pymemtools.sources.recording.database import Database
from pymemtools.sources.recording.figures import (
    GROUP_FIGURES,
    PROCESS_FIGURES,
    UNKNOWN,
    unpacked_course,
    unpacked_rows,
)
from pymemtools.sources.recording.schema import BLOCK, COURSE_SHIFT, PROCESS

_END = 1 << 41  # more samples than there can be
_MACHINES_FIRST = 64  # texts of a sample, among which those of the machine's counters are


class Series(NamedTuple):
    """Figures of one process, or group: each value holds from its sample on until the next; None is not known."""

    numbers: Sequence[int]  # of samples, ascending: one of the first block's, and each in which a figure changed
    values: dict[str, Sequence[int | None]]  # by figure; bytes, but for counts of events


class _Growing(NamedTuple):
    numbers: array[int]
    values: list[array[int]]


def read_series(
    database: Database,
    places: Iterable[int],
    kind: int,
    figures: Sequence[str],
    span: tuple[int | None, int | None],
    most: int | None = None,
) -> dict[int, Series]:
    """Read figures of places over a span of samples, of each block at most about so many. Raises Damaged."""
    names = PROCESS_FIGURES if kind == PROCESS else GROUP_FIGURES
    wanted = [names.index(figure) for figure in figures]
    within = (span[0] or 0, _END if span[1] is None else span[1])
    found = {place: _Growing(array("q"), [array("q") for _ in wanted]) for place in places}
    _add_blocks(database, found, wanted, within, most or BLOCK)
    _add_fresh(database, found, wanted, within)
    return {place: _series(growing, figures) for place, growing in found.items() if growing.numbers}


def _add_blocks(
    database: Database, found: Mapping[int, _Growing], wanted: Sequence[int], within: tuple[int, int], most: int
) -> None:
    """Add what stands in whole blocks of samples, place by place. Raises Damaged."""
    first, last = within
    question = "SELECT id, place, packed FROM course WHERE id >= ? AND id < ?"
    begin, end = first // BLOCK * BLOCK << COURSE_SHIFT, (last + 1) << COURSE_SHIFT
    for number, place, packed in database.each(question, begin, end):
        growing = found.get(place)
        if growing is None or not isinstance(packed, bytes):
            continue
        start = number >> COURSE_SHIFT
        offsets, columns = unpacked_course(packed, wanted, most)
        if start + BLOCK > last:
            offsets = bytes(offset for offset in offsets if offset <= last - start)
            columns = [values[: len(offsets)] for values in columns]
        if not offsets:
            continue
        if growing.numbers and growing.numbers[-1] >= start + offsets[0]:
            raise Damaged("figures out of order")
        growing.numbers.extend([start + offset for offset in offsets])
        for column, values in zip(growing.values, columns):
            column.extend(values)


def _add_fresh(
    database: Database, found: Mapping[int, _Growing], wanted: Sequence[int], within: tuple[int, int]
) -> None:
    """Add what stands sample by sample, as of the block that is not full yet. Raises Damaged."""
    count = database.one("SELECT count(*) FROM place")
    most = 0 if count is None else count[0]  # in a sample there is no place twice
    question = "SELECT number, packed FROM fresh WHERE number >= ? AND number <= ?"
    for number, packed in database.each(question, within[0] // BLOCK * BLOCK, within[1]):
        for place, *row in unpacked_rows(packed, most):
            growing = found.get(place)
            if growing is not None and (not growing.numbers or growing.numbers[-1] < number):
                growing.numbers.append(number)
                for column, index in zip(growing.values, wanted):
                    column.append(row[index])


def _series(growing: _Growing, figures: Sequence[str]) -> Series:
    values: Mapping[str, Sequence[int]] = dict(zip(figures, growing.values))
    return Series(
        growing.numbers,
        {
            figure: [None if value == UNKNOWN else value for value in column] if UNKNOWN in column else column
            for figure, column in values.items()
        },
    )


def texts_over_time(
    database: Database, place: int, span: tuple[int | None, int | None], most: int | None
) -> Iterator[tuple[int, int]]:
    """Tell which texts a file of the machine had: the sample from which on, and the text's number.

    Of more than ``most`` so many are chosen, evenly. Counters of the machine are the first texts of each sample.
    """
    first, last = span[0] or 0, _END if span[1] is None else span[1]
    after = database.one("SELECT first_text FROM sample WHERE number > ? ORDER BY number LIMIT 1", last)
    # CROSS and +: sample by sample, by the ids of texts; an index by place that SQLite would make takes a hundred times
    # as long, as would another bound on the id.
    rows = database.each(
        "SELECT text.id, sample.number FROM sample CROSS JOIN text "
        "ON text.id >= sample.first_text AND text.id < sample.first_text + ? "
        "WHERE sample.number >= ? AND sample.number <= ? AND +text.place = ? AND text.packed IS NOT NULL",
        *(_MACHINES_FIRST, first, last, place),
    )
    # A text within reach of two samples is the later one's.
    end = None if after is None else _first_text(after)
    numbers = {text: number for text, number in rows if end is None or text < end}
    texts = sorted(numbers)
    if most is not None and len(texts) > most:
        step = (len(texts) - 1) / max(most - 1, 1)
        texts = [texts[round(step * index)] for index in range(most)]
    yield from ((numbers[text], text) for text in texts)


def text_anew(database: Database, place: int, number: int) -> int | None:
    """Give the number of the text that a file of the machine's counters had anew in a sample; None: as before."""
    rows = database.rows("SELECT first_text FROM sample WHERE number >= ? ORDER BY number LIMIT 2", number)
    begin = _first_text(rows[0])
    end = _first_text(rows[1]) if len(rows) > 1 else begin + _MACHINES_FIRST
    question = "SELECT id FROM text WHERE id >= ? AND id < ? AND place = ? AND packed IS NOT NULL LIMIT 1"
    row = database.one(question, begin, min(end, begin + _MACHINES_FIRST), place)
    return None if row is None else int(row[0])


def _first_text(row: Sequence[Any]) -> int:
    """Take the number of a sample's first text. Raises Damaged for what is none, as SQLite keeps anything."""
    if not isinstance(row[0], int) or not 0 <= row[0] < 1 << 53:
        raise Damaged("a sample without its texts")
    return int(row[0])

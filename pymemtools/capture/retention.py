"""Let old samples go: by age, and by the size of the file, which shrinks. A text stays as long as a sample has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pymemtools.sources.recording.schema import BLOCK, COURSE_SHIFT, KEY
from pymemtools.sources.recording.state import packed_state, state_at

if TYPE_CHECKING:
    from pymemtools.capture.recording_file import RecordingFile

_SHARE = 16  # of the samples go, the oldest, where the file is too large


class Keep(NamedTuple):
    """What is kept: samples of the last seconds, a file of so many bytes; None for all."""

    seconds: float | None = None
    size: int | None = None


EVERYTHING = Keep()


def expire(file: RecordingFile, keep: Keep, number: int) -> None:
    """Let go of samples that are too old, now and then, or too many; never of the last one, whose number is given."""
    sql = file.connection
    oldest = _one(sql, "SELECT min(number) FROM sample")
    first = oldest
    if keep.seconds is not None and number % KEY == 0:
        first = _first_of_last(sql, round(keep.seconds * 1000), number)
    if keep.size is not None and _used(sql) > keep.size:
        first = max(first, oldest + max(1, (number - oldest) // _SHARE))
    if first > oldest and first <= number:
        with file.transaction():
            _drop_before(sql, first)
        sql.execute("PRAGMA incremental_vacuum").fetchall()


def _first_of_last(sql: Any, milliseconds: int, number: int) -> int:
    """Find the oldest sample that is young enough beside the last one: of this start of the machine by the clock that
    nobody sets, as boards begin in 1970 and are set then; before it by the one on the wall.
    """
    taken_ms, boottime_ms, boot = sql.execute(
        "SELECT taken_ms, boottime_ms, boot.id FROM sample LEFT JOIN boot ON boot.id = boot AND boot_id <> '' "
        "WHERE number = ?",
        (number,),
    ).fetchone()
    young = "SELECT min(number) FROM sample WHERE CASE WHEN boot IS ? THEN boottime_ms >= ? ELSE taken_ms >= ? END"
    return _one(sql, young, boot, boottime_ms - milliseconds, taken_ms - milliseconds)


def _used(sql: Any) -> int:
    """Give the bytes of the pages that are used."""
    pages, free, size = (
        sql.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _drop_before(sql: Any, first: int) -> None:
    """Delete all samples before one, and what only they had."""
    state = state_at(lambda question, *values: sql.execute(question, values), first)
    sql.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (first, packed_state(state)))
    sql.execute("DELETE FROM state WHERE number < ?", (first,))
    begin = _one(sql, "SELECT first_text FROM sample WHERE number = ?", first)
    needed = set(state.values())
    # A later text is packed with one of these, or with one that is later, too: the newest that is not packed itself.
    needed |= {_one(sql, "SELECT base FROM text WHERE id = ?", text) for text in state.values()}
    old = sql.execute("SELECT id FROM text WHERE id < ?", (begin,)).fetchall()
    sql.executemany("DELETE FROM text WHERE id = ?", [row for row in old if row[0] not in needed])
    sql.execute("DELETE FROM sample WHERE number < ?", (first,))
    sql.execute("DELETE FROM course WHERE id < ?", (first // BLOCK * BLOCK << COURSE_SHIFT,))
    sql.execute("DELETE FROM place WHERE last < ?", (first,))


def _one(sql: Any, question: str, *values: int) -> int:
    row = sql.execute(question, values).fetchone()
    return row[0] if row and row[0] is not None else 0

"""The columns of pages: types of frames, beside what counters say of the same."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.report import Column


class TypeRow(NamedTuple):
    """One type of frames, in bytes; None where it is not known, or there is no such counter.

    Types that one counter counts together follow each other: ``counted`` and ``difference`` are in the first one's row.
    """

    type: str
    present: int | None
    frames: int | None
    mapped: int | None = None
    dirty: int | None = None
    counter: str | None = None
    counted: int | None = None
    difference: int | None = None
    reason: str | None = None


_PRESENT = Column("present", "Present", "frames of this type", "bytes", 11)
_COUNTED = "what it says of this type and those below it with the same counter; in the first one's row"
COLUMNS = (
    Column("type", "Type", "what the frames are used for; hole: no memory", "text", 13, right=False),
    _PRESENT,
    Column("frames", "Frames", "how many there are", "pages", 9),
    Column("mapped", "Mapped", "of them, in use by processes", "bytes", 10),
    Column("dirty", "Dirty", "of them, to be written back or, if anonymous, to be swapped out", "bytes", 9),
    Column("counter", "Counter", "what of meminfo counts the same", "text", 20, right=False),
    Column("counted", "Counted", _COUNTED, "bytes", 11),
    Column("difference", "Difference", "present of all of these, less what is counted", "bytes", 10),
    Column("reason", "Reason", "what the difference is made of, but for what changed meanwhile", "text", right=False),
)
PROCESS_COLUMNS = (
    COLUMNS[0]._replace(help="what the pages are; swapped: not in RAM"),
    _PRESENT._replace(help="pages of this type, each as often as it is mapped"),
    Column("frames", "Pages", "how many there are", "pages", 9),
    *(
        column._replace(help="what of smaps_rollup counts the same") if column.key == "counter" else column
        for column in COLUMNS[5:]
    ),
)
SHOWN = ("type", "present", "mapped", "counter", "counted", "difference")
PROCESS_SHOWN = ("type", "present", "frames", "counter", "counted", "difference")
FLAG_COLUMNS = (
    Column("flags", "Flags", "the word of kpageflags, in hexadecimal", "text", 16, right=False),
    Column("present", "Present", "frames with exactly these flags", "bytes", 11),
    Column("frames", "Frames", "how many there are", "pages", 9),
    Column("type", "Type", "what they count as", "text", 13, right=False),
    Column("flag_names", "Names", "the flags by name", "list", 20, right=False),
)

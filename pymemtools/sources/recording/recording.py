"""A recording: many moments of a machine in one file, of which each is a source, and figures over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from pymemtools.errors import ArchiveError, Missing
from pymemtools.sources.base import MAX_WHOLE, parse_pid
from pymemtools.sources.recording.bundle import unbundled
from pymemtools.sources.recording.damage import Damaged, named
from pymemtools.sources.recording.database import Database
from pymemtools.sources.recording.moment import BeforeFirst, Finder, Moment, chosen
from pymemtools.sources.recording.packing import unpack
from pymemtools.sources.recording.replay import AtMoment, Replay
from pymemtools.sources.recording.schema import GROUP, MACHINE, PROCESS
from pymemtools.sources.recording.series import Series, read_series, text_anew, texts_over_time
from pymemtools.sources.recording.state import state_at
from pymemtools.units import exact_size, is_page_size

_MOST_MOMENTS = 1 << 24
_MOST_PLACES = 1 << 22
_LONGEST_S = 1e9  # between two samples
_GAP = 10  # intervals: what is longer is a time in which nothing was recorded
_MOST_USERS = 1 << 20
_BASES = 32 << 20  # bytes of texts that others are packed with, kept at hand
_WHY_NONE = "none was taken, or its -wal was not copied"


class About(NamedTuple):
    """What holds of a recording as a whole; None where it does not tell."""

    host: str | None
    machine: str | None
    tool: str | None
    page_size: int | None  # bytes
    every_s: float | None  # asked for, between two samples
    dictionary: bytes


class Summary(NamedTuple):
    """What a recording holds, and what it cost."""

    moments: int
    first: Moment
    last: Moment
    boots: int
    every_s: float | None
    cpu_s: float  # processor time that it took, in all
    size: int  # bytes of the file, and of what is still beside it
    covered_s: float  # between samples, but for the gaps in which nothing was recorded

    @property
    def cpu_share(self) -> float | None:
        """Give the share of one processor that recording took; None for a single sample."""
        return self.cpu_s / self.covered_s if self.covered_s else None


class Followed(NamedTuple):
    """Where texts come from: a file of the machine, a group's files, a process's."""

    id: int
    kind: int
    path: str  # of a process: its PID
    first: int  # sample
    last: int | None  # sample; None: to the end
    boot_id: str
    starttime_ticks: int | None
    uid: int | None
    name: str | None
    command: str | None
    cgroup: str | None

    @property
    def pid(self) -> int | None:
        """Give the PID, of a process."""
        return parse_pid(self.path)


_PLACE = "SELECT id, kind, path, first, last, boot, starttime_ticks, uid, name, command, cgroup FROM place"
_MOMENT = "SELECT number, taken_ms, boottime_ms, boot, utc_offset_s, cpu_us FROM sample"
_TEXTS = ("host", "machine", "tool")
_NUMBER, _BYTES = (int, type(None)), (bytes, type(None))
_TYPES: tuple[Any, ...] = (int, int, bytes, int, _NUMBER, int, _NUMBER, _NUMBER, _BYTES, _BYTES, _BYTES)


class Recording:
    """One file of recorded moments. What is wrong with it raises ArchiveError, wherever that is found."""

    def __init__(self, path: str, max_bytes: int = 1 << 30) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._database = Database(path)
        self._bases: dict[int, bytes] = {}
        self._kept = 0  # bytes of them
        if self._database.one("SELECT number FROM sample LIMIT 1") is None:
            raise Missing(f"{path}: no sample in it yet: {_WHY_NONE}")

    @cached_property
    def about(self) -> About:
        """Tell what holds of the whole."""
        told = {str(key): value for key, value in self._database.rows("SELECT key, value FROM about LIMIT 100")}
        host, machine, tool = (value if isinstance(value, str) else None for value in map(told.get, _TEXTS))
        dictionary, page_size, every = told.get("dictionary"), told.get("page_size"), told.get("every_s")
        return About(
            *(host, machine, tool),
            page_size if isinstance(page_size, int) and is_page_size(page_size) else None,
            float(every) if isinstance(every, int | float) and 0 < every < _LONGEST_S else None,
            dictionary if isinstance(dictionary, bytes) else b"",
        )

    @cached_property
    def users(self) -> dict[int, str]:
        """Name the users of the machine."""
        rows = self._database.rows("SELECT uid, name FROM user LIMIT ?", _MOST_USERS)
        return {uid: name for uid, name in rows if isinstance(uid, int) and isinstance(name, str)}

    @cached_property
    def _boots(self) -> dict[Any, str]:
        rows = self._database.rows("SELECT id, boot_id FROM boot LIMIT 100000")
        return {number: boot_id for number, boot_id in rows if isinstance(boot_id, str)}

    @cached_property
    def moments(self) -> list[Moment]:
        """Give all moments, the oldest first."""
        return self._moments(self._database.rows(f"{_MOMENT} ORDER BY number LIMIT ?", _MOST_MOMENTS))

    @property
    def first(self) -> Moment:
        """Give the oldest moment."""
        return self._one_moment("ORDER BY number LIMIT 1")

    @property
    def last(self) -> Moment:
        """Give the newest moment."""
        return self._one_moment("ORDER BY number DESC LIMIT 1")

    def summary(self) -> Summary:
        """Tell what is in it."""
        moments, longest = self.moments, _GAP * (self.about.every_s or 0)
        steps = pairwise(moments)
        lengths = (later.boottime_s - sooner.boottime_s for sooner, later in steps if later.boot_id == sooner.boot_id)
        covered = sum(length for length in lengths if 0 < length <= longest)
        return Summary(
            *(len(moments), self.first, self.last, len(self._boots), self.about.every_s),
            *(sum(moment.cpu_s for moment in moments[1:]), self._database.size(), covered),
        )

    def choose(self, text: str) -> Moment:
        """Choose the moment that a user means. Raises UsageProblem or Missing."""
        try:
            found = chosen(text, self.last, self.first, Finder(self._before, self._ago))
        except BeforeFirst as error:
            raise BeforeFirst(f"{self.path}: {error}") from None
        if isinstance(found, Moment):
            return found
        moment = self._find("WHERE number = ?", found)
        if moment is None:
            raise Missing(f"{self.path}: no sample {found}: there are {self.first.number} to {self.last.number}")
        return moment

    def choose_begin(self, text: str | None) -> Moment:
        """Choose the moment that a span begins with: the first, too, where an earlier one is meant."""
        try:
            return self.first if text is None else self.choose(text)
        except BeforeFirst:  # what looks at the last hour has to run in the first one, too
            return self.first

    def _before(self, seconds: float) -> Moment | None:
        """Find the last by the clock on the wall, which may have been set back between two samples."""
        return self._find("WHERE taken_ms <= ? ORDER BY taken_ms DESC, number DESC LIMIT 1", int(seconds * 1000))

    def _ago(self, seconds: float) -> Moment | None:
        """Find the one so long before the last, by the clock that nobody sets; by the other beyond this start."""
        last = self.last
        found = self._find(
            "WHERE sample.boot = (SELECT boot FROM sample ORDER BY number DESC LIMIT 1) AND boottime_ms <= ? "
            "ORDER BY number DESC LIMIT 1",
            int((last.boottime_s - seconds) * 1000),
        )
        return found or self._before(last.taken_at - seconds)

    def _one_moment(self, which: str) -> Moment:
        found = self._find(which)
        if found is None:
            raise Missing(f"{self.path}: no sample in it yet: {_WHY_NONE}")
        return found

    def _find(self, which: str, *values: int) -> Moment | None:
        row = self._database.one(f"{_MOMENT} {which}", *values)
        return None if row is None else self._moments([row])[0]

    def _moments(self, rows: Sequence[tuple[Any, ...]]) -> list[Moment]:
        """Make moments of rows, which are checked column by column: a day has thousands."""
        if not rows:
            return []
        columns = list(zip(*rows))
        are_numbers = {kind for column in columns for kind in {*map(type, column)}} == {int}
        if not are_numbers or max(map(max, columns)) >= 1 << 53 or min(map(min, columns)) <= -1 << 53:
            raise ArchiveError(f"{self.path}: damaged recording: a sample without its times")
        _, taken, since_boot, _, offsets, spent = columns
        # The first second of 1970 is no time either: utc() takes 0 for unknown, as archives mean it
        is_time = min(taken) >= 1000 and min(since_boot) >= 0 and max(max(taken), max(since_boot)) < 253402300800_000
        if not is_time or min(spent) < 0 or min(offsets) <= -86400 or max(offsets) >= 86400:
            raise ArchiveError(f"{self.path}: damaged recording: a sample of a time that is none")
        boots = self._boots
        return [
            Moment(number, taken_ms / 1e3, boottime_ms / 1e3, boots.get(boot, ""), offset, cpu_us / 1e6)
            for number, taken_ms, boottime_ms, boot, offset, cpu_us in rows
        ]

    def at(self, moment: Moment | int | str = "last") -> Replay:
        """Give the machine as it was at a moment. Raises UsageProblem or Missing."""
        found = moment if isinstance(moment, Moment) else self.choose(str(moment))
        with named(self.path):
            held, places = AtMoment({}, {}, {}), state_at(self._database.each, found.number)
        for place in self._places(places):
            text = places[place.id]
            if place.kind == PROCESS and place.pid is not None:
                held.processes[place.pid] = text
            elif place.kind in (MACHINE, GROUP):
                (held.files if place.kind == MACHINE else held.groups)[place.path] = text
        return Replay(self, found, held)

    def _places(self, wanted: Iterable[int]) -> list[Followed]:
        question = f"{_PLACE} WHERE id = ?"
        rows = (self._database.one(question, place) for place in wanted)
        return [self._place(row) for row in rows if row is not None]

    def _place(self, row: tuple[Any, ...]) -> Followed:
        if not all(isinstance(value, kind) for value, kind in zip(row, _TYPES)):
            raise ArchiveError(f"{self.path}: damaged recording: a place that is none")
        texts = (None if value is None else value.decode("utf-8", "surrogateescape") for value in row[8:])
        path = row[2].decode("utf-8", "surrogateescape")
        if row[1] == PROCESS and parse_pid(path) is None:
            raise ArchiveError(f"{self.path}: damaged recording: a process without a number")
        return Followed._make((*row[:2], path, *row[3:5], self._boots.get(row[5], ""), *row[6:8], *texts))

    def followed(self, kind: int, first: int | None = None, last: int | None = None) -> dict[int, Followed]:
        """Give the processes, or groups, that there were from one sample to another, by the numbers of their places."""
        question = f"{_PLACE} WHERE kind = ? AND first <= ? AND (last IS NULL OR last >= ?) LIMIT ?"
        rows = self._database.each(question, kind, (1 << 62) if last is None else last, first or 0, _MOST_PLACES)
        return {place.id: place for place in map(self._place, rows)}

    def text(self, number: int) -> bytes:
        """Give a text by its number. Raises ArchiveError."""
        return self._text(number)

    def files(self, number: int) -> dict[str, bytes]:
        """Give the files of a folder by the number of their text. Raises ArchiveError."""
        with named(self.path):
            return unbundled(self._text(number))

    def _text(self, number: int, depth: int = 0) -> bytes:
        row = self._database.one("SELECT base, size, packed FROM text WHERE id = ?", number)
        with named(self.path):
            if row is None or not isinstance(row[1], int) or not isinstance(row[2], bytes) or row[1] < 0:
                raise Damaged("a text is missing")
            base, size, packed = row
            if size > min(MAX_WHOLE, self._max_bytes):
                raise Damaged(f"a text of more than {exact_size(min(MAX_WHOLE, self._max_bytes))}")
            if base is not None and (depth or not isinstance(base, int)):
                raise Damaged("a text is packed with one that is packed itself")
            return unpack(packed, self.about.dictionary if base is None else self._base(base), size)

    def _base(self, number: int) -> bytes:
        if number not in self._bases:
            text = self._text(number, 1)
            self._kept += len(text)
            if self._kept > _BASES:
                self._bases.clear()
                self._kept = len(text)
            self._bases[number] = text
        return self._bases[number]

    def series(
        self,
        kind: int,
        figures: Sequence[str],
        first: int | None = None,
        last: int | None = None,
        most: int | None = None,
    ) -> dict[int, Series]:
        """Give figures of all processes (PROCESS) or groups (GROUP) over time, by the numbers of their places.

        Of more than ``most`` changes within 256 samples about so many are given, the first and the last among them.
        The names are those of PROCESS_FIGURES or GROUP_FIGURES; amounts are bytes. No text is unpacked for it.
        """
        with named(self.path):
            return read_series(self._database, self.followed(kind, first, last), kind, figures, (first, last), most)

    def texts_at(self, path: str, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Give the texts that meminfo or the like had anew in some samples. Raises Missing."""
        place = self._machine_place(path)
        for number in numbers:
            with named(self.path):
                text = text_anew(self._database, place, number)
            if text is not None:
                yield number, self._text(text)

    def texts_of(
        self, path: str, first: int | None = None, last: int | None = None, most: int | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """Give the texts that meminfo, vmstat or the like had: the sample from which on, and the text.

        Of more than ``most`` so many are chosen, evenly. Raises Missing.
        """
        with named(self.path):
            for number, text in texts_over_time(self._database, self._machine_place(path), (first, last), most):
                yield number, self._text(text)

    def _machine_place(self, path: str) -> int:
        row = self._database.one("SELECT id FROM place WHERE kind = ? AND path = ?", MACHINE, path.encode())
        if row is None:
            raise Missing(f"{path}: not in {self.path}")
        return int(row[0])

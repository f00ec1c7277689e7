"""Write a recording: one transaction a sample, so that whoever reads sees whole samples only, whenever we end.

Of a text that a place had before nothing is written. One that differs is packed with the last that was packed by
itself: one step back, so that a moment is read without its past.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pymemtools import __version__
from pymemtools.capture.courses import Courses
from pymemtools.capture.figures import group_figures, process_figures
from pymemtools.capture.recording_file import opened_to_write, write_error
from pymemtools.capture.retention import EVERYTHING, Keep, expire
from pymemtools.capture.sampling import Files, Identity, Sampled, Sampler
from pymemtools.procfs.cgroup import parse_cgroup
from pymemtools.sources.base import Source
from pymemtools.sources.recording.bundle import REFUSED, bundled
from pymemtools.sources.recording.figures import Row
from pymemtools.sources.recording.packing import pack
from pymemtools.sources.recording.schema import BLOCK, GROUP, KEY, MACHINE, PROCESS
from pymemtools.sources.recording.state import packed_state

if TYPE_CHECKING:
    import sqlite3

FULL_EVERY = 30  # samples: five minutes of the usual ones
_DICTIONARY = 32 << 10  # bytes, which is how far zlib looks back
_REFUSED = f"smaps_rollup{REFUSED}"
_MOST_COMMAND = 1024  # bytes of a command line beside the figures; all of it is in the text


class Tick(NamedTuple):
    """What the clocks show as a sample is taken."""

    taken_at: float  # seconds since 1970
    boottime_s: float  # CLOCK_BOOTTIME
    utc_offset_s: int = 0  # what local time is ahead of UTC


class Written(NamedTuple):
    """What became of a sample."""

    number: int
    processes: int  # kernel threads left out
    unreadable: int  # of them, whose memory could not be read
    reason: str  # why the first of these was not
    cpu_s: float  # processor time of this program since the sample before
    size: int  # bytes of the file


class _Place:
    """Where a text comes from, and what is known of it."""

    __slots__ = ("base", "base_text", "figures", "files", "id", "known", "last", "text", "whole")

    def __init__(self, number: int) -> None:
        self.id = number
        self.text: int | None = None  # number of the one that it has now; None for none
        self.files: Files | bytes | None = None  # what it is of, as it was sampled
        self.last = b""
        self.base, self.base_text, self.whole = 0, b"", 0  # the one others are packed with, and its packed size
        self.figures: tuple[int, ...] = ()
        self.known: tuple[Any, ...] = ()  # uid, name, command, cgroup


class Writer:
    """A recording that is written: sample() again and again, and close(). Raises MemtoolsError."""

    def __init__(
        self,
        path: str,
        about: Mapping[str, str | int | float | None] | None = None,
        *,
        keep: Keep = EVERYTHING,
        full_every: int = FULL_EVERY,
        maps_of: Collection[int] = (),
    ) -> None:
        self.path = path
        self._keep = keep
        self._full_every = full_every
        self._sampler = Sampler(maps_of)
        self._file = opened_to_write(path)
        self._sql: sqlite3.Connection = self._file.connection
        self._places: dict[int, dict[Any, _Place]] = {MACHINE: {}, GROUP: {}, PROCESS: {}}
        self._users: set[int] = set()
        self._boot_id, self._boot = "", 0
        self._taken = 0  # samples in this run
        self._looked = time.process_time()
        self._number = self._next_text = self._first_text = self._next_place = 0
        self._dictionary = b""
        with write_error(path):
            self._courses = Courses(self._sql)
            self._continue({"tool": f"pymemtools {__version__}", **(about or {})})

    def close(self) -> None:
        """Let go of the file, which has all its samples by then."""
        self._file.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sample(self, source: Source, tick: Tick) -> Written:
        """Take one sample and write it, whole or not at all. Raises MemtoolsError."""
        sampled = self._sampler.take(source, is_full=self._taken % self._full_every == 0)
        number = self._number + 1
        with write_error(self.path, is_going_on=True), self._file.transaction():
            self._first_text = first_text = self._next_text
            self._write(number, sampled, source)
            cpu = self._cpu()
            row = (round(tick.taken_at * 1000), round(tick.boottime_s * 1000), self._boot, tick.utc_offset_s)
            values = (number, *row, first_text, round(cpu * 1e6))
            self._sql.execute("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        self._number = number
        self._taken += 1
        with write_error(self.path, is_going_on=True):
            expire(self._file, self._keep, number, tick.taken_at)
        reasons = [files[_REFUSED].decode() for files in sampled.processes.values() if _REFUSED in files]
        processes = sum("cmdline" in files for files in sampled.processes.values())
        return Written(number, processes, len(reasons), reasons[0] if reasons else "", cpu, self._file.size())

    def _cpu(self) -> float:
        """Give the processor time since the last look, in seconds: with all that a sample takes behind its own line."""
        now = time.process_time()
        spent, self._looked = now - self._looked, now
        return spent

    @property
    def number(self) -> int:
        """Give the number of the last sample; 0 before the first."""
        return self._number

    def _continue(self, about: Mapping[str, Any]) -> None:
        """Go on where the file ends."""
        with self._file.transaction():
            for key, value in about.items():
                self._sql.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))
        self._number = self._most("sample", "number")
        self._next_text = self._most("text", "id") + 1
        self._next_place = max(self._most("place", "id"), self._courses.last_place) + 1
        self._dictionary = next(iter(self._one("SELECT value FROM about WHERE key = 'dictionary'") or ()), b"")
        self._users = {uid for (uid,) in self._sql.execute("SELECT uid FROM user")}

    def _most(self, table: str, column: str) -> int:
        return (self._one(f"SELECT max({column}) FROM {table}") or (0,))[0] or 0  # noqa: S608 (our own names)

    def _one(self, question: str, *values: Any) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._sql.execute(question, values).fetchone()
        return row

    def _write(self, number: int, sampled: Sampled, source: Source) -> None:
        """Write all that a sample brought, but for its own line."""
        self._courses.begin(number)
        self._at_boot(sampled, number)
        if not self._dictionary:
            self._choose_dictionary(sampled)
        folders: dict[tuple[int, Any], Files | bytes] = {
            (MACHINE, path): text for path, text in sampled.machine.items()
        }
        folders.update(((GROUP, folder), files) for folder, files in sampled.groups.items())
        folders.update(((PROCESS, who), files) for who, files in sampled.processes.items())
        self._put(folders, number)
        self._end_others(folders, number, is_full=sampled.is_full)
        self._figures(sampled, number)
        self._describe(sampled, source)
        if not self._taken or number % KEY == 0:
            self._list_state(number)

    def _at_boot(self, sampled: Sampled, number: int) -> None:
        """Note which start of the machine this is; processes of an earlier one, or that ended meanwhile, are gone."""
        boot_id = sampled.machine.get("sys/kernel/random/boot_id", b"").decode("ascii", "replace").strip()
        if self._taken and boot_id == self._boot_id:
            return
        row = self._one("SELECT id FROM boot WHERE boot_id = ?", boot_id)
        if row is None:
            row = (self._most("boot", "id") + 1,)
            self._sql.execute("INSERT INTO boot VALUES (?, ?)", (*row, boot_id))
        self._boot_id, self._boot = boot_id, row[0]
        self._places = {MACHINE: {}, GROUP: {}, PROCESS: {}}
        self._adopt(sampled, number)

    def _adopt(self, sampled: Sampled, number: int) -> None:
        """Know again the places that are there still; the others ended with the last sample."""
        there = "SELECT id, kind, path, boot, starttime_ticks FROM place WHERE last IS NULL"
        for place, kind, path, boot, start in self._sql.execute(there).fetchall():
            name = path.decode("utf-8", "surrogateescape")
            key = Identity(int(name), start) if kind == PROCESS else name
            folders: Collection[Any] = (sampled.machine, sampled.groups, sampled.processes)[kind]
            if key in folders and (kind != PROCESS or boot == self._boot):
                self._places[kind][key] = _Place(place)
            else:
                self._sql.execute("UPDATE place SET last = ? WHERE id = ?", (number - 1, place))

    def _choose_dictionary(self, sampled: Sampled) -> None:
        """Take, of this first sample, what most texts are like: a group's files, and those of a process with memory."""
        groups = sorted(map(bundled, sampled.groups.values()), key=len)[-1:]
        processes = sorted(map(bundled, sampled.processes.values()), key=len)
        self._dictionary = b"".join((*groups, *processes[len(processes) // 2 :][:1]))[-_DICTIONARY:] or b"\n"
        self._sql.execute("INSERT OR REPLACE INTO about VALUES ('dictionary', ?)", (self._dictionary,))

    def _put(self, folders: Mapping[tuple[int, Any], Files | bytes], number: int) -> None:
        """Write the texts that are new, or differ."""
        rows = []
        for (kind, key), files in folders.items():
            place = self._places[kind].get(key)
            if place is None:
                place = self._places[kind][key] = self._new_place(kind, key, number)
            if place.files is files:
                continue
            place.files = files
            text = files if isinstance(files, bytes) else bundled(files)
            if place.text is None or place.last != text:
                rows.append(self._packed(place, text))
        self._sql.executemany("INSERT INTO text VALUES (?, ?, ?, ?, ?)", rows)

    def _new_place(self, kind: int, key: Any, number: int) -> _Place:
        place = _Place(self._next_place)
        self._next_place += 1
        path, start = (str(key.pid), key.starttime_ticks) if kind == PROCESS else (key, None)
        self._sql.execute(
            "INSERT INTO place (id, kind, path, first, boot, starttime_ticks) VALUES (?, ?, ?, ?, ?, ?)",
            (place.id, kind, path.encode("utf-8", "surrogateescape"), number, self._boot, start),
        )
        return place

    def _packed(self, place: _Place, text: bytes) -> tuple[int, int, int | None, int, bytes]:
        """Pack a text with the place's base, or where that has become too different, make it the base."""
        place.text, place.last = self._next_text, text
        self._next_text += 1
        if place.base:
            packed = pack(text, place.base_text)
            if 2 * len(packed) < place.whole:
                return place.text, place.id, place.base, len(text), packed
        packed = pack(text, self._dictionary)
        place.base, place.base_text, place.whole = place.text, text, len(packed)
        return place.text, place.id, None, len(text), packed

    def _end_others(self, there: Mapping[tuple[int, Any], object], number: int, *, is_full: bool) -> None:
        """Note which places are not there any more."""
        for kind in (MACHINE, GROUP, PROCESS) if is_full else (GROUP, PROCESS):
            places = self._places[kind]
            for key in [key for key in places if (kind, key) not in there]:
                place = places.pop(key)
                self._sql.execute("INSERT INTO text VALUES (?, ?, NULL, 0, NULL)", (self._next_text, place.id))
                self._sql.execute("UPDATE place SET last = ? WHERE id = ?", (number - 1, place.id))
                self._next_text += 1

    def _figures(self, sampled: Sampled, number: int) -> None:
        """Write the figures that changed; of all places where a block begins, or this run."""
        rows: list[Row] = []
        is_first = not self._taken or number % BLOCK == 0
        for kind, folders, figures_of in (
            (GROUP, sampled.groups, group_figures),
            (PROCESS, sampled.processes, process_figures),
        ):
            each: Iterable[tuple[Any, Files]] = folders.items()
            for key, files in each:
                place = self._places[kind][key]
                figures = figures_of(files) if self._is_new(place) else place.figures
                if is_first or figures != place.figures:
                    rows.append((place.id, *figures))
                place.figures = figures
        self._courses.add(number, rows)

    def _is_new(self, place: _Place) -> bool:
        """Tell whether its text is of this sample."""
        return place.text is not None and place.text >= self._first_text

    def _describe(self, sampled: Sampled, source: Source) -> None:
        """Keep beside the figures whose they are, where that is news."""
        for who, files in sampled.processes.items():
            place, uid = self._places[PROCESS][who], sampled.uids[who]
            if not self._is_new(place):
                continue
            known = (uid, *_names(files))
            if known != place.known:
                place.known = known
                self._sql.execute(
                    "UPDATE place SET uid = ?, name = ?, command = ?, cgroup = ? WHERE id = ?", (*known, place.id)
                )
            if uid is not None and uid not in self._users:
                self._users.add(uid)
                self._name_user(uid, source.user_name(uid))

    def _name_user(self, uid: int, name: str | None) -> None:
        if name is not None:
            text = name.encode("utf-8", "replace").decode()
            self._sql.execute("INSERT OR REPLACE INTO user VALUES (?, ?)", (uid, text))

    def _list_state(self, number: int) -> None:
        state = {place.id: place.text for places in self._places.values() for place in places.values()}
        packed = packed_state({place: text for place, text in state.items() if text is not None})
        self._sql.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (number, packed))


def _names(files: Files) -> Iterator[bytes | None]:
    """Give name, command and control group, as they are."""
    stat = files.get("stat", b"")
    name = stat[stat.find(b"(") + 1 : stat.rfind(b")")]
    command = files.get("cmdline", b"")[:_MOST_COMMAND].rstrip(b"\0").replace(b"\0", b" ")
    cgroup = parse_cgroup(files.get("cgroup", b""))
    yield name or None
    yield command or None
    yield None if cgroup is None else cgroup.encode("utf-8", "surrogateescape")

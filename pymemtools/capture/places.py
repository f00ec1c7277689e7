"""The texts of a recording, by the place that each comes from: those that are new are written, and which ended.

Of a text that a place had before nothing is written. One that differs is packed with the last that was packed by
itself: one step back, so that a moment is read without its past.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pymemtools.capture.recording_file import most
from pymemtools.capture.sampling import Files, Identity, Sampled
from pymemtools.sources.recording.bundle import bundled
from pymemtools.sources.recording.packing import pack
from pymemtools.sources.recording.schema import GROUP, MACHINE, PROCESS
from pymemtools.sources.recording.state import packed_state

if TYPE_CHECKING:
    import sqlite3

_DICTIONARY = 32 << 10  # bytes, which is how far zlib looks back


class Place:
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


class Places:
    """All of them that are there, which a file goes on with where it ended; ``used`` numbers are never given again."""

    def __init__(self, sql: sqlite3.Connection, used: int) -> None:
        self._sql = sql
        self._next_text = self._first_text = most(sql, "text", "id") + 1
        self._next_place = max(most(sql, "place", "id"), used) + 1
        row = sql.execute("SELECT value FROM about WHERE key = 'dictionary'").fetchone()
        self._dictionary: bytes = row[0] if row else b""
        self.forget()

    def forget(self) -> None:
        """Know none that is there."""
        self._places: dict[int, dict[Any, Place]] = {MACHINE: {}, GROUP: {}, PROCESS: {}}

    def __getitem__(self, kind: int) -> Mapping[Any, Place]:
        return self._places[kind]

    def adopt(self, sampled: Sampled, boot: int, number: int) -> None:
        """Know again the places that are there still; the others ended with the last sample."""
        there = "SELECT id, kind, path, boot, starttime_ticks FROM place WHERE last IS NULL"
        for place, kind, path, of_boot, start in self._sql.execute(there).fetchall():
            name = path.decode("utf-8", "surrogateescape")
            key = Identity(int(name), start) if kind == PROCESS else name
            folders: Collection[Any] = (sampled.machine, sampled.groups, sampled.processes)[kind]
            if key in folders and (kind != PROCESS or of_boot == boot):
                self._places[kind][key] = Place(place)
            else:
                self._sql.execute("UPDATE place SET last = ? WHERE id = ?", (number - 1, place))

    def write(self, sampled: Sampled, boot: int, number: int) -> int:
        """Write what a sample brought, and which places are not there any more; give the number of its first text."""
        self._first_text = self._next_text
        if not self._dictionary:
            self._choose_dictionary(sampled)
        folders: dict[tuple[int, Any], Files | bytes] = {
            (MACHINE, path): text for path, text in sampled.machine.items()
        }
        folders.update(((GROUP, folder), files) for folder, files in sampled.groups.items())
        folders.update(((PROCESS, who), files) for who, files in sampled.processes.items())
        self._put(folders, boot, number)
        self._end_others(folders, number, is_full=sampled.is_full)
        return self._first_text

    def is_new(self, place: Place) -> bool:
        """Tell whether its text is of this sample."""
        return place.text is not None and place.text >= self._first_text

    def list_state(self, number: int) -> None:
        """Write which text each place has, from where a reader may start."""
        state = {place.id: place.text for places in self._places.values() for place in places.values()}
        packed = packed_state({place: text for place, text in state.items() if text is not None})
        self._sql.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (number, packed))

    def _choose_dictionary(self, sampled: Sampled) -> None:
        """Take, of this first sample, what most texts are like: a group's files, and those of a process with memory."""
        groups = sorted(map(bundled, sampled.groups.values()), key=len)[-1:]
        processes = sorted(map(bundled, sampled.processes.values()), key=len)
        self._dictionary = b"".join((*groups, *processes[len(processes) // 2 :][:1]))[-_DICTIONARY:] or b"\n"
        self._sql.execute("INSERT OR REPLACE INTO about VALUES ('dictionary', ?)", (self._dictionary,))

    def _put(self, folders: Mapping[tuple[int, Any], Files | bytes], boot: int, number: int) -> None:
        """Write the texts that are new, or differ."""
        rows = []
        for (kind, key), files in folders.items():
            place = self._places[kind].get(key)
            if place is None:
                place = self._places[kind][key] = self._new_place(kind, key, boot, number)
            if place.files is files:
                continue
            place.files = files
            text = files if isinstance(files, bytes) else bundled(files)
            if place.text is None or place.last != text:
                rows.append(self._packed(place, text))
        self._sql.executemany("INSERT INTO text VALUES (?, ?, ?, ?, ?)", rows)

    def _new_place(self, kind: int, key: Any, boot: int, number: int) -> Place:
        place = Place(self._next_place)
        self._next_place += 1
        path, start = (str(key.pid), key.starttime_ticks) if kind == PROCESS else (key, None)
        self._sql.execute(
            "INSERT INTO place (id, kind, path, first, boot, starttime_ticks) VALUES (?, ?, ?, ?, ?, ?)",
            (place.id, kind, path.encode("utf-8", "surrogateescape"), number, boot, start),
        )
        return place

    def _packed(self, place: Place, text: bytes) -> tuple[int, int, int | None, int, bytes]:
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

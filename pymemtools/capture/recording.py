"""Write a recording: one transaction a sample, so that whoever reads sees whole samples only, whenever we end."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pymemtools import __version__
from pymemtools.capture.courses import Courses
from pymemtools.capture.figures import group_figures, process_figures
from pymemtools.capture.places import Places
from pymemtools.capture.recording_file import most, opened_to_write, write_error
from pymemtools.capture.retention import EVERYTHING, Keep, expire
from pymemtools.capture.sampling import Files, Sampled, Sampler
from pymemtools.procfs.cgroup import parse_cgroup
from pymemtools.sources.base import Source
from pymemtools.sources.recording.bundle import REFUSED
from pymemtools.sources.recording.figures import Row
from pymemtools.sources.recording.schema import BLOCK, GROUP, KEY, PROCESS

if TYPE_CHECKING:
    import sqlite3

FULL_EVERY = 30  # samples: five minutes of the usual ones
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
        self._boot_id, self._boot = "", 0
        self._taken = 0  # samples in this run
        self._number = 0
        self._looked = time.process_time()
        try:
            self._begin(about or {})
        except BaseException:
            self.close()
            raise

    def _begin(self, about: Mapping[str, str | int | float | None]) -> None:
        """Say whose the recording is, and find out what is in it already."""
        with write_error(self.path):
            self._courses = Courses(self._sql)
            with self._file.transaction():
                for key, value in {"tool": f"pymemtools {__version__}", **about}.items():
                    self._sql.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))
            self._places = Places(self._sql, self._courses.last_place)
            self._number = most(self._sql, "sample", "number")
            self._users = {uid for (uid,) in self._sql.execute("SELECT uid FROM user")}

    def close(self) -> None:
        """Let go of the file, which has all its samples by then; one that was made for nothing is removed."""
        self._file.close(is_empty=not self._number)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sample(self, source: Source, tick: Tick) -> Written:
        """Take one sample and write it, whole or not at all. Raises MemtoolsError."""
        sampled = self._sampler.take(source, is_full=self._taken % self._full_every == 0)
        number = self._number + 1
        with write_error(self.path, is_going_on=self._number > 0), self._file.transaction():
            first_text = self._write(number, sampled, source)
            cpu = self._cpu()
            row = (round(tick.taken_at * 1000), round(tick.boottime_s * 1000), self._boot, tick.utc_offset_s)
            values = (number, *row, first_text, round(cpu * 1e6))
            self._sql.execute("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        self._number = number
        self._taken += 1
        with write_error(self.path, is_going_on=True):
            expire(self._file, self._keep, number)
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

    def _write(self, number: int, sampled: Sampled, source: Source) -> int:
        """Write all that a sample brought, but for its own line; give the number of its first text."""
        self._courses.begin(number)
        self._at_boot(sampled, number)
        first_text = self._places.write(sampled, self._boot, number)
        self._figures(sampled, number)
        self._describe(sampled, source)
        if not self._taken or number % KEY == 0:
            self._places.list_state(number)
        return first_text

    def _at_boot(self, sampled: Sampled, number: int) -> None:
        """Note which start of the machine this is; processes of an earlier one, or that ended meanwhile, are gone."""
        boot_id = sampled.machine.get("sys/kernel/random/boot_id", b"").decode("ascii", "replace").strip()
        if self._taken and boot_id == self._boot_id:
            return
        row = self._sql.execute("SELECT id FROM boot WHERE boot_id = ?", (boot_id,)).fetchone()
        if row is None:
            row = (most(self._sql, "boot", "id") + 1,)
            self._sql.execute("INSERT INTO boot VALUES (?, ?)", (*row, boot_id))
        self._boot_id, self._boot = boot_id, row[0]
        self._places.forget()
        self._places.adopt(sampled, self._boot, number)

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
                figures = figures_of(files) if self._places.is_new(place) else place.figures
                if is_first or figures != place.figures:
                    rows.append((place.id, *figures))
                place.figures = figures
        self._courses.add(number, rows)

    def _describe(self, sampled: Sampled, source: Source) -> None:
        """Keep beside the figures whose they are, where that is news."""
        for who, files in sampled.processes.items():
            place, uid = self._places[PROCESS][who], sampled.uids[who]
            if not self._places.is_new(place):
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


def _names(files: Files) -> Iterator[bytes | None]:
    """Give name, command and control group, as they are."""
    stat = files.get("stat", b"")
    name = stat[stat.find(b"(") + 1 : stat.rfind(b")")]
    command = files.get("cmdline", b"")[:_MOST_COMMAND].rstrip(b"\0").replace(b"\0", b" ")
    cgroup = parse_cgroup(files.get("cgroup", b""))
    yield name or None
    yield command or None
    yield None if cgroup is None else cgroup.encode("utf-8", "surrogateescape")

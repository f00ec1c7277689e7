"""Where the figures of faults come from: this machine and its clock, a capture, or what sadf has said of a day."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from shutil import copyfileobj

from pymemtools.cli.faults.arguments import FaultsAsked
from pymemtools.cli.output import now
from pymemtools.cli.watch import is_redrawn, samples
from pymemtools.errors import NoSuchProcess, ParseError
from pymemtools.readings.paging import PagingMoment, read_paging, uptime_of
from pymemtools.readings.process_faults import FaultsMoment, read_faults
from pymemtools.readings.sadf import MOST_BYTES, SadfDay, looks_like_sadf, parse_sadf
from pymemtools.sources import open_source
from pymemtools.sources.base import Source
from pymemtools.sources.text_file import read_text_file

_HEAD = 64  # bytes
_SYSSTAT = (b"\x96\xd5", b"\xd5\x96")  # how a file of sadc's begins: SYSSTAT_MAGIC, in either order of bytes
_LESS = "sadf -j FILE -- -B -W makes it smaller"


def paging_now(source: Source) -> PagingMoment:
    """Read a moment; of this machine with the time, by a finer clock than uptime. Raises Missing or Denied."""
    return read_paging(source, *_clock(source))


def faults_now(source: Source, pids: tuple[int, ...]) -> FaultsMoment:
    """Read processes, all where none is named. Raises Missing or Denied."""
    read_at, clock = _clock(source)
    uptime = uptime_of(source)
    if clock is None and uptime is not None:
        clock = uptime / 100
    return read_faults(source, read_at or source.facts.taken_at, clock, pids)


def is_measured(source: Source, asked: FaultsAsked) -> bool:
    """Tell whether the source is read again and again: a copy only when that is asked for."""
    return source.is_live or asked.is_repeated


def moments(source: Source, asked: FaultsAsked, *, redraws: bool = False) -> Iterator[PagingMoment]:
    """Read the machine at the ends of all intervals."""
    for _ in samples(asked.seconds, asked.times and asked.times + 1, redraws=redraws, marks=False):
        yield paging_now(source)


def pairs_of_processes(source: Source, asked: FaultsAsked) -> Iterator[tuple[FaultsMoment, FaultsMoment]]:
    """Read processes at both ends of each interval, until none of those that were named is left.

    Raises NoSuchProcess for one that is not there to begin with.
    """
    before: FaultsMoment | None = None
    pids = asked.pids
    for _ in samples(
        asked.seconds, asked.times and asked.times + 1, redraws=asked.is_repeated and is_redrawn(asked.style)
    ):
        moment = faults_now(source, pids)
        if before is None and moment.gone:
            raise NoSuchProcess(moment.gone[0])
        pids = tuple(pid for pid in pids if pid not in moment.gone)
        if asked.pids and not pids:
            return
        if before is not None:
            yield before, moment
        before = moment


def _clock(source: Source) -> tuple[str | None, float | None]:
    """Give the time, and that since the start: by our clock of what runs, as it was recorded of a moment."""
    if source.is_live:
        return now(), time.clock_gettime(time.CLOCK_BOOTTIME)
    moment = getattr(source, "moment", None)
    return None, None if moment is None else moment.boottime_s


def open_sadf(path: str | None) -> SadfDay | None:
    """Read a file that is JSON; nothing where it is none, which is a source as any other. Raises ParseError."""
    head = b"" if path is None else _head(path)
    if head[:2] in _SYSSTAT:
        raise ParseError(path or "", None, "a file of sadc's: give what sadf -j makes of it")
    if path is None or not looks_like_sadf(head):
        return None
    return parse_sadf(read_text_file(path, MOST_BYTES, _LESS), path)


def open_whole(path: str | None, max_bytes: int) -> Source | None:
    """Open a recording of which no moment is named, FILE@MOMENT; nothing where it is another source."""
    from pymemtools.sources.recording import is_recording

    if path is None or not os.path.isfile(path) or not is_recording(path):
        return None
    return open_source(path, max_bytes=max_bytes)


def _head(path: str) -> bytes:
    """Look at how a file begins, and read none of it; of what can be read but once a copy is made."""
    if path == "-":
        if sys.stdin is None or os.isatty(0):
            return b""
        if not stat.S_ISREG(os.fstat(0).st_mode):
            _keep_stdin()
        return os.pread(0, _HEAD, os.lseek(0, 0, os.SEEK_CUR))
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError):
        return b""  # whoever opens it says what is wrong
    try:
        return os.read(fd, _HEAD) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    finally:
        os.close(fd)


def _keep_stdin() -> None:
    """Put a file in the place of a pipe, with all that the pipe gives."""
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        with open(0, "rb", buffering=0, closefd=False) as pipe:
            copyfileobj(pipe, file)
        file.seek(0)
        os.dup2(file.fileno(), 0)

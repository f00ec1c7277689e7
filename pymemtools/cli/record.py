"""``pymemtools record``: a series of captures in one file, each of whose moments is read as any source."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pymemtools.capture.recording import FULL_EVERY
from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.file_options import output_option
from pymemtools.cli.new_file import new_path
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.types import DURATION, PATH, SIZE
from pymemtools.errors import UsageProblem
from pymemtools.units import human_size

if TYPE_CHECKING:
    from pymemtools.capture.recording import Writer
    from pymemtools.sources.base import Source

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Times the processor time that the sample took, so that it is never more than a tenth of one. Not the time that it
# waited: where memory is short, and all waits, is when samples are wanted.
_LEAST_PAUSE = 9
_UNITS_DIRECTORY, _UNITS_FILE = "/var/lib/pymemtools", "memory.rec"
_UNITS_KEEP, _UNITS_SIZE = 7 * 86400.0, 500 << 20


class Recorded(NamedTuple):
    """What a run recorded."""

    samples: int
    seconds: float
    cpu_s: float
    size: int  # bytes of the file


@click.command("record", cls=AbbreviatingCommand)
@output_option("Where to. [HOST.rec]")
@click.option("--every", type=DURATION, default=10.0, metavar="TIME", help="Between samples. [10s]")
@click.option("--for", "lasting", type=DURATION, metavar="TIME", help="End after this time.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N samples.")
@click.option("--keep", type=DURATION, metavar="TIME", help="Let samples go that are older than this.")
@click.option("--keep-size", type=SIZE, metavar="SIZE", help="Let the oldest samples go where the file is larger.")
@click.option(
    "--smaps",
    "maps_of",
    multiple=True,
    type=click.IntRange(min=1),
    metavar="PID",
    shell_complete=offer_pids,
    help="Record each mapping of this process, too.",
)
@click.option(
    "--full-every",
    type=click.IntRange(min=1),
    default=FULL_EVERY,
    metavar="N",
    help="Read anew what did not move, too, with every Nth sample. [30]",
)
@click.option("--pack", nargs=2, type=PATH, metavar="IN OUT", help="Make one file to be sent.")
@click.option("--force", is_flag=True, help="Replace the file of --pack when there is one.")
@click.option("--unit", is_flag=True, help="Print a systemd unit that records with these options.")
def command(**options: Any) -> int:
    """Record this machine's memory: again and again, into one file, for -S FILE --at MOMENT of the other commands."""
    if options["pack"] is not None:
        _pack(*options["pack"], force=options["force"])
    elif options["force"]:
        raise UsageProblem("record: --force is for --pack: a recording that is there already is gone on with")
    elif options["unit"]:
        _print_unit(options)
    else:
        _record(options)
    return 0


def _pack(path: str, packed: str, *, force: bool) -> None:
    from pymemtools.capture.pack_recording import pack_recording

    with new_path(packed, force=force) as temporary:
        pack_recording(path, temporary)


def _print_unit(options: dict[str, Any]) -> None:
    """Print the unit; what it keeps is bounded, as nobody will look after it."""
    from pymemtools.capture.unit import unit

    if options["lasting"] or options["count"] or options["maps_of"]:
        raise UsageProblem("record: a unit goes on for ever: no --for, --count or --smaps")
    program = os.path.abspath(sys.argv[0])
    words = [*((sys.executable, program) if program.endswith((".py", ".pyz")) else (program,)), "record"]
    words += ["-o", _units_file(options["output"]), "--every", f"{options['every']:g}s"]
    words += ["--keep", f"{options['keep'] or _UNITS_KEEP:g}s", "--keep-size", str(options["keep_size"] or _UNITS_SIZE)]
    words += ["--full-every", str(options["full_every"])] if options["full_every"] != FULL_EVERY else []
    sys.stdout.write(unit(words))


def _units_file(output: str | None) -> str:
    """Name the file within the one directory that the unit's user may write to. Raises UsageProblem."""
    folder, name = os.path.split(output or _UNITS_FILE)
    if folder not in ("", _UNITS_DIRECTORY) or not name:
        raise UsageProblem(f"record: {output}: a unit writes into {_UNITS_DIRECTORY} only: -o takes a name there")
    return f"%S/pymemtools/{name}"


def _record(options: dict[str, Any]) -> None:
    from pymemtools.capture.recording import Writer
    from pymemtools.capture.retention import Keep
    from pymemtools.readings.hidden import invisible
    from pymemtools.sources.tree import live

    source, host = live(), os.uname()
    path = options["output"] or f"{host.nodename}.rec"
    about = {
        "host": host.nodename, "machine": host.machine, "page_size": source.facts.page_size, "every_s": options["every"]
    }  # fmt: skip
    keep = Keep(options["keep"], options["keep_size"])
    stopping = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)  # they end us between two samples
    with Writer(path, about, keep=keep, full_every=options["full_every"], maps_of=options["maps_of"]) as writer:
        going_on = f", after sample {writer.number}" if writer.number else ""
        say(f"record: into {path}, every {options['every']:g} s{going_on}")
        for line in invisible(source):
            say(f"record: {line}")
        recorded = _samples(writer, source, options, stopping)
    plural = "" if recorded.samples == 1 else "s"
    say(
        f"record: {recorded.samples} sample{plural} in {recorded.seconds:.0f} s, "
        f"{100 * recorded.cpu_s / max(recorded.seconds, options['every']):.2f} % of one processor; "
        f"{path} has {human_size(os.path.getsize(path))}"
    )


def _samples(writer: Writer, source: Source, options: dict[str, Any], stopping: list[signal.Signals]) -> Recorded:
    """Take samples until it is enough, or we are told to end."""
    from pymemtools.capture.recording import Tick
    from pymemtools.readings.hidden import unread

    begin, cpu, every, size = time.monotonic(), 0.0, options["every"], 0
    last = begin + options["lasting"] if options["lasting"] else float("inf")
    taken = 0
    while True:
        written = writer.sample(source, Tick(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _utc_offset()))
        if not taken and written.unreadable:
            say(f"record: {unread(source, written.unreadable, written.processes, written.reason)}")
        cpu = written.cpu_s if taken < 2 else cpu + written.cpu_s  # not the first of several, which starts up: as info
        taken, size = taken + 1, written.size
        now = time.monotonic()
        due = max(begin + ((now - begin) // every + 1) * every, now + _LEAST_PAUSE * written.cpu_s)
        if taken == options["count"] or due > last or _told_to_end(stopping, due - now):
            return Recorded(taken, time.monotonic() - begin, cpu, size)


def _told_to_end(stopping: list[signal.Signals], seconds: float) -> bool:
    """Wait; tell whether a signal came, then or while a sample was taken."""
    if stopping:
        return signal.sigtimedwait(stopping, max(seconds, 0)) is not None
    time.sleep(max(seconds, 0))
    return False


def _utc_offset() -> int:
    """Give the seconds that local time is ahead of UTC now."""
    return time.localtime().tm_gmtoff

"""``pymemtools capture``: one archive of all that the other commands need, to be read elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import click

from pymemtools.capture.contents import NUMA_MAPS
from pymemtools.capture.pack import SUFFIXES, kind_of, packed
from pymemtools.capture.take import Taking
from pymemtools.capture.tar_writer import END, Member, encode
from pymemtools.capture.veil import Veil
from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.file_options import output_options
from pymemtools.cli.new_file import new_file
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.progress import counted, progress
from pymemtools.errors import Denied, Missing, NoSuchProcess, UsageProblem
from pymemtools.readings.frames import HISTOGRAM, histogram_text
from pymemtools.readings.hidden import invisible, unread
from pymemtools.sources.base import Source
from pymemtools.sources.tree import live


@click.command("capture", cls=AbbreviatingCommand)
@click.argument("pids", nargs=-1, type=click.IntRange(min=1), metavar="[PID]...", shell_complete=offer_pids)
@output_options("Where to: a name in .tar, .tar.gz, .tar.xz ..., or - for stdout.")
@click.option("--dmesg", is_flag=True, help="Take the kernel's log, too.")
@click.option("--kpageflags", is_flag=True, help="Count page frames by their flags, too, for pages: 1 s a 20 GiB.")
@click.option("--numa-maps", is_flag=True, help="Take on which nodes pages of processes are, too, for numa PID.")
@click.option("--anonymize", is_flag=True, help="Leave arguments out, hide the names of users, hosts and their files.")
@click.option("--compat", type=click.Choice(["smemcap"]), help="Write what smemcap writes, for other programs.")
@click.option("--script", is_flag=True, help="Print a shell script that takes a capture where there is no Python.")
@click.option("--strict", is_flag=True, help="Exit with 3 when a process could not be read.")
def command(pids: tuple[int, ...], output: str | None, compat: str | None, **options: bool) -> int:
    """Capture this machine's memory, whole or some processes: one archive, for -S of the other commands."""
    _check(pids, output, compat, options)
    if options["script"]:
        from pymemtools.capture.script import script

        sys.stdout.write(script())
        return 0
    path, kind = _target(output, is_anonymous=options["anonymize"])
    source = live()
    chosen = _chosen(source, pids)
    numa_maps = (NUMA_MAPS,) if options["numa_maps"] else ()
    taking = Taking(source, int(time.time()), Veil() if options["anonymize"] else None, numa_maps)
    with progress("capture: counting page frames"):
        asked = {"dmesg": options["dmesg"] and _log(), HISTOGRAM: options["kpageflags"] and _histogram(source)}
        others = {name: text for name, text in asked.items() if text}
    with counted() as tell:
        each = _told(chosen, tell)
        members = taking.compatible_members(each) if compat else taking.members(each, others)
        _write(path, packed(_pieces(members, v7=compat is not None), kind), force=options["force"])
    for line in invisible(source):
        say(f"capture: {line}")
    status = _tell(taking, source, output, path, strict=options["strict"])
    gone = sorted(set(pids).difference(chosen).union(taking.gone)) if pids else []
    for pid in gone:
        say(f"capture: {NoSuchProcess(pid)}; all else was captured")
    return NoSuchProcess.exit_status if gone else status


def _check(pids: tuple[int, ...], output: str | None, compat: str | None, options: Mapping[str, bool]) -> None:
    """Refuse what does not go together, before anything is read. Raises UsageProblem."""
    has_more = any(options[name] for name in ("dmesg", "kpageflags", "numa_maps", "anonymize"))
    if options["script"] and (pids or output or compat or has_more):
        raise UsageProblem(
            "capture: --script prints a script, which takes options of its own: -k for --dmesg, -n, -o, -z"
        )
    if compat and has_more:
        more = "--dmesg, --kpageflags, --numa-maps and --anonymize"
        raise UsageProblem(f"capture: smemcap's layout has no room for {more}")
    if options["dmesg"] and options["anonymize"]:
        raise UsageProblem("capture: the kernel's log tells names that --anonymize cannot hide")


def _target(output: str | None, *, is_anonymous: bool) -> tuple[str, str]:
    """Give the name of the archive, and how it is packed: not at all on stdout. Raises UsageProblem."""
    host = "capture" if is_anonymous else os.uname().nodename
    path = output or f"{host}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar.gz"
    kind = "" if path == "-" else kind_of(path)
    if kind is None:
        raise UsageProblem(f"capture: '{path}': the name should end in {', '.join(SUFFIXES)}")
    if path == "-" and os.isatty(1):
        raise UsageProblem("capture: an archive does not belong on a terminal; say -o FILE")
    return path, kind


def _chosen(source: Source, pids: tuple[int, ...]) -> list[int]:
    """Choose those of the processes named that are there, or all. Raises NoSuchProcess where none is."""
    there = list(source.pids())
    chosen = sorted(set(pids).intersection(there)) if pids else there
    if not chosen:
        raise NoSuchProcess(pids[0])
    return chosen


def _told(pids: list[int], tell: Callable[[str], None]) -> Iterator[int]:
    """Tell how far we are."""
    for place, pid in enumerate(pids, 1):
        tell(f"capture: {place} of {len(pids)} processes")
        yield pid


def _log() -> bytes | None:
    from pymemtools.sources.kernel_log import read_kernel_log

    try:
        return read_kernel_log()
    except Denied as error:
        say(f"capture: no kernel log: {error}")
        return None


def _histogram(source: Source) -> bytes | None:
    try:
        return histogram_text(source)
    except (Denied, Missing) as error:
        say(f"capture: page frames are not counted: {error}")
        return None


def _pieces(members: Iterable[Member], *, v7: bool) -> Iterator[bytes]:
    for member in members:
        yield from encode(member, v7=v7)
    yield END


def _write(path: str, pieces: Iterator[bytes], *, force: bool) -> None:
    if path == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    with new_file(path, force=force, mode=0o600) as file:
        for piece in pieces:
            file.write(piece)


def _tell(taking: Taking, source: Source, output: str | None, path: str, *, strict: bool) -> int:
    if output is None:
        say(f"capture: wrote {path}")
    if taking.unreadable:
        say(f"capture: {unread(source, taking.unreadable, taking.processes, taking.reason)}")
        return 3 if strict else 0
    return 0

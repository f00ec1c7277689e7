"""``pymemtools cache``: which files are in the page cache, how much of them, and who maps them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options, write_lines
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.progress import counted
from pymemtools.cli.terminal import page_columns
from pymemtools.cli.types import PATH, SECONDS, process_number
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.control.page_cache import evict, load
from pymemtools.errors import MemtoolsError, NoSuchProcess, UsageProblem
from pymemtools.render.cache_peers import VMTOUCH_CELLS, fincore_json, fincore_lines, vmtouch_lines
from pymemtools.render.cache_table import cache_lines, mapped_lines
from pymemtools.report import Report
from pymemtools.reports.cache.load import room_to_load
from pymemtools.reports.cache.mapped import mapped_report
from pymemtools.reports.cache.request import CacheRequest, Names, answer, look
from pymemtools.sources.base import Source
from pymemtools.units import human_size

_TOP = 20  # files that text shows of trees and processes
_MOST_WITH_BARS = 100  # files, unless bars are asked for


class CacheCall(NamedTuple):
    """What is asked, what is to be done first, and how the answer looks."""

    request: CacheRequest
    style: str
    change: str | None  # evict or load
    compat: str | None


@click.command("cache", cls=AbbreviatingCommand)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
@click.option(
    "-p", "--pid", "pids", multiple=True, metavar="PID", shell_complete=offer_pids, help="Files of a process."
)
@click.option("--all", "everything", is_flag=True, help="Files that are open or mapped anywhere, beside Cached.")
@click.option("--who", is_flag=True, help="Show who maps the files, and their PSS; reads every smaps.")
@click.option("--top", type=click.IntRange(min=0), metavar="N", help="Show N files, 0 all. [in text 20]")
@click.option("--bar", is_flag=True, help="Tell what is resident along each file for programs, too.")
@click.option("--cross", is_flag=True, help="Enter other file systems within a tree.")
@click.option("--timeout", type=SECONDS, default="5", metavar="SECONDS", help="Skip a file system that hangs. [5]")
@click.option("--evict", "evicts", is_flag=True, help="Drop the files from the cache, and show before and after.")
@click.option("--load", "loads", is_flag=True, help="Read the files into the cache, as far as memory is free.")
@click.option("--compat", type=click.Choice(["fincore", "vmtouch"]), help="Print what that program prints.")
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show how much of files and trees is in the page cache, or of a capture which files are mapped, and by whom."""
    check_watch("cache", options)
    if ctx.obj is True or options["source"] is not None:
        return _of_capture(ctx, options)
    asked = _checked(options)
    source = open_from(ctx, None)
    if asked.compat is not None:
        return _as_peer(source, asked)
    status = 0
    for sample in watched("cache", source, options):
        status = _of_machine(ctx, source, asked, sample)
    return status


def _of_machine(ctx: click.Context, source: Source, asked: CacheCall, sample: int | None) -> int:
    """Show what files have in the cache, and give the exit status."""
    gone = _gone(source, asked.request.pids)
    before, request = None, asked.request
    if asked.change is not None:
        before = look(source, [name for name in request.names if not os.path.isdir(name[1])])
        request = request._replace(names=_changed(source, asked))
        if not request.names:
            return 1
    with counted() as tell:
        told = lambda sums: tell(f"cache: {sums.files} files in {sums.directories} directories so far")
        report = answer(source, request, told, before)
    show(report, asked.style, _text, sample=sample)
    if report.notes and ctx.params["strict"]:
        ctx.meta["incomplete"] = True
    note_incomplete(ctx, report)
    if gone:
        return NoSuchProcess.exit_status
    return 1 if len(request.names) < len(asked.request.names) or report.answer.is_lacking else exit_status(ctx)


def _of_capture(ctx: click.Context, options: Mapping[str, Any]) -> int:
    """Show what a capture tells: the files that processes map."""
    check_style(options["style"])
    if any(options[name] for name in ("paths", "bar", "cross", "evicts", "loads", "compat")):
        raise UsageProblem("cache: no capture has the files themselves: of it, only --pid, --all and --top")
    if options["pids"] and options["everything"]:
        raise UsageProblem("cache: --pid and --all are two answers to the same question")
    pids = tuple(process_number("cache", text) for text in options["pids"])
    most = (_TOP if options["style"] == "text" else None) if options["top"] is None else options["top"] or None
    source = open_from(ctx, options["source"])
    status = 0
    for sample in watched("cache", source, options):
        gone = _gone(source, pids)
        report = mapped_report(source, pids or source.pids(), most)
        show(report, options["style"], lambda report: mapped_lines(report.answer, page_columns()), sample=sample)
        note_incomplete(ctx, report)
        status = 1 if pids and report.unreadable else exit_status(ctx)
        status = NoSuchProcess.exit_status if gone else status
    return status


def _gone(source: Source, pids: Sequence[int]) -> Sequence[int]:
    """Say which of the processes named are not there. Raises NoSuchProcess where none is."""
    gone = sorted(set(pids).difference(source.pids())) if pids else []
    for pid in gone[: len(set(pids)) - 1]:
        say(f"cache: {NoSuchProcess(pid)}")
    if len(gone) == len(set(pids)) > 0:
        raise NoSuchProcess(gone[-1])
    return gone


def _checked(options: Mapping[str, Any]) -> CacheCall:
    """Turn the options into what they ask for. Raises UsageProblem."""
    style, paths, compat = options["style"], options["paths"], options["compat"]
    check_style(style)
    pids = tuple(process_number("cache", text) for text in options["pids"])
    if bool(paths) + bool(pids) + options["everything"] != 1:
        raise UsageProblem("cache: name files and trees, or processes by --pid, or ask for --all")
    if "" in paths:
        raise UsageProblem("cache: the name of a file is empty")
    changes = [name for name, asked in (("evict", options["evicts"]), ("load", options["loads"])) if asked]
    if options["watch"] is not None and (changes or compat):
        raise UsageProblem("cache: --watch only looks: no --evict, --load and --compat with it")
    if len(changes) > 1 or (changes and (compat or not paths)):
        raise UsageProblem("cache: --evict and --load change named files, one at a time")
    if compat and (not paths or options["who"] or options["top"] is not None):
        raise UsageProblem("cache: --compat takes files and trees, and no --who and --top")
    if compat and style != "text" and (compat, style) != ("fincore", "json"):
        raise UsageProblem(f"cache: --compat {compat} is a layout of its own: it has no --format {style}")
    return CacheCall(_request(options, pids, changes=bool(changes)), style, changes[0] if changes else None, compat)


def _request(options: Mapping[str, Any], pids: tuple[int, ...], *, changes: bool) -> CacheRequest:
    from pymemtools.readings.cached_files import Reach

    is_text, top, names = options["style"] == "text", options["top"], options["paths"]
    most = (_TOP if is_text and not changes else None) if top is None else top or None
    if top is None and names and not any(map(os.path.isdir, names)):
        most = None
    reach = Reach(most, crosses=options["cross"], seconds=options["timeout"])
    is_short = most is not None or (top is None and len(names) <= _MOST_WITH_BARS)
    has_cells = options["bar"] or (is_text and is_short and options["compat"] is None)
    absolute = tuple((name, os.path.abspath(name)) for name in names)
    return CacheRequest(absolute, pids, options["everything"], options["who"], has_cells, reach)


def _changed(source: Source, asked: CacheCall) -> Names:
    """Evict or load what was named; say why of what that could not be done, and give the names of the rest."""
    room, done_with = room_to_load(source), []
    for name, path in asked.request.names:
        try:
            if asked.change == "evict":
                evict(path)
            else:
                room -= _loaded(name, path, room)
        except MemtoolsError as error:
            say(f"cache: {error}")
            continue
        done_with.append((name, path))
    return done_with


def _loaded(name: str, path: str, room: int) -> int:
    """Load as much as there is room for; give the bytes."""
    done, size = load(path, room)
    if done < size:
        say(f"cache: {name}: {human_size(done)} of {human_size(size)} loaded: no more is free above the watermarks")
    return done


def _text(report: Report) -> Iterable[str]:
    return cache_lines(report.answer, page_columns())


def _as_peer(source: Source, asked: CacheCall) -> int:
    """Print what another program does, and give its exit status."""
    start = time.perf_counter()
    is_fincore, has_cells = asked.compat == "fincore", asked.request.has_cells
    reach = asked.request.reach._replace(most=None, cells=VMTOUCH_CELLS if has_cells else 0, program=asked.compat or "")
    found = look(source, asked.request.names, reach)
    for problem in found.problems:
        say(f"cache: {problem.path}: {problem.reason}")
    for point, why in found.hung:
        say(f"cache: {point}: {why}: files there were skipped")
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]  # names are what bytes they are
    if is_fincore:
        write_lines(fincore_json(found) if asked.style == "json" else fincore_lines(found))
        return 1 if found.problems or found.hung else 0
    write_lines(vmtouch_lines(found, time.perf_counter() - start, has_bars=has_cells))
    return 0

"""``pymemtools what-if cache``: how much of some files would stay in the page cache?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from pymemtools.cli.group_answers import group_option, pid_option
from pymemtools.cli.options import SIZE
from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.rate import RATE
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.errors import UsageProblem
from pymemtools.models.cache_room import Readers, readers
from pymemtools.models.group_charge import Bound
from pymemtools.readings.machine import Machine, notes_of
from pymemtools.reports.memory_groups.asking import asking, nobody
from pymemtools.reports.what_if.page_cache import (
    GENERATIONS,
    TWO_LISTS,
    Pass,
    Reading,
    Room,
    lrus,
    passes,
    room_in_group,
    room_of,
)

_TITLES = {TWO_LISTS: "Classic LRU, two lists:", GENERATIONS: "MGLRU, generations:"}
_RULES = {
    TWO_LISTS: "classic LRU: a second read makes pages active, a miss does so within its refault distance "
    "(mm/workingset.c, mm/swap.c); on 4.4 and 6.18 within 4 % of a file, "
    "within 25 % where many pages are active",
    GENERATIONS: "MGLRU: first in, first out for what read(2) reads, however often (mm/vmscan.c, evict_folios()); "
    "on 6.8 within 3 % of a file",
}


@question("cache")
@click.argument("amount", type=SIZE, metavar="SIZE")
@click.option("--reads", type=click.IntRange(1, 1000), default=2, metavar="N", help="Read it N times. [2]")
@click.option(
    "--with", "others", type=SIZE, multiple=True, metavar="SIZE", help="Then read another file, and it again."
)
@click.option("--method", type=click.Choice(["read", "mmap"]), default="read", help="How files are read. [read]")
@click.option("--readers", "count", type=click.IntRange(1, 1 << 20), default=1, metavar="K", help="So many processes.")
@click.option("--disk", type=RATE, metavar="RATE", help="How fast the disk is, each second; for times.")
@click.option("--copy", "copying", type=RATE, default="2G", metavar="RATE", help="How fast cached data is used. [2G]")
@click.option("--limit", type=SIZE, metavar="SIZE", help="Within a memory cgroup of this limit, empty so far.")
@pid_option
@group_option
@click.option("--lru", type=click.Choice([TWO_LISTS, GENERATIONS]), help="Suppose this LRU.")
def command(
    asked: Asked,
    *,
    amount: int,
    reads: int,
    others: tuple[int, ...],
    method: str,
    count: int,
    disk: float | None,
    copying: float,
    limit: int | None,
    pid: int | None,
    group: str | None,
    lru: str | None,
) -> Answer:
    """Read a file of SIZE, then others, then it again: how much is cached, pass by pass."""
    machine = asked.machine
    for each in (amount, *others):
        if not each:
            raise UsageProblem("what-if cache: a file of no size needs no cache")
    files = {_name(i): -(-each // machine.page_size) for i, each in enumerate((amount, *others))}
    first, *rest = files
    reading = Reading(files, [first] * reads + [*rest, first] * bool(rest), method == "mmap", disk, copying)
    if limit is not None and (pid is not None or group is not None):
        raise UsageProblem("what-if cache: --limit supposes a group: no --pid and --group")
    asks = nobody(asked.source) if limit is not None else asking(asked.source, pid, group)
    space, bound = room_in_group(machine, asks, room_of(machine, limit))
    kinds = [lru] if lru else lrus(asked.source, machine.version, is_supposed=machine.version != asked.before.version)
    found = {
        kind: list(passes(machine, kind, space, reading, in_cgroup=limit is not None or bound is not None))
        for kind in kinds
    }
    notes = [*notes_of(machine), *asks.notes]
    if len(kinds) > 1:
        notes.append("nothing tells whether MGLRU is on: the answers of both are given (--lru chooses)")
    if GENERATIONS in kinds and reading.mapped:
        notes.append("mappings under MGLRU were not measured: what is touched is taken to become the youngest")
    totals = {
        **_totals(machine, space, files[first], count),
        "group": asks.path,
        "limited_by_group": None if bound is None else bound.path,
        "limited_by_file": None if bound is None else bound.file,
    }
    rows = [_row(each) for kind in kinds for each in found[kind]]
    return Answer(list(_lines(found, files, machine, bound, reading, totals)), rows, notes, totals)


def _name(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"file {place + 1}"


def _row(found: Pass) -> dict[str, Any]:
    known = found._asdict()
    error_bound = known.pop("error_bound")
    return {
        "lru": known.pop("lru"),
        "pass": known.pop("number"),
        **known,
        "hit_percent": round(found.hit_percent, 2),
        "rule": _RULES[found.lru],
        "error_bound": error_bound,
    }


def _totals(machine: Machine, space: Room, pages: int, count: int) -> dict[str, int]:
    """Give the room, and what so many readers of the first file take, in bytes."""
    page = machine.page_size
    found = {"room": space.pages * page, "cached_before": (space.active + space.inactive) * page, "readers": count}
    for how, mapped in (("read", False), ("mmap", True)):
        each = readers(pages, count, mapped=mapped, page_size=page)
        each = each._replace(cache=min(pages, space.pages))
        found |= {f"{how}_{key}": value * page for key, value in each._asdict().items()}
        found[f"{how}_total"] = each.total * page
    return found


def _lines(
    found: dict[str, list[Pass]],
    files: dict[str, int],
    machine: Machine,
    bound: Bound | None,
    reading: Reading,
    totals: dict[str, Any],
) -> Iterator[str]:
    yield f"The page cache has room for {size(totals['room'])}; {size(totals['cached_before'])} are cached now."
    if bound is not None:
        yield from sentence(f"That is the memory group {bound.path}, with {bound.file} {size(bound.limit)}.")
    yield f"Files: {', '.join(f'{name} {size(pages * machine.page_size)}' for name, pages in files.items())}."
    for kind, each in found.items():
        yield ""
        yield _TITLES[kind]
        yield from _table(each, has_times=reading.disk is not None)
        yield from _verdict(each, reading)
    yield ""
    processes = f"{totals['readers']} processes" if totals["readers"] > 1 else "1 process"
    yield f"{processes} with all of A in memory, by"
    cells = [
        (f"{how}()", *(size(totals[f"{how}_{key}"]) for key in (*Readers._fields, "total"))) for how in ("read", "mmap")
    ]
    yield from table(("", "cached", "anonymous", "page tables", "total"), cells)


def _table(found: Sequence[Pass], *, has_times: bool) -> list[str]:
    rows = []
    for each in found:
        time = "" if each.seconds is None else f"{each.seconds:.1f} s"
        first, *more = [f"{size(amount)} of {name}" for name, amount in each.evicted.items()] or [""]
        row = (each.number, each.file, f"{each.hit_percent:.1f} %", size(each.misses), time, size(each.cached), first)
        rows += [row, *(("",) * (len(row) - 1) + (other,) for other in more)]
    titles = ("pass", "file", "hits", "missed", "time", "cached", "evicted")
    places = [place for place, title in enumerate(titles) if has_times or title != "time"]
    cells = [[row[place] for place in places] for row in rows]
    return table([titles[place] for place in places], cells, (1, len(places) - 1))


def _verdict(found: Sequence[Pass], reading: Reading) -> Iterator[str]:
    last = found[-1]
    yield f"The last read finds {last.hit_percent:.1f} % of {last.file} in the cache."
    if reading.disk is not None:
        rates = [
            f"{size(round(rate))}/s" if rate < float("inf") else "any rate" for rate in (reading.disk, reading.copying)
        ]
        whole = sum(each.seconds or 0 for each in found)
        yield f"All take {whole:.1f} s, with {rates[0]} from the disk and {rates[1]} from memory."

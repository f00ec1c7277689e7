"""``pymemtools what-if cache``: how much of some files would stay in the page cache?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from pymemtools.cli.types import RATE, SIZE
from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.cli.who_asks import group_option, pid_option
from pymemtools.report import Report
from pymemtools.reports.what_if.cache import Cached, CacheRequest, cache_report
from pymemtools.reports.what_if.page_cache import GENERATIONS, TWO_LISTS, Pass

_TITLES = {TWO_LISTS: "Classic LRU, two lists:", GENERATIONS: "MGLRU, generations:"}


@question("cache", cache_report)
@click.argument("amount", type=SIZE, metavar="SIZE")
@click.option("--reads", type=click.IntRange(1, 1000), default=2, metavar="N", help="Read it N times. [2]")
@click.option(
    "--with", "others", type=SIZE, multiple=True, metavar="SIZE", help="Then read another file, and it again."
)
@click.option("--method", type=click.Choice(["read", "mmap"]), default="read", help="How files are read. [read]")
@click.option(
    "--readers", "count", type=click.IntRange(1, 1 << 20), default=1, metavar="N", help="So many processes. [1]"
)
@click.option("--disk", type=RATE, metavar="RATE", help="How fast the disk is, each second; for times.")
@click.option("--copy", "copying", type=RATE, default="2G", metavar="RATE", help="How fast cached data is used. [2G]")
@click.option("--limit", type=SIZE, metavar="SIZE", help="Within a memory cgroup of this limit, empty so far.")
@pid_option
@group_option
@click.option("--lru", type=click.Choice([TWO_LISTS, GENERATIONS]), help="Suppose this LRU.")
def command(
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
) -> Question:
    """Read a file of SIZE, then others, then it again: how much is cached, pass by pass."""
    is_mapped = method == "mmap"
    request = CacheRequest(
        size=amount,
        others=others,
        reads=reads,
        is_mapped=is_mapped,
        readers=count,
        disk=disk,
        copying=copying,
        limit=limit,
        pid=pid,
        group=group,
        lru=lru,
    )
    return Question(request, _lines)


def _lines(report: Report) -> Iterator[str]:
    found: Cached = report.answer
    yield f"The page cache has room for {size(found.room)}; {size(found.cached_before)} are cached now."
    if (bound := found.bound) is not None:
        yield from sentence(f"That is the memory group {bound.path}, with {bound.file} {size(bound.limit)}.")
    yield f"Files: {', '.join(f'{name} {size(amount)}' for name, amount in found.files.items())}."
    for kind, each in found.passes.items():
        yield ""
        yield _TITLES[kind]
        yield from _table(each, has_times=found.request.disk is not None)
        yield from _verdict(each, found.request, None if found.seconds is None else found.seconds[kind])
    yield ""
    yield from _together(found)


def _together(found: Cached) -> Iterator[str]:
    count = found.request.readers
    yield f"{count} processes with all of A in memory, by" if count > 1 else "1 process with all of A in memory, by"
    cells = [
        (f"{each.how}()", *map(size, (each.cache, each.anonymous, each.page_tables, each.total)))
        for each in found.together
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


def _verdict(found: Sequence[Pass], request: CacheRequest, whole: float | None) -> Iterator[str]:
    last = found[-1]
    yield f"The last read finds {last.hit_percent:.1f} % of {last.file} in the cache."
    if request.disk is not None and whole is not None:
        rates = [_rate(rate) for rate in (request.disk, request.copying)]
        yield f"All take {whole:.1f} s, with {rates[0]} from the disk and {rates[1]} from memory."


def _rate(rate: float) -> str:
    return f"{size(round(rate))}/s" if rate < float("inf") else "any rate"

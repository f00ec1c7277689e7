"""What a write to drop_caches would free, or did: the prediction and the measure side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.models.drop_caches import predict
from pymemtools.models.reclaimable import Interval
from pymemtools.models.release import parse_release, since
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.mapped_cache import mapped_cache
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.free import FreeRow, memory
from pymemtools.sources.base import Source
from pymemtools.units import minus, plus

FILES, SLAB = 1, 2  # the bits of a level


class Moment(NamedTuple):
    """What is cached, in bytes, and what all have read from disks since boot: while caches go, that comes back."""

    meminfo: Mapping[str, int]
    read_from_disks: int | None
    kept: int | None = None  # at the most: what is cached of files that are mapped; see predict()
    notes: tuple[str, ...] = ()


class Caches(NamedTuple):
    """One class of caches, in bytes; of what was not to be dropped nothing is predicted: some may go, too."""

    name: str
    before: int | None
    after: int | None
    freed: int | None
    predicted_least: int | None
    predicted_most: int | None
    read_meanwhile: int | None = None


class Dropped(NamedTuple):
    """Memory before and after, and each class; after is None of what was only predicted."""

    before: FreeRow
    after: FreeRow | None
    classes: tuple[Caches, ...]


COLUMNS = (
    Column("class", "Class", "page cache or reclaimable slab", "text", right=False),
    Column("before", "Before", "what there was of it", "bytes"),
    Column("after", "After", "what is left; null of a prediction", "bytes"),
    Column("freed", "Freed", "what went; what grew meanwhile freed nothing", "bytes"),
    Column("predicted_least", "At least", "what goes at the least; null where it was not to be dropped", "bytes"),
    Column("predicted_most", "At most", "what goes at the most", "bytes"),
    Column("read_meanwhile", "Read", "what all read from disks while caches were dropped", "bytes"),
)


def read_moment(source: Source) -> Moment:
    """Read what caches hold. Raises Missing, Denied or ParseError."""
    found = read_meminfo(source)
    try:
        kib = parse_vmstat(source.read("vmstat")).get("pgpgin")
    except MemtoolsError:
        kib = None
    return Moment(found.meminfo, None if kib is None else kib * 1024, None, found.notes)


def read_before(source: Source, level: int) -> Moment:
    """Read what caches hold, and what a level may have to leave. Raises Missing, Denied or ParseError."""
    has_folios = since(parse_release(source.facts.kernel), (5, 18))
    kept = mapped_cache(source) if has_folios and level & FILES else None
    return read_moment(source)._replace(kept=kept)


class Expected(NamedTuple):
    """What goes of file pages and of slab; None of what is not to be dropped."""

    files: Interval | None
    slab: Interval | None


def expected(before: Moment, level: int) -> Expected:
    """Predict what level 1 (file pages), 2 (slab) or 3 (both) frees. Raises ParseError."""
    prediction = predict(before.meminfo, level, before.kept)
    return Expected(prediction.page_cache if level & FILES else None, prediction.slab if level & SLAB else None)


def drop_report(expects: Expected, before: Moment, after: Moment | None, facts: Mapping[str, Any]) -> Report:
    """Compare what was predicted with what became of it; without ``after`` only predict."""
    was, now = before.meminfo, {} if after is None else after.meminfo
    read = None if after is None else minus(after.read_from_disks, before.read_from_disks)
    files = class_of("page cache", _files(was), _files(now), expects.files)._replace(read_meanwhile=read)
    slab = class_of("reclaimable slab", _slab(was), _slab(now), expects.slab)
    found = Dropped(memory(was).mem, memory(now).mem if after else None, (files, slab))
    table = table_of(COLUMNS, [each._asdict() | {"class": each.name} for each in found.classes])
    notes = tuple(dict.fromkeys((*before.notes, *(after.notes if after else ()))))
    return Report("drop-caches", table, found, facts=facts, notes=notes, warnings=notes)


def class_of(name: str, before: int | None, after: int | None, predicted: Interval | None) -> Caches:
    """Say what became of a class of caches.

    >>> class_of("page cache", 9, 5, Interval(0, 8)).freed, class_of("page cache", 5, 9, None).freed
    (4, 0)
    """
    freed = minus(before, after)
    least, most = (None, None) if predicted is None else predicted
    return Caches(name, before, after, None if freed is None else max(freed, 0), least, most)


def _files(meminfo: Mapping[str, int]) -> int | None:
    return plus(meminfo.get("Active(file)"), meminfo.get("Inactive(file)"))


def _slab(meminfo: Mapping[str, int]) -> int | None:
    return meminfo.get("KReclaimable", meminfo.get("SReclaimable"))

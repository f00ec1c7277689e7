"""What is asked of the page cache, and the readings that answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import Denied
from pymemtools.probes.file_walk import Place
from pymemtools.readings.cached_files import CachedFile, Reach, Survey, Told, read_mounts, survey
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.processes import pids_in_user_space
from pymemtools.readings.used_files import Used, read_used
from pymemtools.report import Report
from pymemtools.reports.cache.report import Asked, cache_report
from pymemtools.sources.base import Source

Names = Sequence[tuple[str, str]]
_CELLS = 20  # of the bar


class CacheRequest(NamedTuple):
    """Which files, and what of them."""

    names: Names = ()  # each path as named, and absolute
    pids: tuple[int, ...] = ()
    everything: bool = False  # what any process has open or mapped
    who: bool = False  # also who maps them
    has_cells: bool = False  # also where along each file
    reach: Reach = Reach()

    @property
    def by_process(self) -> bool:
        """Tell whether files are those of processes."""
        return self.everything or bool(self.pids)


def places_of(names: Names) -> list[Place]:
    """Number the paths that were named."""
    return [Place(number, absolute, shown) for number, (shown, absolute) in enumerate(names)]


def answer(source: Source, asked: CacheRequest, told: Told = lambda sums: None, before: Survey | None = None) -> Report:
    """Look at the files and make the report. Raises Denied where no process that was named tells of its own."""
    used, places = None, places_of(asked.names)
    if asked.by_process:
        used = read_used(source, asked.pids or pids_in_user_space(source), opened=True)
        places = list(used.places.values())
        if used.processes == used.unreadable > 0:
            raise Denied(f"cache: no process tells what it maps: {used.reason}")
    is_lacking = bool(asked.pids and used is not None and used.unreadable)
    if asked.who and not asked.everything:
        used = read_used(source, pids_in_user_space(source), opened=False)
    mounts = read_mounts(source)
    found = survey(places, mounts, asked.reach, told)
    if asked.has_cells:
        found = _with_cells(found, {place.shown: place for place in places}, asked.reach, source)
    meminfo = read_meminfo(source).meminfo if asked.everything else None
    question = Asked(
        tuple(name for name, _ in asked.names), dict(asked.names), asked.by_process, meminfo, asked.has_cells
    )
    report = cache_report(found, question, used, before, source.facts._asdict())
    answer = report.answer._replace(is_lacking=report.answer.is_lacking or is_lacking)
    return _with_doubt(report._replace(answer=answer), source, used)


def look(source: Source, names: Names, reach: Reach = Reach()) -> Survey:  # noqa: B008 (a constant)
    """Look at files and trees, and no more."""
    return survey(places_of(names), read_mounts(source), reach)


def _with_cells(found: Survey, places: Mapping[str, Place], reach: Reach, source: Source) -> Survey:
    """Look a second time at the files that are shown, piece by piece."""
    again = [Place(0, places[file.path].path if file.path in places else file.path, file.path) for file in found.files]
    drawn = survey(again, read_mounts(source), reach._replace(most=None, cells=_CELLS))
    cells = {(file.device, file.inode): file.cells for file in drawn.files}
    files: Sequence[CachedFile] = [file._replace(cells=cells.get((file.device, file.inode))) for file in found.files]
    return found._replace(files=list(files))


def _with_doubt(report: Report, source: Source, used: Used | None) -> Report:
    """Say which processes we could not see."""
    if used is None:
        return report
    lines = tuple(invisible(source))
    if used.unreadable:
        lines += (unread(source, used.unreadable, used.processes, used.reason),)
    return report._replace(notes=report.notes + lines, warnings=report.warnings + lines)

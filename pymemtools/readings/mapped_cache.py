"""How much of the page cache is of files that somebody has mapped."""

from __future__ import annotations

from pymemtools.errors import Missing
from pymemtools.probes.file_walk import Place
from pymemtools.probes.open_files import may_open_mapped
from pymemtools.probes.page_cache import PAGE
from pymemtools.procfs.status import parse_status_sizes
from pymemtools.readings.cached_files import Reach, read_mounts, survey
from pymemtools.readings.mappings import read_maps
from pymemtools.sources.base import Source


def mapped_cache(source: Source) -> int | None:
    """Give the bytes in the page cache of files that processes map; None where not all of these can be looked at.

    Where files are cached in large folios (XFS since Linux 5.18, ext4 since 6.16), a page that is mapped keeps the
    whole folio. So what outlasts a drop is more than what meminfo calls mapped, but is within these files. Of a process
    whose mappings not even root may read, it is what it has of files itself (RssFile).
    """
    if not (source.is_live and may_open_mapped()):
        return None
    places: dict[tuple[bytes, int], Place] = {}
    unread = 0
    for pid in source.pids():
        try:
            maps = read_maps(source, pid)
            if maps.problem is not None:
                unread += _rss_file(source, pid)
        except Missing:  # it ended
            continue
        for mapping in maps.mappings:
            if mapping.inode:
                link = f"/proc/{pid}/map_files/{mapping.start:x}-{mapping.end:x}"
                name = mapping.name.decode("utf-8", "surrogateescape")
                places.setdefault((mapping.device, mapping.inode), Place(0, link, name, False))
    found = survey(list(places.values()), read_mounts(source), Reach(most=0))
    sums = found.sums.get(0)
    return None if sums is None or sums.unknown or found.hung else sums.cached * PAGE + unread


def _rss_file(source: Source, pid: int) -> int:
    with source.process(pid) as files:
        return parse_status_sizes(files.read("status")).get("RssFile", 0)

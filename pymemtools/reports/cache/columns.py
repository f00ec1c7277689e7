"""The columns of ``cache``."""

from __future__ import annotations

from pymemtools.report import Column

COLUMNS = (
    Column("path", "PATH", "the file, as it was named, found, or as its process knows it", "text", right=False),
    Column("size", "SIZE", "length of the file", "bytes"),
    Column("in_cache", "CACHED", "what of it is in the page cache, in whole pages; null: not known", "bytes"),
    Column("dirty", "DIRTY", "what of that has to be written (cachestat only)", "bytes"),
    Column("writeback", "WRITEBACK", "what of that is being written (cachestat only)", "bytes"),
    Column("evicted_bytes", "EVICTED", "what was in the cache, and is gone (cachestat only)", "bytes"),
    Column("recently_evicted", "RECENTLY", "what of that would not have gone with more memory", "bytes"),
    Column("method", "METHOD", "how that was counted: cachestat or mincore", "text", right=False),
    Column("device", "DEVICE", "of the file system, as stat tells", "text", right=False),
    Column("inode", "INODE", "its number there", "number"),
)
BAR = Column("cells", "BAR", "pieces along the file, in its order: pages in the cache, and all", "nested")
MAPPED = (
    Column("pss", "PSS", "proportional set size, summed over those who map it", "bytes"),
    Column("processes", "PROCS", "processes that map it", "count"),
    Column("mappers", "MAPPED BY", "who maps it: pid, name, pss; of a capture, rss and anonymous, too", "nested"),
)
OF_CAPTURES = (
    Column("rss", "RSS", "resident set size, summed over those who map it: a page counts for each", "bytes"),
    Column("anonymous", "COPIED", "of that, copies that processes wrote to: no pages of the file any more", "bytes"),
)
BEFORE = (
    Column("in_cache_before", "BEFORE", "what of it was in the page cache before", "bytes"),
    Column("dirty_before", "DIRTY BEFORE", "what of that had to be written", "bytes"),
)
PRINTED = (
    Column("cached_percent", "%", "what of the file is in the page cache, in percent", "percent"),
    Column("cells", "RESIDENT", "pieces along the file: O all of it is cached, o some, blank nothing", "text"),
)
ALL = (*COLUMNS, BAR, *MAPPED, *OF_CAPTURES, *BEFORE)

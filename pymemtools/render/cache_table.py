"""What is in the page cache, on paper: files with a bar of what is resident along them, trees, and the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.readings.mapped_files import FileMapper
from pymemtools.readings.used_files import Mapper
from pymemtools.render.detail_table import Texts, detail_lines
from pymemtools.render.escape import cut, escape, width
from pymemtools.reports.cache.mapped import MappedAnswer
from pymemtools.reports.cache.report import CacheAnswer, FileRow, TreeRow, WholeCache
from pymemtools.units import human_size

_LEAST_PATH = 15
_NOT_LISTED = "nobody has open or maps ('cache PATH' shows those below it), tmpfs, shared memory"


def cache_lines(answer: CacheAnswer, columns: int | None) -> Iterator[str]:
    """Give a table of the files, then of the trees and the sum; ``columns`` is the width of a terminal."""
    if answer.rows:
        yield from _table(answer.rows, columns)
    hidden = answer.all.files - len(answer.rows)
    if answer.rows and hidden > 0:
        shown = sum(row.file.in_cache or 0 for row in answer.rows)
        yield f"... and {_files(hidden, 'more ')}, {_human(answer.all.in_cache - shown)} in cache (--top 0 shows all)"
    if not answer.all.files and not answer.trees and answer.is_lacking:
        return
    if len(answer.rows) != 1 or hidden > 0:
        yield from [""] if answer.rows else []
        yield from map(_sum, answer.trees)
        yield from [_sum(answer.all)] if len(answer.trees) != 1 or answer.trees[0].files != answer.all.files else []
    if answer.whole is not None:
        yield from _whole(answer.whole)


def mapped_lines(answer: MappedAnswer, columns: int | None) -> Iterator[str]:
    """Give a table of mapped files, and what all take beside meminfo's figures."""
    rows = answer.rows
    if rows:
        shown = [
            Texts("PSS", [_human(row.pss) for row in rows]),
            Texts("RSS", [_human(row.rss) for row in rows]),
            Texts("COPIED", [_human(row.anonymous) for row in rows]),
            Texts("MAPPED BY", [_mappers(row.mappers) for row in rows], right=False),
        ]
        yield from _with_paths(shown, [row.file.path for row in rows], columns)
    if answer.files > len(rows):
        yield f"... and {_files(answer.files - len(rows), 'more ')} (--top 0 shows all)"
    yield from [""] if rows else []
    yield f"All: {_human(answer.pss)} PSS of {_files(answer.files, 'mapped ')}, with copies"
    yield f"Mapped: {_human(answer.mapped)} of Cached: {_human(answer.cached)}; what else is in it no capture tells"


def bar(cells: Sequence[tuple[int, int]] | None) -> str:
    """Draw pieces of a file: O all in the cache, o some of it, blank nothing.

    >>> bar([(4, 4), (1, 4), (0, 4)])
    '[Oo ]'
    """
    if cells is None:
        return "-"
    return f"[{''.join('O' if cached == pages else 'o' if cached else ' ' for cached, pages in cells)}]"


def _table(rows: Sequence[FileRow], columns: int | None) -> Iterator[str]:
    files = [row.file for row in rows]
    shown = [Texts("SIZE", [_human(file.size) for file in files])]
    if any(row.before for row in rows):
        shown.append(Texts("BEFORE", [_human(row.before and row.before.in_cache) for row in rows]))
    shown.append(Texts("CACHED", [_human(file.in_cache) for file in files]))
    shown.append(Texts("%", [_percent(row) for row in rows]))
    for title, amounts in (
        ("DIRTY", [file.dirty for file in files]),
        ("WRITEBACK", [file.writeback for file in files]),
        ("EVICTED", [file.evicted_bytes for file in files]),
    ):
        if any(amounts):
            shown.append(Texts(title, list(map(_human, amounts))))
    if rows[0].mappers is not None:
        shown.append(Texts("PSS", [_human(row.pss) for row in rows]))
        shown.append(Texts("MAPPED BY", [_mappers(row.mappers or ()) for row in rows], right=False))
    resident = Texts("RESIDENT", [bar(file.cells) for file in files], right=False)
    if any(file.cells is not None for file in files) and _has_room([*shown, resident], columns):
        shown.append(resident)
    yield from _with_paths(shown, [file.path for file in files], columns)


def _with_paths(shown: Sequence[Texts], paths: Sequence[str], columns: int | None) -> Iterator[str]:
    """Lay out columns and, last of them, paths in the room that is left."""
    room = None if columns is None else max(columns - _taken(shown), _LEAST_PATH)
    last = Texts("PATH", [_path(path, room) for path in paths], right=False)
    yield from (line.rstrip() for line in detail_lines([*shown, last]))


def _has_room(shown: Sequence[Texts], columns: int | None) -> bool:
    """Tell whether paths find room beside these columns."""
    return columns is None or columns - _taken(shown) >= _LEAST_PATH


def _taken(shown: Sequence[Texts]) -> int:
    return sum(max(len(column.title), *map(width, column.cells)) + 1 for column in shown)


def _path(path: str, room: int | None) -> str:
    """Keep the end of a path that is too long for the terminal."""
    text = escape(path)
    if room is None or width(text) <= room:
        return text
    while width(text) > room - 3:
        text = text[width(text) - room + 3 :] if text.isascii() else text[1:]
    return f"...{text}"


def _mappers(who: Sequence[Mapper | FileMapper]) -> str:
    if not who:
        return "-"
    more = f" +{len(who) - 1}" if len(who) > 1 else ""
    return f"{cut(escape(who[0].name), 12)}({who[0].pid}){more}"


def _percent(row: FileRow) -> str:
    """Give the pages in the cache as part of all; with what is cached past the end, as of a file cut short, of 100."""
    file = row.file
    if file.in_cache is None or not file.pages:
        return "-"
    return str(min(100 * file.cached_pages // file.pages, 100))


def _sum(tree: TreeRow) -> str:
    name = f"{escape(tree.path)}: " if tree.path else "All: "
    places = f" in {tree.directories} director{'y' if tree.directories == 1 else 'ies'}" if tree.directories else ""
    more = [f"{word} {_human(amount)}" for word, amount in _beside(tree) if amount]
    unknown = f", {tree.unknown} not known" if tree.unknown else ""
    beside = f" ({', '.join(more)})" if more else ""
    in_cache = None if tree.unknown >= tree.files > 0 else tree.in_cache  # of none of them it is known
    cached = f"{_human(in_cache)} of {_human(tree.size)} in cache"
    if tree.in_cache > tree.size:
        cached = f"{_human(tree.in_cache)} in cache, in whole pages, of {_human(tree.size)}"
    return f"{name}{cached}{beside}, {_files(tree.files)}{places}{unknown}"


def _beside(tree: TreeRow) -> tuple[tuple[str, int | None], ...]:
    return ("dirty", tree.dirty), ("writeback", tree.writeback), ("evicted", tree.evicted_bytes)


def _whole(whole: WholeCache) -> Iterator[str]:
    least = "at least " if whole.is_lower_bound else ""
    yield f"Cached: {_human(whole.cached)}, of which {least}{_human(whole.in_files)} in these files"
    if whole.rest is not None and whole.rest >= 0:
        shmem = f"; Shmem is {_human(whole.shmem)}" if whole.shmem is not None else ""
        unseen = "what could not be looked at, " if whole.is_lower_bound else ""
        yield f"Rest:   {_human(whole.rest)}: {unseen}files that {_NOT_LISTED}{shmem}"


def _files(count: int, kind: str = "") -> str:
    return f"{count} {kind}file{'' if count == 1 else 's'}"


def _human(amount: int | None) -> str:
    return "-" if amount is None else human_size(amount)

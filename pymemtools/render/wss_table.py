"""The text of wss: kinds of mappings, and what of them was touched within each window."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.models.working_set import NOTHING, Touched
from pymemtools.render.escape import cut, escape
from pymemtools.reports.wss.report import ALL, REFERENCED, SOFT_DIRTY, WorkingSet, notes_of
from pymemtools.units import brief_size


def wss_lines(found: WorkingSet, columns: int | None) -> Iterator[str]:
    """Lay it out in KiB; an interval as ``least-most``."""
    title = escape(f"{found.pid}: {found.title}")
    yield title if columns is None else cut(title, columns)
    what = "Written to" if found.measuring.method == SOFT_DIRTY else "Touched"
    last = found.windows[-1]
    yield f"{what} within, in KiB, of what is resident now"
    yield ""
    titles = [f"{window.elapsed:.1f} s" for window in found.windows]
    rows = {kind: [window.kinds.get(kind, NOTHING) for window in found.windows] for kind in _kinds(found)}
    rows[ALL] = [window.all for window in found.windows]
    cells = [[_interval(touched) for touched in row] for row in rows.values()]
    widths = [max(map(len, column)) for column in zip(titles, *cells)]
    yield "  ".join([f"{'Kind':<13} {'RSS':>9}", *(title.rjust(wide) for title, wide in zip(titles, widths))])
    for (kind, row), texts in zip(rows.items(), cells):
        figures = (text.rjust(wide) for text, wide in zip(texts, widths))
        yield "  ".join([f"{kind:<13} {row[-1].rss >> 10:>9}", *figures])
    yield ""
    yield from notes_of(found.measuring)
    measuring = found.measuring
    cleared = f"; {brief_size(measuring.cleared)} looked used before" if measuring.method == REFERENCED else ""
    yield f"clearing took {measuring.seconds * 1000:.1f} ms{cleared}"
    if last.all.least != last.all.most:
        yield "where it is an interval: the most may be what others touched, or the kernel, or nobody"


def _kinds(found: WorkingSet) -> list[str]:
    """Give all kinds, the largest at the end of the last window first."""
    return list(dict.fromkeys(kind for window in reversed(found.windows) for kind in window.kinds))


def _interval(touched: Touched) -> str:
    least, most = touched.least >> 10, touched.most >> 10
    return str(least) if least == most else f"{least}-{most}"

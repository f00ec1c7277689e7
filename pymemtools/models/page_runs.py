"""Runs of pages of files: which are cached, in which order, and which left a shadow. All figures are in pages.

A file that is read from its start to its end is one run, however large; so a simulation takes steps, not pages.
"""

from __future__ import annotations

from bisect import bisect_right


class Run:
    """Pages ``start`` to ``end`` of a file that share a fate: on a list, or evicted (on none) with a shadow."""

    __slots__ = ("age", "end", "file", "newer", "older", "on", "reads", "start", "young")

    def __init__(self, file: str, start: int, end: int, *, reads: int = 0, young: bool = False, age: int = 0) -> None:
        self.file = file
        self.start = start
        self.end = end
        self.reads = reads  # by read(2) since it was cached: 1 is PG_referenced, 2 is twice or more often
        self.young = young  # touched through a mapping since reclaim last looked
        self.age = age  # a shadow's: what the clock showed when its first page was evicted, its second one later ...
        self.on: Pages | None = None
        self.older = self.newer = self

    def part(self, start: int, end: int) -> Run:
        """Give a new run, on no list, with a part of the pages."""
        age = self.age + start - self.start
        return Run(self.file, start, end, reads=self.reads, young=self.young, age=age)


class Pages:
    """A list of the kernel's, in the order of age, and how many pages it holds."""

    def __init__(self) -> None:
        self._ends = Run("", 0, 0)  # a ring: newer than this is the oldest
        self.count = 0

    @property
    def oldest(self) -> Run | None:
        """Give the run that is reclaimed first."""
        return self._ends.newer if self._ends.newer is not self._ends else None

    @property
    def newest(self) -> Run | None:
        """Give the run that was put here last."""
        return self._ends.older if self._ends.older is not self._ends else None

    def append(self, run: Run) -> None:
        """Put a run at the young end."""
        self._insert(run, self._ends)

    def split(self, run: Run, at: int) -> Run:
        """Cut a run of this list in two; gives the second, which takes its place beside the first."""
        second = run.part(at, run.end)
        self.count -= second.end - at
        run.end = at
        self._insert(second, run.newer)
        return second

    def remove(self, run: Run) -> None:
        """Take a run off."""
        run.older.newer, run.newer.older = run.newer, run.older
        run.on = None
        self.count -= run.end - run.start

    def _insert(self, run: Run, before: Run) -> None:
        run.older, run.newer = before.older, before
        before.older.newer = before.older = run
        run.on = self
        self.count += run.end - run.start


class Files:
    """All runs by file and page: those cached, and the shadows of those evicted."""

    def __init__(self) -> None:
        self._runs: dict[str, list[Run]] = {}
        self._cached: dict[str, int] = {}

    def resident(self) -> dict[str, int]:
        """Count the cached pages of each file that ever had one."""
        return dict(self._cached)

    def find(self, file: str, page: int, end: int) -> tuple[Run | None, int]:
        """Give the run that a page belongs to, None for one never cached, and where it stops within ``end``."""
        runs = self._runs.get(file, [])
        i = _place(runs, page)
        if i and runs[i - 1].end > page:
            return runs[i - 1], min(runs[i - 1].end, end)
        return None, min(runs[i].start, end) if i < len(runs) else end

    def isolate(self, run: Run, start: int, end: int) -> Run:
        """Cut a run so that one is left that is just ``start`` to ``end``, and give that."""
        if run.start < start:
            run = self._split(run, start)
        if run.end > end:
            self._split(run, end)
        return run

    def cache(self, pages: Pages, run: Run) -> None:
        """Put a run that is on no list at the young end of one, joined with what is there where they continue."""
        self._cached[run.file] = self._cached.get(run.file, 0) + run.end - run.start
        self._put(pages, run)

    def move(self, pages: Pages, run: Run) -> None:
        """Put a cached run at the young end of a list."""
        assert run.on is not None  # noqa: S101 (a programming error)
        run.on.remove(run)
        self._drop(run)
        self._put(pages, run)

    def evict(self, run: Run, count: int, age: int) -> None:
        """Evict the first pages of a run; they leave a shadow that tells when."""
        run = self.isolate(run, run.start, run.start + count)
        assert run.on is not None  # noqa: S101 (a programming error)
        run.on.remove(run)
        run.age = age
        run.young = False
        self._cached[run.file] -= count
        self._join(run)

    def slide(self, run: Run, count: int, age: int) -> None:
        """Let a run grow at its end, into pages that no run has, while as many are evicted from its start."""
        shadow = Run(run.file, run.start, run.start + count, reads=run.reads, age=age)
        runs = self._runs[run.file]
        runs.insert(_place(runs, run.start) - 1, shadow)
        run.start += count
        run.end += count
        self._join(shadow)

    def _join(self, shadow: Run) -> None:
        """Join a shadow with that of the pages before it, where one went on from the other."""
        runs = self._runs[shadow.file]
        i = _place(runs, shadow.start) - 1
        before = runs[i - 1] if i else None
        if before and before.on is None and before.end == shadow.start and _follows(before, shadow):
            before.end = shadow.end
            del runs[i]

    def forget(self, shadow: Run) -> None:
        """Drop a shadow."""
        self._drop(shadow)

    def _put(self, pages: Pages, run: Run) -> None:
        last = pages.newest
        if last and last.file == run.file and last.end == run.start and _alike(last, run):
            last.end = run.end
            pages.count += run.end - run.start
            return
        pages.append(run)
        runs = self._runs.setdefault(run.file, [])
        runs.insert(_place(runs, run.start), run)

    def _split(self, run: Run, at: int) -> Run:
        if run.on is not None:
            second = run.on.split(run, at)
        else:
            second = run.part(at, run.end)
            run.end = at
        runs = self._runs[run.file]
        runs.insert(_place(runs, at), second)
        return second

    def _drop(self, run: Run) -> None:
        runs = self._runs[run.file]
        del runs[_place(runs, run.start) - 1]


def _place(runs: list[Run], page: int) -> int:
    return bisect_right(runs, page, key=lambda run: run.start)


def _alike(a: Run, b: Run) -> bool:
    return a.reads == b.reads and a.young == b.young


def _follows(before: Run, run: Run) -> bool:
    return before.reads == run.reads and before.age + before.end - before.start == run.age

"""What is asked of smem: which rows, of what, in which order; and what must be read for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.errors import UsageProblem
from pymemtools.readings.wants import Wants
from pymemtools.report import Column
from pymemtools.reports.smem.columns import FROM_STATUS, SPLIT, VIEWS, Figure, View, field_named, figures_for

_NOT_WEIGHTS = ("pid", "order", "depth")
_FIELD = r"[A-Za-z][A-Za-z0-9_]*"


class Filters(NamedTuple):
    """Which processes and mappings count."""

    process: re.Pattern[str] | None = None
    mapping: re.Pattern[str] | None = None
    user: re.Pattern[str] | None = None


class Request(NamedTuple):
    """Which rows, of what, in which order; names of columns are those that the user wrote until they are resolved."""

    report: str = "process"  # a key of VIEWS
    columns: tuple[str, ...] | None = None  # None: all of them
    sort: str | None = None
    reverse: bool = False
    least: int | None = None  # bytes
    top: int | None = None
    numeric: bool = False  # uids, not names
    grouping: str | None = None
    detailed: bool = False  # the finer split of the whole system
    real: int | None = None  # bytes of memory fitted
    kernel_image: str | None = None  # a file
    rollup: bool = False
    percent: bool = False  # shares of memory and swap are wanted
    label: str | None = None  # a chart's
    filters: Filters = Filters()

    @property
    def view(self) -> View:
        """Give the report's columns and habits."""
        return VIEWS[self.report]

    def unknown(self) -> list[str]:
        """Name what no column is called. Raises UsageProblem for what no field of a kernel can be called either."""
        names = [name for name in (*(self.columns or ()), self.sort, self.label) if name is not None]
        found = [name for name in dict.fromkeys(names) if self.view.column(name) is None]
        for name in found:
            if self.report == "system" or not re.fullmatch(_FIELD, name):
                raise self._no_column(name)
        return found

    def resolved(self, fields: Iterable[str] = ()) -> Plan:
        """Find the columns; ``fields`` are those that the kernel at hand prints. Raises UsageProblem."""
        fields = tuple(fields)
        unknown: dict[str, Figure] = {}
        for name in self.unknown():
            figure = field_named(fields, name)
            if figure is None:
                raise self._no_column(name)
            unknown[name] = figure

        def column(name: str) -> Column:
            found = self.view.column(name)
            return unknown[name].column if found is None else found

        if self.columns is None:
            columns = (*self.view.columns, *(figure.column for figure in unknown.values()))
        else:
            columns = tuple(column(name) for name in self.columns)
        sort = column(self.sort or self.view.sort)
        label = None if self.label is None else column(self.label)
        keys = [each.key for each in (*columns, sort, *([label] if label else []))]
        return Plan(self, columns, sort, label, figures_for([*keys, self._weight(sort)], list(unknown.values())))

    def _weight(self, sort: Column) -> str:
        return self.view.weight if sort.kind == "text" or sort.key in _NOT_WEIGHTS else sort.key

    def _no_column(self, name: str) -> UsageProblem:
        known = " ".join(sorted(column.key for column in self.view.columns))
        return UsageProblem(f"smem: unknown column '{name}'; this report has: {known}")


class Plan(NamedTuple):
    """A request whose columns are known: what is shown, and what must be read for it."""

    request: Request
    columns: tuple[Column, ...]  # to be printed
    sort: Column
    label: Column | None
    figures: tuple[Figure, ...]  # what is worked out of every row

    @property
    def weight(self) -> str:
        """Name the figure that makes a row large or small."""
        return self.request._weight(self.sort)

    @property
    def weighed(self) -> Column | None:
        """Give its column."""
        figures = [figure.column for figure in self.figures]
        return next((column for column in (*self.request.view.columns, *figures) if column.key == self.weight), None)

    @property
    def order(self) -> list[str]:
        """Name the keys that rows are sorted by: ties by the cells that are shown, from left to right, as in smem."""
        return list(dict.fromkeys((self.sort.key, *(column.key for column in self.columns))))

    @property
    def keys(self) -> list[str]:
        """Name the keys that a row must have: what is shown, sorted, weighed and compared by."""
        label = [] if self.label is None else [self.label.key]
        return list(dict.fromkeys((*self.order, self.weight, *label, *self.request.view.identity, "depth")))

    @property
    def fields(self) -> tuple[str, ...]:
        """Name the fields of smaps that are added up: one at the least, for who has no smaps is in no report."""
        every = dict.fromkeys(field for figure in self.figures for field in figure.fields)
        return tuple(field for field in every if field not in SPLIT and field not in FROM_STATUS) or ("Pss",)

    @property
    def wants(self) -> Wants:
        """Say what to read of each process."""
        request, filters = self.request, self.request.filters
        fields = {field for figure in self.figures for field in figure.fields}
        keys = {column.key for column in (*self.columns, self.sort, *([self.label] if self.label else []))}
        is_whole = filters.mapping is None  # two files know whole processes only
        return Wants(
            self.fields,
            by_name=request.report == "mappings",
            rollup=request.rollup,
            split=is_whole and bool(SPLIT & fields),
            status=is_whole and bool(FROM_STATUS & fields),
            cgroup=request.grouping in ("cgroup", "unit") or bool({"cgroup", "unit"} & keys),
            oom_score="oom_score" in keys,
            process=filters.process,
            mapping=filters.mapping,
            user=filters.user,
        )

    def without_pss(self) -> Plan:
        """Sort by RSS where the kernel has no PSS, unless the user wants it so."""
        if self.request.sort is not None or self.sort.key != "pss":
            return self
        rss = self.request.view.column("rss")
        return self if rss is None else self._replace(sort=rss)

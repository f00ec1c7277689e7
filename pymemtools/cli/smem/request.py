"""What the user of smem asked for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.cli.options import SIZE
from pymemtools.cli.smem.columns import VIEWS, View
from pymemtools.errors import UsageProblem
from pymemtools.readings.processes import Wants
from pymemtools.report import Column
from pymemtools.reports.smem import FROM_STATUS, SPLIT, kernel_fields, smaps_keys

_REPORTS = ("mappings", "users", "system")
_NOT_WEIGHTS = ("pid", "order", "depth")


class Request(NamedTuple):
    """Which rows, of what, in which order."""

    report: str  # a key of VIEWS
    columns: tuple[Column, ...]  # to be printed
    sort: str
    is_sort_chosen: bool
    reverse: bool
    least: int | None  # bytes
    top: int | None
    numeric: bool
    grouping: str | None
    detailed: bool
    real: int | None  # bytes
    kernel_image: str | None
    wanted: Wants

    @property
    def view(self) -> View:
        """Give the report's columns and habits."""
        return VIEWS[self.report]

    @property
    def weight(self) -> str:
        """Name the figure that makes a row large or small."""
        column = self.view.column(self.sort)
        is_figure = column is not None and column.kind != "text" and self.sort not in _NOT_WEIGHTS
        return self.sort if is_figure else self.view.weight

    def without_pss(self) -> Request:
        """Sort by RSS where the kernel has no PSS, unless the user wants it so."""
        return self if self.is_sort_chosen or self.sort != "pss" else self._replace(sort="rss")


def checked(options: Mapping[str, Any]) -> Request:
    """Make a request of the command line's options. Raises UsageProblem."""
    report, grouping = _report(options)
    view = VIEWS[report]
    is_for_people = options["style"] == "text" or options["columns"]
    columns = _columns(view, options["columns"]) if is_for_people else view.columns
    sort = options["sort"] or view.sort
    _column(view, sort)
    request = Request(
        report,
        columns,
        sort,
        bool(options["sort"]),
        options["reverse"],
        options["least"],
        options["top"],
        options["numeric"],
        grouping,
        options["detailed"],
        _real_memory(options["realmem"]),
        options["kernel"],
        Wants(()),
    )
    fields = [*(column.key for column in columns), sort, request.weight]
    _check_combination(request, fields, options)
    return request._replace(wanted=_wanted(report, grouping, fields, options))


def _report(options: Mapping[str, Any]) -> tuple[str, str | None]:
    """Choose the report; of several, smem takes -m before -u before -w."""
    grouping = options["group"]
    chosen = [name for name in _REPORTS if options[name]]
    if options["detailed"]:
        chosen.append("system")
    if not grouping:
        return (chosen[0] if chosen else "process"), None
    if chosen:
        raise UsageProblem(f"smem: --group sums processes; it does not go with --{chosen[0]}")
    return ("tree" if grouping == "tree" else "groups"), grouping


def column_names(options: Mapping[str, Any]) -> list[str]:
    """Name the columns of the report that the options choose, for completion."""
    report, _ = _report({**options, "group": None} if any(options[name] for name in _REPORTS) else options)
    return sorted(column.key for column in VIEWS[report].columns)


def _column(view: View, name: str) -> Column:
    column = view.column(name)
    if column is None:
        known = " ".join(sorted(column.key for column in view.columns))
        raise UsageProblem(f"smem: unknown column '{name}'; this report has: {known}")
    return column


def _columns(view: View, text: str | None) -> tuple[Column, ...]:
    """Read a list of columns: names; ``+name`` adds to the usual ones; ``all``."""
    names = (text or "").replace(",", " ").split()
    plain = [name for name in names if not name.startswith("+")]
    shown = list(plain or view.shown)
    if "all" in shown:
        shown = [column.key for column in view.columns]
    shown += [name[1:] for name in names if name.startswith("+") and name[1:] not in shown]
    return tuple(_column(view, name) for name in shown)


def _check_combination(request: Request, fields: Sequence[str], options: Mapping[str, Any]) -> None:
    if options["rollup"]:
        _check_rollup(request.report, fields, options)
    if request.report == "tree" and options["diff"]:
        raise UsageProblem("smem: --diff compares processes, mappings, users or groups, not trees")
    if options["diff"] == "-" and options["source"] == "-":
        raise UsageProblem("smem: stdin holds one archive: --diff and --source cannot both be -")
    if options["pie"] and options["bar"]:
        raise UsageProblem("smem: --pie and --bar are two charts; ask for one")
    if options["pie"] or options["bar"]:
        _check_chart(request, options)
    elif options["output"] or options["force"]:
        raise UsageProblem("smem: --output and --force are for --pie and --bar")


def _check_rollup(report: str, fields: Sequence[str], options: Mapping[str, Any]) -> None:
    refused = None
    if report in ("mappings", "system"):
        refused = f"--{report}"
    elif options["mapfilter"] is not None:
        refused = "--mapfilter"
    elif "maps" in fields and options["style"] == "text":
        refused = "column 'maps'"
    if refused:
        raise UsageProblem(f"smem: smaps_rollup knows no single mappings: --rollup does not go with {refused}")


def _check_chart(request: Request, options: Mapping[str, Any]) -> None:
    _column(request.view, options["pie"] or options["bar"])
    if options["style"] != "text":
        raise UsageProblem("smem: a chart has no --format")
    if options["watch"] or options["diff"]:
        raise UsageProblem("smem: a chart shows one moment: no --watch and no --diff")


def _wanted(report: str, grouping: str | None, fields: Sequence[str], options: Mapping[str, Any]) -> Wants:
    """Say what to read of each process."""
    chart = options["pie"] or options["bar"]
    fields = [*fields, chart] if chart else fields
    kernel = set(kernel_fields(fields))
    mapping = options["mapfilter"]
    return Wants(
        smaps_keys(fields),
        by_name=report == "mappings",
        rollup=options["rollup"],
        # These two files know whole processes only.
        split=mapping is None and any(key in kernel for key in SPLIT),
        status=mapping is None and any(key in kernel for key in FROM_STATUS),
        cgroup=grouping in ("cgroup", "unit") or "cgroup" in fields or "unit" in fields,
        oom_score="oom_score" in fields,
        process=options["processfilter"],
        mapping=mapping,
        user=options["userfilter"],
    )


def _real_memory(text: str | None) -> int | None:
    if text is None:
        return None
    if text[-1:].isdigit():
        raise UsageProblem("smem: memory size should be written with units, for example 1024M")
    size: int = SIZE.convert(text, None, None)
    return size

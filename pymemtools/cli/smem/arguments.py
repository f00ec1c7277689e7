"""What the user of smem asked for, checked as far as that goes before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymemtools.cli.file_options import check_one_stdin
from pymemtools.cli.types import SIZE
from pymemtools.errors import UsageProblem
from pymemtools.reports.smem.columns import VIEWS, View
from pymemtools.reports.smem.request import Filters, Request

_REPORTS = ("mappings", "users", "system")


def checked(options: Mapping[str, Any]) -> Request:
    """Make a request of the command line's options. Raises UsageProblem."""
    report, grouping = _report(options)
    is_for_people = options["style"] == "text" or options["columns"]
    request = Request(
        report=report,
        columns=_columns(VIEWS[report], options["columns"]) if is_for_people else None,
        sort=options["sort"],
        reverse=options["reverse"],
        least=options["least"],
        top=options["top"],
        numeric=options["numeric"],
        grouping=grouping,
        detailed=options["detailed"],
        real=_real_memory(options["realmem"]),
        kernel_image=options["kernel"],
        rollup=options["rollup"],
        percent=options["percent"],
        label=options["pie"] or options["bar"],
        filters=Filters(options["processfilter"], options["mapfilter"], options["userfilter"]),
    )
    request.unknown()
    _check_combination(request, options)
    return request


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


def _columns(view: View, text: str | None) -> tuple[str, ...]:
    """Read a list of columns: names; ``+name`` adds to the usual ones; ``all``."""
    names = (text or "").replace(",", " ").split()
    plain = [name for name in names if not name.startswith("+")]
    shown = list(plain or view.shown)
    if "all" in shown:
        shown = [column.key for column in view.columns]
    return (*shown, *(name[1:] for name in names if name.startswith("+") and name[1:] not in shown))


def _check_combination(request: Request, options: Mapping[str, Any]) -> None:
    if options["rollup"]:
        _check_rollup(request, options)
    if request.report == "tree" and options["diff"]:
        raise UsageProblem("smem: --diff compares processes, mappings, users or groups, not trees")
    check_one_stdin("smem", options)
    if options["pie"] and options["bar"]:
        raise UsageProblem("smem: --pie and --bar are two charts; ask for one")
    if options["pie"] or options["bar"]:
        _check_chart(options)
    elif options["output"] or options["force"]:
        raise UsageProblem("smem: --output and --force are for --pie and --bar")


def _check_rollup(request: Request, options: Mapping[str, Any]) -> None:
    refused = None
    names = (*(request.columns or ()), request.sort or "")
    columns = [request.view.column(name) for name in names]
    if request.report in ("mappings", "system"):
        refused = f"--{request.report}"
    elif options["mapfilter"] is not None:
        refused = "--mapfilter"
    elif options["style"] == "text" and any(column is not None and column.key == "mappings" for column in columns):
        refused = "column 'maps'"
    if refused:
        raise UsageProblem(f"smem: smaps_rollup knows no single mappings: --rollup does not go with {refused}")


def _check_chart(options: Mapping[str, Any]) -> None:
    if options["style"] != "text":
        raise UsageProblem("smem: a chart has no --format")
    if options["watch"] or options["diff"]:
        raise UsageProblem("smem: a chart shows one moment: no --watch and no --diff")


def _real_memory(text: str | None) -> int | None:
    if text is None:
        return None
    if text[-1:].isdigit():
        raise UsageProblem("smem: memory size should be written with units, for example 1024M")
    size: int = SIZE.convert(text, None, None)
    return size

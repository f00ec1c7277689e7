"""From a source to the rows of one of smem's reports, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pymemtools.cli.options import told_by_ps, unread
from pymemtools.cli.smem.request import Request
from pymemtools.errors import MemtoolsError
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.hidden import hiding_option
from pymemtools.readings.process import Process
from pymemtools.readings.processes import Sample, expect_processes, read_processes
from pymemtools.render.columns import sort_key
from pymemtools.reports import groups
from pymemtools.reports import smem as report
from pymemtools.reports.smem import Row, flat
from pymemtools.sources.base import Source


class Gathered(NamedTuple):
    """A report's rows, and what to say about them."""

    rows: list[Row]
    request: Request
    unreadable: int
    warnings: list[str]  # for stderr
    notes: list[str]  # for stderr, and for programs within the report


def gather(source: Source, request: Request, *, whole_rows: bool = True) -> Gathered:
    """Read what the request needs and make its rows, of no more than what a table shows unless they are to be whole."""
    if request.report == "system":
        return _system(source, request)
    expect_processes(source)
    sample = read_processes(source, request.wanted)
    if sample.unreadable and not sample.processes and not source.is_live:
        raise MemtoolsError(f"smem: {', '.join(_unreadable(sample, source))}")
    notes = [*_hidden(source), *_notes(sample, request)]
    if request.wanted.process or any(column.key == "command" for column in request.columns):
        notes += told_by_ps(source)
    if not sample.has_pss:
        request = request.without_pss()
    unreadable, warnings = sample.unreadable, _unreadable(sample, source)
    processes = sample.processes
    del sample  # so that each process goes when its row is made
    made = _process_report(processes, request)
    rows = _chosen([flat(row) if whole_rows else _shown(row, request) for row in made], request, notes)
    if request.report != "tree":
        _sort(rows, request)
    return Gathered(rows, request, unreadable, warnings, notes)


def _shown(row: report.Rowlike, request: Request) -> Row:
    """Give the cells that a table shows or is sorted by: a tenth of very many processes' memory."""
    cells = flat(row)
    fields = (*(column.key for column in request.columns), request.sort, request.weight, "depth")
    return {field: cells[field] for field in fields if field in cells}


def _sort(rows: list[Row], request: Request) -> None:
    """Sort by one field after the other, the first one last: keys of all fields at once would be large."""
    for field in reversed(_order(request)):
        rows.sort(key=lambda row: sort_key((row[field],))[0], reverse=request.reverse)


def _system(source: Source, request: Request) -> Gathered:
    from pymemtools.models.release import parse_release
    from pymemtools.readings.stores import read_stores
    from pymemtools.reports.system_memory import detailed_rows, system_rows, without_negative

    image = 0
    if request.kernel_image is not None:
        from pymemtools.sources.kernel_image import kernel_image_size

        image = kernel_image_size(request.kernel_image)
    figures = read_meminfo(source)
    notes = [*figures.notes]
    if request.detailed:
        stores, damaged = read_stores(source, figures.meminfo)
        version = parse_release(source.facts.kernel)
        rows = detailed_rows(figures.meminfo, real=request.real, kernel_image=image, stores=stores, version=version)
        notes += damaged
    else:
        rows = system_rows(figures.meminfo, real=request.real, kernel_image=image)
    rows, negative = without_negative(rows)
    notes += negative
    chosen = _chosen([flat(row) for row in rows], request, notes)
    _sort(chosen, request)
    return Gathered(chosen, request, 0, [], notes)


def _process_report(processes: list[Process], request: Request) -> Iterable[report.Rowlike]:
    """Make the rows of a report, of processes one by one: these are taken out of the list."""
    rows: Iterable[report.Rowlike]
    if request.report == "mappings":
        rows = report.mapping_rows(processes, request.wanted.keys)
    elif request.report == "users":
        rows = report.user_rows(processes, numeric=request.numeric)
    elif request.report == "tree":
        order = in_order(request)
        rows = groups.tree_rows(
            processes, lambda row: order(flat(row)), reverse=request.reverse, numeric=request.numeric
        )
    elif request.grouping is not None:
        grouped = groups.group_rows(processes, request.grouping)
        if processes and all(row.group is None for row in grouped):
            raise MemtoolsError(f"smem: the source tells the {request.grouping} of no process")
        rows = grouped
    else:
        rows = report.process_rows(_taken_out(processes), numeric=request.numeric)
    return rows


def _taken_out(processes: list[Process]) -> Iterator[Process]:
    processes.reverse()
    while processes:
        yield processes.pop()


def _chosen(rows: list[Row], request: Request, notes: list[str]) -> list[Row]:
    """Keep the rows that --min and --top leave; a note says of how many --min cannot tell."""
    if request.least is not None:
        column = request.view.column(request.weight)
        weight = request.weight if column is not None and column.kind == "bytes" else request.view.weight
        known, left_out = with_known(rows, weight)
        rows = [row for row, size in known if size >= request.least]
        notes += [f"{weight} is not known of {left_out} rows, which --min leaves out"] if left_out else []
    if request.top is not None:
        largest = sorted(range(len(rows)), key=lambda i: sort_key([rows[i][request.weight]]), reverse=True)
        rows = [rows[i] for i in sorted(largest[: request.top])]
    return rows


def with_known(rows: Sequence[Row], field: str) -> tuple[list[tuple[Row, int]], int]:
    """Give the rows of which a figure is known, each with that, and the number of the others."""
    found = [(row, value) for row in rows if isinstance(value := row[field], int)]
    return found, len(rows) - len(found)


def in_order(request: Request) -> Callable[[Row], Any]:
    """Make the key that sorts rows as smem does: ties by the cells that are shown, from left to right."""
    fields = _order(request)
    return lambda row: sort_key(row[field] for field in fields)


def _order(request: Request) -> list[str]:
    return list(dict.fromkeys((request.sort, *(column.key for column in request.columns))))


def _unreadable(sample: Sample, source: Source) -> list[str]:
    if not sample.unreadable:
        return []
    return [unread(sample.unreadable, sample.seen, sample.reason, is_live=source.is_live)]


def _hidden(source: Source) -> list[str]:
    option = hiding_option(source)
    return [f"/proc is mounted {option}: other users' processes are not visible"] if option else []


def _notes(sample: Sample, request: Request) -> list[str]:
    notes = []
    processes = sample.processes
    if cut_short := sum(process.is_cut_short for process in processes):
        notes.append(f"the smaps of {cut_short} processes is cut short: their last mapping is left out")
    if not sample.has_pss:
        notes.append("warning: kernel does not appear to support PSS measurement")
    if lost := sum(_has_lost_pss(process) for process in processes):
        notes.append(f"the PSS of {lost} processes is below their USS: 32-bit kernels leave huge pages out of it")
    if without_smaps := sum(process.is_without_smaps for process in processes):
        without = f"{without_smaps} process{'' if without_smaps == 1 else 'es'}"
        notes.append(f"without smaps: the figures of {without} are those of smaps_rollup")
    elif request.wanted.rollup and processes:
        notes.append(_rollup_note(processes))
    return notes


def _has_lost_pss(process: Process) -> bool:
    """Tell a PSS without transparent huge pages: smaps_account() shifts their size out of the 32 bits of a long."""
    pss, private = process.sums.get("Pss"), [process.sums.get(name) for name in report.USS]
    return pss is not None and pss < sum(size or 0 for size in private)


def _rollup_note(processes: Sequence[Process]) -> str:
    rest = sum(process.maps is not None for process in processes)
    if rest == len(processes):
        return "no smaps_rollup here: the figures are those of smaps"
    return (
        "figures from smaps_rollup: PSS is rounded down once, not per mapping, and so a little higher than "
        "without --rollup" + (f" ({rest} processes have no smaps_rollup: theirs are of smaps)" if rest else "")
    )

"""From the processes of a source to one of smem's reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.readings.hidden import invisible, told_by_ps, unread
from pymemtools.readings.lost_pss import lost_pss
from pymemtools.readings.process import Process
from pymemtools.readings.processes import Sample, expect_processes, read_processes
from pymemtools.readings.smaps_names import smaps_fields
from pymemtools.report import Column, Report, Table
from pymemtools.reports.smem.groups import group_rows, tree_rows
from pymemtools.reports.smem.request import Plan, Request
from pymemtools.reports.smem.rows import Row, Value, mapping_rows, process_rows, user_rows
from pymemtools.sources.base import Source

if TYPE_CHECKING:
    from pymemtools.reports.system_memory import SystemRow

_ANONYMOUS = "<anonymous>"  # as smem calls it


class Answer(NamedTuple):
    """A report's rows by key, in order, and how to read them; amounts in bytes."""

    rows: list[Row]
    plan: Plan
    memory: int | None = None  # what shares are of: memory fitted, and swap space; None: unknown, or not asked for
    swap_space: int | None = None
    compared: str = ""  # of a difference: what before, after and delta are of

    @property
    def counted(self) -> list[Row]:
        """Give the rows as their sums take them: in a difference, what was not there, or is no more, counts as 0."""
        if not self.compared:
            return self.rows
        return [{**row, "before": row["before"] or 0, "after": row["after"] or 0} for row in self.rows]

    def totals(self, scale: int = 1) -> list[Value]:
        """Add up the columns, each amount rounded down to ``scale`` first: the classic sums are of whole KiB.

        Of the machine's five parts, which make up its memory, all must be known (-W has a row for the rest).
        """
        columns, request = self.plan.columns, self.plan.request
        totals = totals_of(columns, self.counted, scale)
        if request.report != "system" or request.detailed:
            return totals
        unknown = {column.key for column in columns for row in self.rows if row[column.key] is None}
        return [None if column.key in unknown else total for column, total in zip(columns, totals)]


def smem_report(source: Source, request: Request) -> Report:
    """Read what the request needs, and make its rows. Raises UsageProblem for a column that no kernel field is."""
    plan = request.resolved(smaps_fields(source) if request.unknown() else ())
    if request.report == "system":
        rows, notes = _system(source, plan)
        return _report(source, Answer(rows, plan, *_shares_of(source, request)), notes)
    expect_processes(source)
    sample = read_processes(source, plan.wants)
    unreadable = sample.unreadable
    warnings = [unread(source, unreadable, sample.seen, sample.reason)] if unreadable else []
    if unreadable and not sample.processes and not source.is_live:
        raise MemtoolsError(f"smem: {warnings[0]}")
    notes = [*invisible(source), *_notes(sample, request), *told_by_ps(source)]
    plan = plan if sample.has_pss else plan.without_pss()
    processes = sample.processes
    del sample  # so that each process goes when its row is made
    rows = chosen(_kept(_rows(processes, plan), plan), plan, notes)
    if request.report != "tree":
        _sort(rows, plan)
    return _report(source, Answer(rows, plan, *_shares_of(source, request)), notes, warnings, unreadable)


def _report(
    source: Source, answer: Answer, notes: Sequence[str], warnings: Sequence[str] = (), unreadable: int = 0
) -> Report:
    columns = answer.plan.columns
    return Report(
        "smem",
        table_of_rows(columns, answer.rows),
        answer,
        totals={column.key: total for column, total in zip(columns, answer.totals()) if column.total == "sum"},
        facts=source.facts._asdict(),
        notes=tuple(notes),
        warnings=(*warnings, *notes),
        unreadable=unreadable,
    )


def table_of_rows(columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """Make the table for programs, in which memory without a name is called as everywhere else."""
    cells: dict[str, list[Any]] = {column.key: [row[column.key] for row in rows] for column in columns}
    if "path" in cells:
        cells["path"] = ["[anon]" if path == _ANONYMOUS else path for path in cells["path"]]
    return Table(tuple(columns), cells)


def totals_of(columns: Iterable[Column], rows: Sequence[Row], scale: int = 1) -> list[Value]:
    """Add up the rows; of trees only the roots, which hold all the others.

    ``scale`` is what each amount is rounded down to first, in bytes: the classic sums are of whole KiB.
    """
    roots = [row for row in rows if not row.get("depth")]
    return [
        total_of(column, [row[column.key] for row in (roots if column.total == "sum" else rows)], scale)
        for column in columns
    ]


def total_of(column: Column, values: Sequence[Value], scale: int = 1) -> Value:
    """Give a column's value in the totals row; ``scale`` rounds each amount down first, as the classic sums do."""
    if column.total == "rows":
        return len(values)
    if column.total == "distinct":
        return len(set(values))
    if column.total != "sum":
        return ""
    known = [value for value in values if isinstance(value, int)]
    if values and not known:
        return None
    return sum(value // scale * scale for value in known) if column.kind == "bytes" else sum(known)


def _system(source: Source, plan: Plan) -> tuple[list[Row], list[str]]:
    from pymemtools.reports.system_memory import without_negative

    split, doubts = _split(source, plan.request)
    rows, negative = without_negative(split)
    notes = [*doubts, *negative]
    found = chosen([row._asdict() for row in rows], plan, notes)
    _sort(found, plan)
    return found, notes


def _split(source: Source, request: Request) -> tuple[list[SystemRow], list[str]]:
    """Split the whole machine's memory; give what to know about it, too."""
    from pymemtools.readings.doubt import read_meminfo
    from pymemtools.reports.system_memory import detailed_rows, system_rows

    image = 0
    if request.kernel_image is not None:
        from pymemtools.sources.kernel_image import kernel_image_size

        image = kernel_image_size(request.kernel_image)
    figures = read_meminfo(source)
    if not request.detailed:
        return system_rows(figures.meminfo, real=request.real, kernel_image=image), [*figures.notes]
    from pymemtools.models.release import parse_release
    from pymemtools.readings.stores import read_stores

    stores, damaged = read_stores(source, figures.meminfo)
    version = parse_release(source.facts.kernel)
    rows = detailed_rows(figures.meminfo, real=request.real, kernel_image=image, stores=stores, version=version)
    return rows, [*figures.notes, *damaged]


def _shares_of(source: Source, request: Request) -> tuple[int | None, int | None]:
    """Give what percentages are of: all memory, and swap space for what is swapped out."""
    if not request.percent and request.label is None:  # a pie has a slice for the rest
        return None, None
    from pymemtools.readings.doubt import read_meminfo

    try:
        meminfo = read_meminfo(source).meminfo
    except MemtoolsError:
        meminfo = {}
    return request.real or meminfo.get("MemTotal"), meminfo.get("SwapTotal")


def _kept(rows: Iterable[Row], plan: Plan) -> list[Row]:
    """Keep the cells that are shown, sorted or compared by: a tenth of very many processes' memory."""
    keys = plan.keys
    return [{key: row[key] for key in keys if key in row} for row in rows]


def _sort(rows: list[Row], plan: Plan) -> None:
    """Sort by one key after the other, the first one last: keys of all together would be large."""
    for key in reversed(plan.order):
        rows.sort(key=_place_by(key, rows), reverse=plan.request.reverse)


def _place_by(key: str, rows: Sequence[Row]) -> Callable[[Row], Any]:
    """Make the key to sort by: the cells as they are, where all are alike."""
    kinds = {type(row[key]) for row in rows}
    return itemgetter(key) if kinds in ({int}, {str}) else lambda row: sort_key((row[key],))[0]


def _taken_out(processes: list[Process]) -> Iterator[Process]:
    processes.reverse()
    while processes:
        yield processes.pop()


def _rows(processes: list[Process], plan: Plan) -> Iterable[Row]:
    """Make the rows of a report, of processes one by one: these are taken out of the list."""
    request, figures = plan.request, plan.figures
    if request.report == "mappings":
        return mapping_rows(processes, plan.fields, figures)
    if request.report == "users":
        return user_rows(processes, figures, numeric=request.numeric)
    if request.report == "tree":
        return tree_rows(processes, figures, in_order(plan), reverse=request.reverse, numeric=request.numeric)
    if request.grouping is None:
        return process_rows(_taken_out(processes), figures, numeric=request.numeric)
    rows = group_rows(processes, request.grouping, figures)
    if processes and all(row["group"] is None for row in rows):
        raise MemtoolsError(f"smem: the source tells the {request.grouping} of no process")
    return rows


def chosen(rows: list[Row], plan: Plan, notes: list[str]) -> list[Row]:
    """Keep the rows that --min and --top leave; a note says of how many --min cannot tell."""
    request = plan.request
    if request.least is not None:
        weight = plan.weight if plan.weighed is not None and plan.weighed.kind == "bytes" else request.view.weight
        known, left_out = with_known(rows, weight)
        rows = [row for row, size in known if size >= request.least]
        notes += [f"{weight} is not known of {left_out} rows, which --min leaves out"] if left_out else []
    if request.top is not None:
        largest = sorted(range(len(rows)), key=lambda i: sort_key([rows[i][plan.weight]]), reverse=True)
        rows = [rows[i] for i in sorted(largest[: request.top])]
    return rows


def with_known(rows: Sequence[Row], key: str) -> tuple[list[tuple[Row, int]], int]:
    """Give the rows of which a figure is known, each with that, and the number of the others."""
    found = [(row, value) for row in rows if isinstance(value := row[key], int)]
    return found, len(rows) - len(found)


def in_order(plan: Plan) -> Callable[[Row], Any]:
    """Make the key that sorts rows as smem does: ties by the cells that are shown, from left to right."""
    keys = plan.order
    return lambda row: sort_key(row[key] for key in keys)


def sort_key(values: Iterable[Value]) -> list[tuple[int, Value]]:
    """Make mixed, possibly unknown values comparable: unknown comes first, then numbers, then text."""
    return [(0, 0) if value is None else (2 if isinstance(value, str) else 1, value) for value in values]


def _notes(sample: Sample, request: Request) -> list[str]:
    notes = []
    processes = sample.processes
    if cut_short := sum(process.is_cut_short for process in processes):
        notes.append(f"the smaps of {cut_short} processes is cut short: their last mapping is left out")
    if not sample.has_pss:
        notes.append("warning: kernel does not appear to support PSS measurement")
    notes += lost_pss(processes)
    if without_smaps := sum(process.is_without_smaps for process in processes):
        without = f"{without_smaps} process{'' if without_smaps == 1 else 'es'}"
        notes.append(f"without smaps: the figures of {without} are those of smaps_rollup")
    elif request.rollup and processes:
        notes.append(_rollup_note(processes))
    return notes


def _rollup_note(processes: Sequence[Process]) -> str:
    rest = sum(process.maps is not None for process in processes)
    if rest == len(processes):
        return "no smaps_rollup here: the figures are those of smaps"
    return (
        "figures from smaps_rollup: PSS is rounded down once, not per mapping, and so a little higher than "
        "without --rollup" + (f" ({rest} processes have no smaps_rollup: theirs are of smaps)" if rest else "")
    )

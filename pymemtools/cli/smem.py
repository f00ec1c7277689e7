"""``pymemtools smem``: memory by process, mapping, user or for the whole system."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    SIZE,
    AbbreviatingCommand,
    check_style,
    exit_status,
    facts_as_json,
    format_option,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.render.columns import (
    Amount,
    Column,
    abbreviated,
    classic_table,
    fitted_widths,
    percent_of,
    plain_kib,
    sort_rows,
    total_of,
)
from pymemtools.reports import smem as report
from pymemtools.reports.processes import Sample, Wanted, read_processes
from pymemtools.reports.system_memory import system_rows
from pymemtools.sources.base import Source


def _amount(field: str, title: str, help: str, columns: int = 8) -> Column:
    return Column(field, title, help, "amount", columns, "sum")


_FIGURES = (
    _amount("swap", "Swap", "memory swapped out"),
    _amount("uss", "USS", "unique set size: pages that only this one has"),
    _amount("rss", "RSS", "resident set size: all pages in RAM, shared ones included"),
    _amount("pss", "PSS", "proportional set size: shared pages divided by their users"),
    _amount("vss", "VSS", "virtual set size: all that is mapped"),
)
_EXTRA = (
    _amount("swappss", "SwapPSS", "proportional share of swap"),
    _amount("tpss", "TPSS", "PSS and SwapPSS together"),
    _amount("pss_anon", "PSSAnon", "PSS of anonymous memory (from smaps_rollup)"),
    _amount("pss_file", "PSSFile", "PSS of file pages (from smaps_rollup)"),
    _amount("pss_shmem", "PSSShmem", "PSS of shared memory and tmpfs (from smaps_rollup)"),
    _amount("pss_dirty", "PSSDirty", "dirty part of PSS (Linux 6.0 and later)"),
    _amount("anon", "Anon", "anonymous memory in RAM"),
    _amount("shmem", "Shmem", "resident shared memory and tmpfs (from status)"),
    _amount("hugetlb", "Hugetlb", "hugetlbfs pages, which RSS and USS leave out"),
    _amount("thp", "THP", "memory in transparent huge pages"),
    _amount("ksm", "KSM", "memory merged by KSM"),
    _amount("locked", "Locked", "memory locked by mlock"),
)
PROCESS_COLUMNS = (
    Column("pid", "PID", "process number", "count", 5, "rows"),
    Column("user", "User", "owner", "text", 8, "distinct", right=False),
    Column("name", "Name", "the kernel's name of the process", "text", 24, right=False, cut=True),
    Column("command", "Command", "command line", "text", 27, right=False, cut=True),
    Column("maps", "Maps", "number of mappings", "count", 5, "sum"),
    *_FIGURES,
    *_EXTRA,
    Column("cgroup", "Cgroup", "control group", "text", 24, right=False),
    Column("unit", "Unit", "systemd unit", "text", 20, right=False),
    Column("oom_score", "OOM", "oom_score: the larger, the sooner killed", "count", 5),
)
MAPPING_COLUMNS = (
    Column("map", "Map", "file or kind of memory", "text", 40, "rows", right=False, cut=True),
    Column("count", "Count", "number of mappings", "count", 5, "sum"),
    Column("pids", "PIDs", "number of processes that map it", "count", 5, "sum"),
    *_FIGURES,
    _amount("avgpss", "AVGPSS", "PSS per process"),
    _amount("avguss", "AVGUSS", "USS per process"),
    _amount("avgrss", "AVGRSS", "RSS per process"),
    *(column for column in _EXTRA if column.field in report.MappingRow._fields),
)
USER_COLUMNS = (
    Column("user", "User", "owner", "text", 8, right=False),
    Column("count", "Count", "number of processes", "count", 5, "sum"),
    *_FIGURES,
    *_EXTRA,
)
SYSTEM_COLUMNS = (
    Column("order", "Order", "place in the list", "count", 1),
    Column("area", "Area", "part of memory", "text", 24, right=False),
    _amount("used", "Used", "memory in use", 10),
    _amount("cache", "Cache", "the part of it that is cache", 10),
    _amount("noncache", "Noncache", "the part of it that is not", 10),
)


class View(NamedTuple):
    """One of the reports: its columns, which are shown, and what it is sorted by."""

    columns: tuple[Column, ...]
    shown: tuple[str, ...]
    sort: str


VIEWS = {
    "process": View(PROCESS_COLUMNS, ("pid", "user", "command", "swap", "uss", "pss", "rss"), "pss"),
    "mappings": View(MAPPING_COLUMNS, ("map", "pids", "avgpss", "pss"), "pss"),
    "users": View(USER_COLUMNS, ("user", "count", "swap", "uss", "pss", "rss"), "pss"),
    "system": View(SYSTEM_COLUMNS, ("area", "used", "cache", "noncache"), "order"),
}


@click.command("smem", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-m", "--mappings", "view", flag_value="mappings", help="Report by mapping.")
@click.option("-u", "--users", "users", is_flag=True, help="Report by user.")
@click.option("-w", "--system", "system", is_flag=True, help="Report on the whole system.")
@click.option("-P", "--processfilter", metavar="REGEX", help="Only processes whose name or command matches.")
@click.option("-M", "--mapfilter", metavar="REGEX", help="Only mappings whose name matches.")
@click.option("-U", "--userfilter", metavar="REGEX", help="Only processes of users whose name matches.")
@click.option("-c", "--columns", metavar="LIST", help="Columns to show; +NAME adds to the usual ones, all shows all.")
@click.option("-s", "--sort", metavar="COLUMN", help="Column to sort by.")
@click.option("-r", "--reverse", is_flag=True, help="Sort the other way round.")
@click.option("-H", "--no-header", is_flag=True, help="Leave the header out.")
@click.option("-t", "--totals", is_flag=True, help="Add a line of totals.")
@click.option("-a", "--autosize", is_flag=True, help="Fit columns to their content and the terminal.")
@click.option("-n", "--numeric", is_flag=True, help="Show uids instead of user names.")
@click.option("-p", "--percent", is_flag=True, help="Show amounts in percent of memory (swap: of swap space).")
@click.option("-k", "--abbreviate", is_flag=True, help="Show amounts with units.")
@click.option("-R", "--realmem", metavar="SIZE", help="Memory fitted in the machine, with a unit, for -w and -p.")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Report memory by process (default), mapping, user or for the whole system.

    PSS divides shared pages by the number of their users, so that the column adds up to the memory really used.
    """
    check_style(options["style"])
    view_name = options["view"] or ("users" if options["users"] else "system" if options["system"] else "process")
    view = VIEWS[view_name]
    request = _request(view, options)
    source = open_from(ctx, options["source"], partial=options["partial"], max_size=options["max_size"])
    if view_name == "system":
        meminfo = parse_meminfo(source.read("meminfo"))
        rows: list[Any] = list(system_rows(meminfo, real=request.real))
        sample = None
    else:
        sample = read_processes(source, request.wanted(view_name))
        _warn(sample, source)
        rows = _rows(view_name, sample, request)
    _show(ctx, view_name, rows, request, source, sample, options)
    return exit_status(ctx)


class Request(NamedTuple):
    """What the user asked for, checked."""

    view: View
    shown: tuple[Column, ...]
    sort: str
    is_sort_chosen: bool
    numeric: bool
    real: int | None
    process: re.Pattern[str] | None
    mapping: re.Pattern[str] | None
    user: re.Pattern[str] | None
    machine: bool

    def fields(self) -> list[str]:
        """Name the fields that must be known: all for programs, else those shown and the one sorted by."""
        if self.machine:
            return [column.field for column in self.view.columns]
        return [*(column.field for column in self.shown), self.sort]

    def wanted(self, view_name: str) -> Wanted:
        """Say what to read of each process."""
        fields = self.fields()
        kernel = {key for field in fields for key in report.FIGURES.get(field, ())}
        return Wanted(
            report.smaps_keys(fields),
            by_name=view_name == "mappings",
            split=bool(kernel & report.SPLIT),
            status=bool(kernel & report.FROM_STATUS),
            cgroup="cgroup" in fields or "unit" in fields,
            oom_score="oom_score" in fields,
            process=self.process,
            mapping=self.mapping,
            user=self.user,
        )


def _request(view: View, options: dict[str, Any]) -> Request:
    by_field = {column.field: column for column in view.columns}
    names = (options["columns"] or "").replace(",", " ").split()
    shown = _shown(view, names)
    sort = options["sort"] or view.sort
    unknown = [name for name in (*shown, sort) if name not in by_field]
    if unknown:
        raise UsageProblem(f"smem: unknown column {unknown[0]}; known: {' '.join(sorted(by_field))}")
    return Request(
        view,
        tuple(by_field[name] for name in shown),
        sort,
        bool(options["sort"]),
        options["numeric"],
        _real_memory(options["realmem"]),
        _regex(options["processfilter"]),
        _regex(options["mapfilter"]),
        _regex(options["userfilter"]),
        options["style"] != "text",
    )


def _shown(view: View, names: Sequence[str]) -> list[str]:
    if not names:
        return list(view.shown)
    plain = [name for name in names if not name.startswith("+")]
    shown = list(plain or view.shown)
    if "all" in shown:
        shown = [column.field for column in view.columns]
    return shown + [name[1:] for name in names if name.startswith("+") and name[1:] not in shown]


def _regex(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageProblem(f"smem: bad regular expression '{pattern}': {error}") from None


def _real_memory(text: str | None) -> int | None:
    if text is None:
        return None
    if text[-1:].isdigit():
        raise UsageProblem("smem: memory size should be written with units, for example 1024M")
    size: int = SIZE.convert(text, None, None)
    return size


def _rows(view_name: str, sample: Sample, request: Request) -> list[Any]:
    if view_name == "mappings":
        rows: list[Any] = list(report.mapping_rows(sample.processes, report.smaps_keys(request.fields())))
    elif view_name == "users":
        rows = list(report.user_rows(sample.processes, numeric=request.numeric))
    else:
        rows = list(report.process_rows(sample.processes, numeric=request.numeric))
    return rows


def _warn(sample: Sample, source: Source) -> None:
    if sample.unreadable:
        say(
            f"{sample.unreadable} of {sample.seen} processes could not be read ({sample.reason})"
            + ("; run as root for all" if source.is_live else "")
        )
    if sample.cut_short:
        say(f"the smaps of {sample.cut_short} processes is cut short: their last mapping is left out")
    if not sample.has_pss:
        say("warning: kernel does not appear to support PSS measurement")


def _show(
    ctx: click.Context,
    view_name: str,
    rows: list[Any],
    request: Request,
    source: Source,
    sample: Sample | None,
    options: dict[str, Any],
) -> None:
    sort = request.sort
    if sample is not None and not sample.has_pss and not request.is_sort_chosen:
        sort = "rss"
    cells = [column.field for column in request.shown]
    sort_rows(
        rows,
        lambda row: (getattr(row, sort), *(getattr(row, field) for field in cells)),
        reverse=options["reverse"],
    )
    if options["style"] != "text":
        from pymemtools.render.machine import machine_lines

        columns = request.view.columns
        totals = {
            column.field: total_of(column, [getattr(row, column.field) for row in rows])
            for column in columns
            if column.total == "sum"
        }
        write_lines(
            machine_lines(
                options["style"],
                "smem",
                [row._asdict() for row in rows],
                fields=[column.field for column in (request.shown if options["columns"] else columns)],
                source=facts_as_json(source.facts),
                totals=totals,
                unreadable=sample.unreadable if sample else 0,
            )
        )
        return
    amount = _amount_format(source, request, options)
    table = [[getattr(row, field) for field in cells] for row in rows]
    widths = None
    if options["autosize"]:
        widths = fitted_widths(
            request.shown, table, amount, header=not options["no_header"], terminal=_terminal_columns()
        )
    write_lines(
        classic_table(
            request.shown,
            table,
            amount=amount,
            header=not options["no_header"],
            totals=options["totals"],
            widths=widths,
        )
    )


def _amount_format(source: Source, request: Request, options: dict[str, Any]) -> Amount:
    if options["abbreviate"]:
        return abbreviated
    if not options["percent"]:
        return plain_kib
    try:
        meminfo = parse_meminfo(source.read("meminfo"))
    except MemtoolsError:
        meminfo = {}
    whole = request.real or meminfo.get("MemTotal")
    swap = meminfo.get("SwapTotal")
    return percent_of(lambda column: swap if column.field in ("swap", "swappss") else whole)


def _terminal_columns() -> int:
    import shutil

    return max(40, shutil.get_terminal_size((80, 24)).columns)

"""``pymemtools groups``: the tree of memory groups, what each holds, and how near it is to a limit."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer, offer_groups, offer_in_list
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.terminal import terminal_columns
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.errors import UsageProblem
from pymemtools.render.escape import cut
from pymemtools.report import Report
from pymemtools.reports.groups.columns import COLUMNS, SHOWN
from pymemtools.reports.groups.report import Groups, GroupsRequest, column_of, groups_report

_KEYS = tuple(column.key for column in COLUMNS)


@click.command("groups", cls=AbbreviatingCommand)
@click.argument("path", required=False, metavar="[PATH]", shell_complete=offer_groups)
@click.option("--all", "everything", is_flag=True, help="Show groups without processes and without memory, too.")
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help="Only the N largest that hold something themselves."
)
@click.option("-s", "--sort", metavar="COLUMN", shell_complete=offer(*_KEYS), help="Column to sort by. [current]")
@click.option("-r", "--reverse", is_flag=True, help="Sort the other way round.")
@click.option(
    "-c",
    "--columns",
    metavar="LIST",
    shell_complete=offer_in_list(lambda ctx: ("all", *_KEYS)),
    help="Columns to show; +NAME adds to the usual ones, all shows all.",
)
@click.option("--no-pss", is_flag=True, help="Read no smaps_rollup, which takes longest, so show no PSS.")
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show memory groups: what is charged to each, its limits, and what its processes have mapped.

    PATH, a path, the name of a unit or . for our own, shows one group with all figures, and those in it.
    """
    request = _checked(options)
    source = open_from(ctx, options["source"])
    for sample in watched("groups", source, options):
        report = groups_report(source, request)
        note_incomplete(ctx, report)
        if options["strict"] and report.answer.refused:
            ctx.meta["incomplete"] = True
        show(report, options["style"], _text, sample=sample)
    return exit_status(ctx)


def _checked(options: Mapping[str, Any]) -> GroupsRequest:
    """Turn the options into what they ask for. Raises UsageProblem."""
    check_style(options["style"])
    check_watch("groups", options)
    if options["path"] == "":
        raise UsageProblem("groups: the name of the group is empty")
    columns = _columns(options["columns"], ("cgroup", *SHOWN)) if options["columns"] else None
    return GroupsRequest(
        options["path"],
        with_pss=not options["no_pss"],
        shows_all=options["everything"],
        top=options["top"],
        sort=column_of(options["sort"] or "current").key,
        is_reversed=options["reverse"],
        columns=columns,
    )


def _columns(text: str, shown: tuple[str, ...]) -> tuple[str, ...]:
    """Read a list of columns: names; ``+name`` adds to the usual ones; ``all``."""
    names = text.replace(",", " ").split()
    plain = [name for name in names if not name.startswith("+")] or list(shown)
    keys = [key for name in plain for key in (_KEYS if name == "all" else (column_of(name).key,))]
    return tuple(dict.fromkeys([*keys, *(column_of(name[1:]).key for name in names if name.startswith("+"))]))


def _text(report: Report) -> Iterable[str]:
    """Lay out the tree; of a group that was asked for first all its figures. On a terminal no wider than that."""
    from pymemtools.render.group_tree import detail_lines, said_lines, tree_lines

    found: Groups = report.answer
    keys = found.request.columns or tuple(key for key in SHOWN if found.request.with_pss or key != "pss")
    columns = [column for key in keys for column in COLUMNS if column.key == key]
    is_one = found.request.path is not None and found.request.columns is None and found.request.top is None
    lines = [*detail_lines(found.rows[0])] if is_one else []
    if not is_one or len(found.rows) > 1:
        lines += ["", *tree_lines(found, columns)] if is_one else tree_lines(found, columns)
    if sys.stdout.isatty():
        wide = terminal_columns(sys.stdout, least=80)
        lines = [cut(line, wide) for line in lines]
    return [*lines, *said_lines(found)]

"""``pymemtools what-if dirty``: when does a writer have to wait, and when is its data safe?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli.options import SIZE
from pymemtools.cli.terminal import terminal_columns
from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.rate import RATE
from pymemtools.cli.what_if.tables import size, table
from pymemtools.errors import Missing, UsageProblem
from pymemtools.models.dirty_timeline import Limits, Timeline, Window, Writer, curve, timeline
from pymemtools.models.release import since
from pymemtools.models.writeback import Thresholds
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import dirty_of, dirtyable_of
from pymemtools.reports.what_if.supposed import DIRTY

if TYPE_CHECKING:
    from pymemtools.render.line_plot import Plot

_RULE = "thresholds are a share of free and file pages (mm/page-writeback.c, domain_dirty_limits())"
_RULE_OF_TIMES = (
    "writers pause above half way between the thresholds, so that dirty memory rests below the upper one "
    "(mm/page-writeback.c, balance_dirty_pages(), since Linux 3.2); on 4.4 and 6.8 each event was within its window"
)
_EVENTS = {
    "background_starts": "background writeback starts",
    "first_writeback": "first bytes reach the disk",
    "throttled_from": "the writer has to wait",
    "write_ends": "write() has returned",
    "data_safe": "all data is on the disk",
}


@question("dirty", DIRTY, zones=True)
@click.option("--write", type=RATE, required=True, metavar="RATE", help="How fast a program writes: 20M, or max.")
@click.option("--disk", type=RATE, required=True, metavar="RATE", help="How fast the disk takes it, each second.")
@click.option("--file", type=SIZE, metavar="SIZE", help="How much it writes; without, it never ends.")
@click.option("-o", "--output", metavar="FILE.svg", help="Write the plot to a file.")
@click.option("--force", is_flag=True, help="Replace the file of -o when there is one.")
@click.option("--ascii", "is_ascii", is_flag=True, help="Draw with ASCII characters.")
def command(
    asked: Asked, *, write: float, disk: float, file: int | None, output: str | None, force: bool, is_ascii: bool
) -> Answer:
    """Show the dirty thresholds, and what a program that writes sees over time."""
    if disk == float("inf"):
        raise UsageProblem("what-if dirty: --disk: no disk takes data as fast as memory does")
    if output is not None and not output.endswith(".svg"):
        raise UsageProblem(f"what-if dirty: {output}: the plot is .svg")
    machine = asked.machine
    marks, memory = dirty_of(machine), dirtyable_of(machine)
    if marks is None or memory is None:
        needed = ("MemTotal", "MemFree", "Active(file)", "Inactive(file)")
        names = ", ".join(key for key in needed if key not in machine.meminfo)
        raise Missing(f"what-if dirty: the source tells too little: meminfo has no {names}")
    limits = _limits(machine, marks)
    writer = Writer(write, disk, None if file is None else float(file))
    found = timeline(writer, limits)
    plot = _plot(writer, limits, found)
    if output is not None:
        from pymemtools.cli.new_file import write_new_file
        from pymemtools.render.line_plot import plot_svg

        write_new_file(output, "".join(f"{line}\n" for line in plot_svg(plot)).encode(), force=force)
    rows = [*_events(found), *_amounts(machine, marks, found)]
    notes = [*machine.notes]
    if not since(machine.version, (3, 2)):
        notes.append("before Linux 3.2 writers did the writing themselves: the times are of later kernels")
    is_ascii = is_ascii or not (sys.stdout.encoding or "").lower().startswith("utf")
    return Answer(list(_lines(rows, memory * machine.page_size, plot, is_ascii=is_ascii)), rows, notes)


def _limits(machine: Machine, marks: Thresholds) -> Limits:
    expire, wakeup = (machine.setting(f"vm.dirty_{name}_centisecs") for name in ("expire", "writeback"))
    page = machine.page_size
    return Limits(marks.dirty * page, marks.background * page, (expire or 0) / 100, (wakeup or 0) / 100)


def _events(found: Timeline) -> list[dict[str, Any]]:
    """Give the events that will be, in the order of their first moments."""
    windows = {key: getattr(found, key) for key in _EVENTS}
    rows = [_row(key, _EVENTS[key], "s", window) for key, window in windows.items() if window is not None]
    return sorted(rows, key=lambda row: (row["least"], row["most"]))


def _amounts(machine: Machine, marks: Thresholds, found: Timeline) -> list[dict[str, Any]]:
    page = machine.page_size
    thresholds = [
        {**_row(key, title, "bytes", Window(pages * page, pages * page)), "rule": _RULE, "error_bound": 0}
        for key, title, pages in (
            ("background_threshold", "background threshold", marks.background),
            ("dirty_threshold", "dirty threshold", marks.dirty),
        )
    ]
    windows = (
        ("peak", "most that is dirty or under writeback", "bytes", found.peak),
        ("write_rate", "rate of the writer in the long run", "bytes/s", found.write_rate),
        ("left_dirty", "left dirty when background writeback stops", "bytes", found.left_dirty),
    )
    return [*thresholds, *(_row(*each) for each in windows if each[3] is not None)]


def _row(key: str, title: str, unit: str, window: Window | None) -> dict[str, Any]:
    least, most = window or (None, None)
    if unit != "s" and least is not None and most is not None:
        least, most = (None if value == float("inf") else round(value) for value in (least, most))
    return {
        "what": key,
        "title": title,
        "unit": unit,
        "least": least,
        "most": most,
        "rule": _RULE_OF_TIMES,
        "error_bound": None if least is None or most is None else most - least,
    }


def _plot(writer: Writer, limits: Limits, found: Timeline) -> Plot:
    from pymemtools.render.line_plot import Plot

    levels = [("background", limits.background), ("dirty threshold", limits.dirty)]
    return Plot("Dirty memory over time", curve(writer, limits, found), levels)


def _lines(rows: list[dict[str, Any]], memory: int, plot: Plot, *, is_ascii: bool) -> Iterator[str]:
    from pymemtools.render.line_plot import plot_lines

    yield f"Thresholds are a share of {size(memory)} of dirtyable memory."
    yield ""
    yield from table(("", "from", "to"), [(row["title"], *_ends(row)) for row in rows])
    yield ""
    yield from plot_lines(plot, terminal_columns(sys.stdout, least=60), is_ascii=is_ascii)


def _ends(row: dict[str, Any]) -> tuple[str, str]:
    if row["unit"] == "s":
        return f"{row['least']:.1f} s", f"{row['most']:.1f} s"
    ends = [size(row[key], "as fast as memory") for key in ("least", "most")]
    per = "/s" if row["unit"] == "bytes/s" and row["least"] is not None else ""
    return f"{ends[0]}{per}", "" if ends[0] == ends[1] else f"{ends[1]}{per}"

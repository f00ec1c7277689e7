"""``pymemtools what-if pss``: what is a process's proportional share of memory?"""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.options import SIZE
from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import size, table
from pymemtools.errors import UsageProblem
from pymemtools.models.pss import Shared, exact_pss, sizes
from pymemtools.units import KIB

_RULE = (
    "each page counts as its size by the number of processes that map it, cut off at 1/4096 byte "
    "(fs/proc/task_mmu.c, smaps_account())"
)
_EXAMPLE = (100 * KIB, (Shared(200 * KIB, 2), Shared(150 * KIB, 3)))


class SharedType(click.ParamType):  # type: ignore[type-arg, unused-ignore] # click before 8.4 has no generic one
    """A size and how many processes share it, as ``200K:2``."""

    name = "shared"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shared:
        if isinstance(value, Shared):
            return value
        amount, _, processes = str(value).partition(":")
        if not (processes.isascii() and processes.isdigit() and len(processes) < 8 and int(processes)):
            self.fail(f"{value!r}: write SIZE:N, for example 200K:2, where N processes share it", param, ctx)
        return Shared(SIZE.convert(amount, param, ctx), int(processes))


SHARED = SharedType()


@question("pss")
@click.option("--private", type=SIZE, metavar="SIZE", help="Memory that the process has alone.")
@click.option("--shared", type=SHARED, multiple=True, metavar="SIZE:N", help="Memory that N processes share, with it.")
def command(asked: Asked, *, private: int | None, shared: tuple[Shared, ...]) -> Answer:
    """Work out RSS, PSS and USS of a process; without options, of the example in the kernel's documentation."""
    page = asked.machine.page_size
    is_example = private is None and not shared
    if is_example:
        private, shared = _EXAMPLE
    parts = [("private", private or 0, 1)] * bool(private) + [("shared", *each) for each in shared if each.size]
    if not parts:
        raise UsageProblem("what-if pss: no memory has no shares")
    exact, shown = exact_pss(private or 0, shared), sizes(private or 0, shared, page)
    is_whole = not any(amount % page for _, amount, _ in parts)
    rows = [
        {
            "part": part,
            "size": amount,
            "processes": processes,
            "share": amount / processes,
            "rule": _RULE,
            "error_bound": 0 if amount % page == 0 else page,
        }
        for part, amount, processes in parts
    ]
    totals = {"rss": shown.rss, "pss": exact, "uss": shown.uss, "pss_by_the_kernel": shown.pss if is_whole else None}
    cells = [(part, size(amount), processes, size(round(amount / processes))) for part, amount, processes in parts]
    lines = [
        *table(("part", "size", "processes", "counts"), cells),
        "",
        f"RSS {size(shown.rss)}, PSS {size(round(exact))}, USS {size(shown.uss)}.",
    ]
    notes = [*asked.machine.notes]
    if is_whole:
        lines.append(f"The kernel would print Rss {shown.rss // KIB} kB and Pss {shown.pss // KIB} kB.")
    elif not is_example:
        notes.append(f"the kernel counts whole pages, here of {size(page)}: no process has just that much")
    return Answer(lines, rows, notes, totals)

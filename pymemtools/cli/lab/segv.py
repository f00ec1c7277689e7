"""``pymemtools lab segv``: bad accesses, and what the kernel says of them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.offers import offer
from pymemtools.lab.segv import EXPERIMENT
from pymemtools.report import Report
from pymemtools.reports.lab.segv import CASES, SegvRequest


def _lines(report: Report) -> Iterator[str]:
    yield "MAPERR: nothing is mapped there; ACCERR: something is, that does not allow it. Of its own memory the kernel"
    yield "says the first, whatever is there; and nothing, not even an address, of what is no address."
    if not (report.totals or {})["is_known"]:
        yield f"What else a kernel of {(report.totals or {})['machine']} must tell is not known here."


@experiment(EXPERIMENT, text=_lines)
@click.argument("cases", nargs=-1, type=click.Choice(list(CASES)), metavar="[CASE]...", shell_complete=offer(*CASES))
def command(*, cases: tuple[str, ...]) -> SegvRequest:
    """Access memory as one must not, and see signal, code and address that the kernel tells. Without CASE: all."""
    return SegvRequest(cases)

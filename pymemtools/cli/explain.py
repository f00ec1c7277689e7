"""``--explain``: below a report, what its columns mean, and the rules behind its figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pymemtools.cli.terminal import on_page
from pymemtools.report import Column, Report

if TYPE_CHECKING:
    from pymemtools.reports.formulas import Formula
    from pymemtools.sources.base import Source

Formulas = Callable[[Report], Iterable["Formula"]]
_F = TypeVar("_F", bound=Callable[..., Any])
_KEY = "pymemtools.explain"
_TOP = 60  # lines: a header is not below


def explain_option(function: _F) -> _F:
    """Add --explain, of which the one place that prints reports must know."""
    return click.option(
        "--explain",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Say below what the columns mean, and where figures come from.",
    )(function)


def _remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_KEY] = value


def is_explained() -> bool:
    """Tell whether --explain was given."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.meta.get(_KEY))


def of_one_moment(source: Source) -> Source:
    """Let what is explained rest on the very files that the report was made of."""
    if not is_explained():
        return source
    from pymemtools.readings.once import Once
    from pymemtools.readings.wants import Wants

    return Once(source, Wants())


def no_more() -> None:
    """Explain once, however many reports follow."""
    click.get_current_context().meta[_KEY] = False


def explained(report: Report, lines: Iterable[str], formulas: Formulas | None) -> Iterator[str]:
    """Give the lines of a report, and what explains it."""
    rest = iter(lines)
    top = list(islice(rest, _TOP))
    yield from chain(top, rest)
    rows = list(_meanings(list(_columns(report)), "\n".join(top)))
    widest = max((len(name) for name, _ in rows), default=0)
    yield ""
    yield from on_page(f"{name:<{widest}}  {meaning}" for name, meaning in rows)
    for formula in formulas(report) if formulas else ():
        yield ""
        yield from on_page((*formula.lines, f"  ({formula.source})"))


def _columns(report: Report) -> Iterator[Column]:
    """Give the columns that a page may have; where two have one title, text has that of the tables within."""
    taken = {column.title for column in report.within}
    yield from report.within
    yield from (column for column in report.table.columns if column.title not in taken)


def _meanings(columns: Sequence[Column], page: str) -> Iterator[tuple[str, str]]:
    """Explain the columns whose titles are on the page, in its order; all, by key, of one that has none of them."""
    placed = [(_place(page, column.title), column) for column in columns if column.title]
    shown = sorted(((place, column) for place, column in placed if place >= 0), key=itemgetter(0))
    if shown:
        yield from ((column.title, column.help) for _, column in shown)
    else:
        yield from ((column.key, column.help) for column in columns)


def _place(page: str, title: str) -> int:
    """Tell where a title is on the page, best of all between blanks as in a header; -1 for one that is not there."""
    for before, behind in ((r"(?<![^\n])|(?<=  )", r"(?=  |\n)"), (r"(?<![\w/-])", r"(?![\w/-])")):
        if found := re.search(f"(?:{before}){re.escape(title)}{behind}", page):
            return found.start()
    return -1

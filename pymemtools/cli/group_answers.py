"""The options that say which memory group asks, and the words for its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from pymemtools.cli.offers import offer_groups, offer_pids
from pymemtools.cli.what_if.tables import size, table
from pymemtools.reports.memory_groups.room import MAY_NOT_FIT, OOM, THROTTLED, WAITS, Bound, Ruling

_F = TypeVar("_F", bound=Callable[..., Any])

pid_option = click.option(
    "--pid", type=click.IntRange(min=1), metavar="P", shell_complete=offer_pids, help="Process P asks."
)
group_option = click.option(
    "--group",
    metavar="PATH",
    shell_complete=offer_groups,
    help="A process of this memory group asks: a path or a unit.",
)


def ruled_text(ruled: Ruling, missing: int, kills: str) -> str:
    """Say what comes of an amount that a limit on the way up does not surely let pass, as the end of a sentence."""
    decided, fatal = ruled.decided, ruled.fatal
    if decided is None:
        return ""
    group = f"the memory group {decided.path} ({decided.file} {size(decided.limit)})"
    if ruled.outcome == OOM:
        return f"{group} is out of memory with {size(missing)} missing{kills}"
    if ruled.outcome == WAITS:
        return (
            f"{group} is out of memory with {size(missing)} missing, and, as its OOM killer is off, it waits for ever"
        )
    if ruled.outcome == MAY_NOT_FIT:
        return f"it may end in OOM of {group}{kills}"
    slow = "is" if ruled.outcome == THROTTLED else "may be"
    text = f"it {slow} slowed down by {group}, beyond {size(decided.most)}"
    if fatal is None:
        return text
    return f"{text}, and if it goes on, it may end in OOM of {fatal.path} ({fatal.file} {size(fatal.limit)}){kills}"


def limit_lines(found: Sequence[Bound]) -> Iterator[str]:
    """Lay out the limits on the way up, innermost first; nothing where there are none."""
    if not found:
        return
    cells = [
        (bound.file, size(bound.limit), size(bound.usage), size(bound.least), size(bound.most), bound.path)
        for bound in found
    ]
    yield ""
    yield from table(("limit", "set to", "used", "surely there", "at most", "group"), cells, left=(0, 5))

"""The words for what the limits of memory groups make of an amount, and their table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.cli.what_if.tables import size, table
from pymemtools.reports.memory_groups.room import MAY_NOT_FIT, OOM, THROTTLED, WAITS, Bound, Ruling


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

"""The text of ``selftest``: a line a check, what does not hold or cannot be told and why, and the sum; in KiB."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.render.escape import escape
from pymemtools.render.fit import wrapped
from pymemtools.reports.selftest.cases import Verdict
from pymemtools.reports.selftest.report import Trust

_WIDTH = 79
_WORDS = {True: "yes", False: "NO", None: "-"}


def verdict_lines(trust: Trust) -> list[str]:
    """Lay all out within 79 columns."""
    lines = [f"{'Check':<16} {'Holds':<5} {'Expected':>15} {'Seen':>15} {'Unit':<5} {'Compared':>8}"]
    lines += map(_line, trust.verdicts)
    lines.append("")
    for verdict in trust.verdicts:
        lines += _explained(verdict)
    return [*lines, _sum(trust)]


def _line(verdict: Verdict) -> str:
    unit = "KiB" if verdict.unit == "bytes" else verdict.unit
    expected, seen = (_amount(verdict, each) for each in (verdict.expected, verdict.seen))
    return f"{verdict.check:<16} {_WORDS[verdict.holds]:<5} {expected:>15} {seen:>15} {unit:<5} {verdict.compared:>8}"


def _amount(verdict: Verdict, figure: int | None) -> str:
    if figure is None:
        return "-"
    return str(figure // 1024 if verdict.unit == "bytes" else figure)


def _explained(verdict: Verdict) -> Iterator[str]:
    """Say what is to be said of a check below the table."""
    if verdict.holds is False:
        yield from _paragraph(f"{verdict.check} does not hold: {verdict.reason}")
        yield from _paragraph(f"  {verdict.what} ({verdict.rule})")
    elif verdict.holds is None:
        yield from _paragraph(f"{verdict.check} cannot be told: {verdict.reason}")
    elif verdict.reason is not None:
        yield from _paragraph(f"{verdict.check}: {verdict.reason}")


def _paragraph(text: str) -> list[str]:
    return wrapped(escape(text), _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _sum(trust: Trust) -> str:
    held, failed, unknown = (trust.count(holds) for holds in (True, False, None))
    parts = [f"{held} of {len(trust.verdicts)} hold"]
    if failed:
        parts.append(f"{failed} does not" if failed == 1 else f"{failed} do not")
    if unknown:
        parts.append(f"{unknown} cannot be told here")
    return ", ".join(parts)

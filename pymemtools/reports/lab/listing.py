"""Which experiments there are, and whether they can run here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pymemtools.report import Column, Report, table_of

COLUMNS = (
    Column("experiment", "Experiment", "its name", "text", 14, right=False),
    Column("shows", "Shows", "what it lets happen", "text", 56, right=False),
    Column("can_run", "Runs", "whether it can run here", "bool", 4),
    Column("obstacle", "Why not", "what it lacks here", "text", right=False),
)


class Listed(NamedTuple):
    """One experiment; no obstacle is None."""

    experiment: str
    shows: str
    can_run: bool
    obstacle: str | None


def listing(found: Iterable[Listed], facts: Mapping[str, Any]) -> Report:
    """List experiments."""
    found = list(found)
    return Report("lab", table_of(COLUMNS, found), found, None, facts)

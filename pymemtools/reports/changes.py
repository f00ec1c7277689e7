"""What changed between two samples: rows that are new, gone, grown or shrunk."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple

Row = Mapping[str, Any]


class Change(NamedTuple):
    """One row that changed; amounts in the field's unit, None where there was no such row."""

    kind: str  # "new", "gone", "grown" or "shrunk"
    before: Row | None
    after: Row | None
    field: str

    @property
    def row(self) -> Row:
        """Give the row as it is now, or as it was last."""
        row = self.after if self.after is not None else self.before
        assert row is not None  # noqa: S101 (a change has at least one side)
        return row

    def delta(self, field: str | None = None) -> int | None:
        """Give the growth of a field, by default of the one compared; a missing row counts as 0."""
        name = field or self.field
        old = 0 if self.before is None else self.before[name]
        new = 0 if self.after is None else self.after[name]
        return None if old is None or new is None else new - old


class Changes(NamedTuple):
    """The rows that changed, and how many could not be told."""

    rows: list[Change]
    unknown: int


def changes(before: Iterable[Row], after: Iterable[Row], *, key: Callable[[Row], Hashable], field: str) -> Changes:
    """Compare two samples by one numeric field; rows of the same ``key`` are the same thing.

    A row without a value for the field on one side is counted as unknown and left out.
    """
    old, new = {key(row): row for row in before}, {key(row): row for row in after}
    found: list[Change] = []
    unknown = 0
    for identity in old | new:
        change = Change("", old.get(identity), new.get(identity), field)
        delta = change.delta()
        if delta is None:
            unknown += 1
            continue
        if change.before is None:
            kind = "new"
        elif change.after is None:
            kind = "gone"
        else:
            kind = "grown" if delta > 0 else "shrunk"
        if delta or kind in ("new", "gone"):
            found.append(change._replace(kind=kind))
    return Changes(found, unknown)

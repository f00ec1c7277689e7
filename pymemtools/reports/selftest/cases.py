"""One check, what looks at it show, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.reports.selftest.compared import Check, Compared
from pymemtools.reports.selftest.evidence import Evidence

_LEAST = 3  # looks that it takes to call a difference one that stays
MOVED = "moved while it was read"


class Verdict(NamedTuple):
    """One check's outcome; expected and seen in its unit."""

    check: str
    holds: bool | None
    expected: int | None
    seen: int | None
    unit: str
    compared: int
    what: str
    rule: str
    reason: str | None


class Case:
    """One check, and all that was seen of each of its subjects."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.seen: dict[str, list[Compared]] = {}
        self.untold: str | None = None

    def look(self, evidence: Evidence) -> None:
        """Compare once more."""
        doubt = evidence.machine.doubt if self.check.mixes else None
        try:
            for pair in self.check.compare(evidence):
                if doubt:
                    pair = pair._replace(excuse=doubt)
                self.seen.setdefault(pair.subject, []).append(pair)
        except MemtoolsError as error:
            self.untold = self.untold or str(error)

    @property
    def doubtful(self) -> list[Compared]:
        """Give the latest look at each subject that was not alike in any."""
        return [looks[-1] for looks in self.seen.values() if not any(pair.holds for pair in looks)]


def verdict_of(case: Case, *, is_live: bool) -> Verdict:
    """Decide: one subject that is not alike is enough to fail, and one that is to hold, if none fails."""
    firsts = (next((pair for pair in looks if pair.holds), None) for looks in case.seen.values())
    alike = [pair for pair in firsts if pair is not None]
    unlike = [looks for looks in case.seen.values() if not any(pair.holds for pair in looks)]
    wrong = [looks for looks in unlike if not looks[-1].excuse and (not is_live or _stays(looks))]
    check = case.check

    def verdict(holds: bool | None, pairs: Sequence[Compared], reason: str | None) -> Verdict:
        expected, seen = (sum(each) if pairs else None for each in _columns(pairs))
        return Verdict(
            check=check.id,
            holds=holds,
            expected=expected,
            seen=seen,
            unit=check.unit,
            compared=len(case.seen),
            what=check.what,
            rule=check.rule,
            reason=reason,
        )

    if wrong:
        others = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        return verdict(False, [wrong[0][-1]], wrong[0][-1].subject + others)
    excuses = [looks[-1].excuse or MOVED for looks in unlike]
    if alike and (not excuses or set(excuses) == {MOVED}):
        return verdict(True, alike, f"{len(unlike)} of {len(case.seen)} {MOVED}" if unlike else None)
    if unlike:
        return verdict(None, [unlike[0][-1]], f"{unlike[0][-1].subject}: {excuses[0]}")
    return verdict(None, [], case.untold or "there is nothing to compare")


def _columns(pairs: Iterable[Compared]) -> tuple[list[int], list[int]]:
    return [pair.expected for pair in pairs], [pair.seen for pair in pairs]


def _stays(looks: Sequence[Compared]) -> bool:
    """Tell whether what is seen was further off, each time, than either figure moved from look to look."""
    if len(looks) < _LEAST:
        return False
    moved = max(max(each) - min(each) for each in _columns(looks))
    return min(pair.off for pair in looks) > moved

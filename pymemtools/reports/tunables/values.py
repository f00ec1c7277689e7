"""Names and values of tunables as people write them: read, and checked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pymemtools.errors import UsageProblem
from pymemtools.models.tunables import TUNABLES, Tunable, canonical, limits, range_in_words
from pymemtools.readings.machine import Machine
from pymemtools.readings.settings import absolute, meant_by, words_of
from pymemtools.reports.tunables.harm import harm
from pymemtools.reports.what_if.supposed import supposed
from pymemtools.sources.base import Source

_NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class Assignment(NamedTuple):
    """A known tunable, and a value that it can take."""

    name: str
    value: str


class Wish(NamedTuple):
    """A ``NAME=VALUE``, where it was written, and whether the others are set even when it cannot be."""

    text: str
    where: str = "tunables set"
    may_fail: bool = False


class Wanted(NamedTuple):
    """What to set, which of these may fail, and why others were left out."""

    assignments: list[Assignment]
    may_fail: frozenset[str] = frozenset()
    left_out: Sequence[str] = ()


def wishes_of(text: bytes, path: str) -> list[Wish]:
    """Read text like sysctl.conf's: comments start with # or ;, and what a - stands before may fail."""
    wishes = []
    for number, line in enumerate(text.decode("utf-8", "surrogateescape").split("\n"), 1):
        line = line.strip()
        if line and line[0] not in "#;":
            wishes.append(Wish(line.removeprefix("-").lstrip(), f"{path}: line {number}", line.startswith("-")))
    return wishes


def checked(wishes: Iterable[Wish], source: Source, machine: Machine, *, force: bool) -> Wanted:
    """Check every wish: the name, the value's form and range, and what all of them would do. Raises UsageProblem."""
    found: dict[Assignment, Wish] = {}
    left_out = []
    for wish in wishes:
        try:
            assignment = _assignment(wish.text, found)
            _check_range(assignment, machine, source, force=force)
        except UsageProblem as error:
            if not wish.may_fail:
                raise UsageProblem(f"{wish.where}: {error}") from None
            left_out.append(f"{wish.where}: {error}")
            continue
        found[assignment] = wish
    if not found and not left_out:
        raise UsageProblem("tunables set: nothing to set; write NAME=VALUE")
    if not force:
        after = supposed(machine, dict(list(found)))  # of the keys, which are pairs
        for (name, value), wish in found.items():
            if reason := harm(name, value, after):
                raise UsageProblem(f"{wish.where}: {name}={value}: {reason} (--force sets it)")
    return Wanted(list(found), frozenset(each.name for each, wish in found.items() if wish.may_fail), left_out)


def assignments(texts: Iterable[str], command: str) -> list[Assignment]:
    """Read every ``NAME=VALUE``, and check its name, form and range; ``command`` is whom an error names."""
    found: list[Assignment] = []
    for text in texts:
        try:
            assignment = _assignment(text, found)
            _check_range(assignment)
        except UsageProblem as error:
            raise UsageProblem(f"{command}: {error}") from None
        found.append(assignment)
    return found


_TITLE = "# Written by pymemtools tunables set --persist."


def drop_in_lines(before: Sequence[str], assignments: Sequence[Assignment]) -> list[str]:
    """Give what a drop-in of sysctl then holds: its lines but for those of the same tunables and twins, and the new.

    Raises UsageProblem for what sysctl would not set, or what would not last.
    """
    for name, _ in assignments:
        if not name.startswith(("vm.", "kernel.")):
            raise UsageProblem("tunables set: --persist writes for sysctl, which does not know what is in /sys")
        if TUNABLES[name].is_action:
            raise UsageProblem(f"tunables set: --persist: {name} is no setting that could last")
    replaced = {name for each, _ in assignments for name in (each, TUNABLES[each].twin)}
    kept = [line for line in before if _name_in(line) not in replaced] or [_TITLE]
    return [*kept, *(f"{name} = {value}" for name, value in assignments)]


def _name_in(line: str) -> str:
    """Give the tunable that a line sets."""
    return canonical(line.partition("=")[0].strip().removeprefix("-").strip())


class File(NamedTuple):
    """What of a live machine to write for an assignment."""

    name: str
    path: str  # absolute
    value: str
    twin: tuple[str, str] | None  # name and path of the setting that this one sets to 0
    is_action: bool  # there is no value to read back, or to put back


def file_of(assignment: Assignment) -> File:
    """Say where an assignment is written."""
    known = TUNABLES[assignment.name]
    twin = (known.twin, absolute(TUNABLES[known.twin].path)) if known.twin else None
    return File(known.name, absolute(known.path), assignment.value, twin, known.is_action)


def is_assignment(text: str) -> bool:
    """Tell whether a text is ``NAME=VALUE`` of a tunable that is known."""
    return "=" in text and canonical(text.partition("=")[0]) in TUNABLES


def _assignment(text: str, others: Iterable[Assignment]) -> Assignment:
    """Read ``NAME=VALUE``. Raises UsageProblem when the name is unknown, or the kernel would misread the value."""
    name, equals, value = text.partition("=")
    name, value = canonical(name.strip()), " ".join(value.split())
    if not equals:
        raise UsageProblem(f"'{text[:60]}': write NAME=VALUE")
    if name not in TUNABLES:
        raise UsageProblem(f"nothing is known of '{name[:60]}', so it is not set{meant_by(name)}")
    known = TUNABLES[name]
    if any(other.name in (name, known.twin) for other in others):
        raise UsageProblem(f"{name} is set twice, or with its twin")
    if not known.choices:
        _check_numbers(known, value)
    return Assignment(name, value)


def _check_numbers(known: Tunable, value: str) -> None:
    numbers = value.split(" ")
    if len(numbers) > 1 and not known.is_list:
        raise UsageProblem(f"{known.name} takes one number, not '{value[:60]}'")
    for number in numbers:
        if not _NUMBER.fullmatch(number):
            raise UsageProblem(f"{known.name} takes a number, not '{number[:60]}'")
        if len(number.lstrip("-")) > 1 and number.lstrip("-").startswith("0"):
            raise UsageProblem(f"{known.name}: '{number}' has a leading zero: the kernel would read octal")


def _check_range(
    assignment: Assignment, machine: Machine | None = None, source: Source | None = None, *, force: bool = False
) -> None:
    """Check a value against what the kernel takes, ``machine``'s if that is given; ``force`` leaves that to it."""
    name, value = assignment
    known = TUNABLES[name]
    if known.choices:
        words = words_of(known, source)
        if value not in words:
            raise UsageProblem(f"{name} takes one of {' '.join(words)}, not '{value[:60]}'")
        return
    count = len(machine.settings.get(name, "").split()) if machine is not None and known.is_list else 0
    if count and count != len(value.split()):
        raise UsageProblem(f"{name} takes {count} numbers here, not '{value}'")
    if force:
        return
    low, high = limits(known, *((machine.version, machine.page_size) if machine is not None else ()))
    for number in map(int, value.split()):
        if number == 0 < low and known.twin:
            raise UsageProblem(f"{name} is 0 by itself while {known.twin} is set; set that instead")
        if not low <= number <= high:
            raise UsageProblem(f"{name} takes {range_in_words(low, high)}, not {number}")

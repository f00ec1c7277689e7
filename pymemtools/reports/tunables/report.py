"""What is each tunable set to, and what does that mean on this machine?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pymemtools.errors import Denied, Missing
from pymemtools.models.tunables import ONLY_WRITTEN, TUNABLES, Tunable, canonical, default_of, limits, range_in_words
from pymemtools.readings.machine import Machine, notes_of, read_machine
from pymemtools.readings.settings import WRITE_ONLY, absolute, names, path_of, value_of
from pymemtools.report import Column, Report, Table, table_of
from pymemtools.reports.tunables.meanings import meaning
from pymemtools.sources.base import Source


class TunableRow(NamedTuple):
    """One tunable as it is set; the values are the kernel's text, in the unit named."""

    tunable: str
    value: str | None  # None where only root may read it, and where nobody can
    unit: str | None
    default: str | None  # a value
    default_rule: str | None  # in words, where the kernel works it out
    is_default: bool | None  # None where one of the two is not known
    meaning: str  # what the value comes to here; empty where it says so itself
    is_write_only: bool = False  # writing does something; there is no value

    @property
    def is_unreadable(self) -> bool:
        """Tell whether it has a value that we may not read."""
        return self.value is None and not self.is_write_only

    @property
    def shown(self) -> str:
        """Give the value for people."""
        if self.is_write_only:
            return WRITE_ONLY
        return "(unreadable)" if self.value is None else self.value

    @property
    def remark(self) -> str:
        """Say in words what it comes to, and whether that is the default."""
        return "; ".join(part for part in (self.meaning, "not the default" if self.is_default is False else "") if part)


COLUMNS = (
    Column("tunable", "Name", "as sysctl names it; those of /sys by their folder", "text", right=False),
    Column("value", "Value", "the kernel's text; null where it may not, or cannot, be read", "text", right=False),
    Column("unit", "Unit", "what the value counts", "text", right=False),
    Column("default", "Default", "the kernel's own value, of this version", "text", right=False),
    Column("default_rule", "Rule", "how the kernel works its value out, where it does", "text", right=False),
    Column("is_default", "Is default", "whether the two are equal", "bool"),
    Column("meaning", "Meaning", "what the value comes to on this machine", "text", right=False),
    Column("is_write_only", "Write-only", "whether writing does something, and there is no value", "bool"),
)
VALUE_COLUMNS = COLUMNS[:2]


def list_report(source: Source, pattern: str | None, facts: Mapping[str, Any]) -> Report:
    """List what the source has, or what of it a pattern describes. Raises Missing where that is nothing."""
    chosen = [name for name in names(source) if is_meant(name, pattern)]
    if not chosen:
        raise Missing("tunables: the source has no " + (f"tunable like '{pattern}'" if pattern else "tunables"))
    machine = read_machine(source)
    found = rows(source, chosen, machine)
    notes, unreadable = notes_of(machine), sum(row.is_unreadable for row in found)
    table = table_of(COLUMNS, found)
    return Report("tunables", table, found, facts=facts, notes=notes, warnings=notes, unreadable=unreadable)


def is_meant(name: str, pattern: str | None) -> bool:
    """Tell whether a name, with its folder or without, holds a pattern, or is what one with * and ? describes.

    >>> is_meant("vm.dirty_ratio", "Dirty"), is_meant("vm.dirty_ratio", "dirty_*"), is_meant("vm.dirty_ratio", "*s")
    (True, True, False)
    """
    pattern = (pattern or "").lower().replace("/", ".")
    if not frozenset(pattern) & frozenset("*?["):
        return pattern in name
    from fnmatch import fnmatchcase

    return any(fnmatchcase(each, pattern) for each in (name, name.partition(".")[2]))


class Values(NamedTuple):
    """Names with their values, and why others could not be read."""

    values: tuple[tuple[str, str], ...]
    refused: tuple[str, ...]


def values_report(source: Source, chosen: Iterable[str], facts: Mapping[str, Any]) -> Report:
    """Read some tunables, however their names are spelt."""
    found, refused = [], []
    for name in map(canonical, chosen):
        try:
            found.append((name, value_of(source, name)))
        except (Missing, Denied) as error:
            refused.append(str(error))
    table = table_of(VALUE_COLUMNS, [{"tunable": name, "value": value} for name, value in found])
    return Report("tunables", table, Values(tuple(found), tuple(refused)), facts=facts, unreadable=len(refused))


def rows(source: Source, chosen: Iterable[str], machine: Machine) -> list[TunableRow]:
    """Say what tunables are set to, and what it means. Raises Missing for one that is not there."""
    found = []
    for name in chosen:
        value, default, is_default = set_to(source, name, machine)
        entry = TUNABLES.get(name)
        own, rule = (default, None) if default is None or _is_plain(default) else (None, default)
        unit, says = (entry.unit or None) if entry else None, meaning(name, value or "", machine)
        found.append(TunableRow(name, value, unit, own, rule, is_default, says, name in ONLY_WRITTEN))
    return found


def set_to(source: Source, name: str, machine: Machine) -> tuple[str | None, str | None, bool | None]:
    """Give a tunable's value, the kernel's own or its rule, and whether the two are equal. Raises Missing."""
    try:
        value = None if name in ONLY_WRITTEN else value_of(source, name)
    except Denied:
        value = None
    entry = TUNABLES.get(name)
    default = None if entry is None else default_of(entry, machine.version) or None
    is_known = value is not None and default is not None and _is_plain(default)
    return value, default, value == default if is_known else None


def _is_plain(default: str) -> bool:
    """Tell whether a default is a value, and no rule in words."""
    return default.isdigit() or default in _WORDS


_WORDS = frozenset(word for entry in TUNABLES.values() for word in entry.choices)


class Explanation(NamedTuple):
    """All that is known of one tunable; what does not apply is empty."""

    tunable: str
    value: str | None
    unit: str
    default: str  # a value or a rule, of the machine's kernel
    allowed: str  # words, or a range
    does: str
    now: str  # the value, and what it comes to; or why there is none
    versions: str  # of Linux, that have it
    twin: str
    related: tuple[str, ...]
    danger: str
    path: str  # on a live machine


EXPLANATION_COLUMNS = (
    *VALUE_COLUMNS,
    Column("unit", "Unit", "what the value counts", "text", right=False),
    Column("default", "Default", "the kernel's own value, of this version, or its rule in words", "text", right=False),
    Column("allowed", "Allowed", "the words, or the range, that the kernel takes", "text", right=False),
    Column("does", "Does", "what it is for", "text", right=False),
    Column("now", "Now", "what it is set to, and what that comes to on this machine", "text", right=False),
    Column("versions", "Linux", "the kernels that have it, and what changed between them", "text", right=False),
    Column("twin", "Twin", "the other name of the same setting: writing one sets the other to 0", "text", right=False),
    Column("related", "See also", "others that work together with it", "list", right=False),
    Column("danger", "Danger", "what may go wrong", "text", right=False),
    Column("path", "File", "where it is", "text", right=False),
)


def explain_report(source: Source, name: str, facts: Mapping[str, Any]) -> Report:
    """Say what a tunable does, and what it is set to. Raises Missing for one that nobody knows, and nobody has."""
    name = canonical(name)
    known = TUNABLES.get(name)
    if known is None:
        value, place = value_of(source, name), absolute(path_of(name))
        found = Explanation(
            tunable=name,
            value=value,
            unit="",
            default="",
            allowed="",
            does="Nothing more is known of it here.",
            now=value,
            versions="",
            twin="",
            related=(),
            danger="",
            path=place,
        )
        return Report("tunables", _table(found), found, facts=facts)
    machine = read_machine(source)
    found, notes = _explained(source, known, machine), notes_of(machine)
    return Report("tunables", _table(found), found, facts=facts, notes=notes, warnings=notes)


def _table(found: Explanation) -> Table:
    """Make a row of what is known; for programs, what does not apply is nothing."""
    return table_of(EXPLANATION_COLUMNS, [{key: value or None for key, value in found._asdict().items()}])


def _explained(source: Source, known: Tunable, machine: Machine) -> Explanation:
    try:
        row = rows(source, [known.name], machine)[0]
        value, now = row.value, f"{row.shown} ({row.remark})" if row.remark else row.shown
    except Missing:
        value, now = None, "this kernel does not have it"
    return Explanation(
        tunable=known.name,
        value=value,
        unit=known.unit,
        default=default_of(known, machine.version),
        allowed=_allowed(known, machine),
        does=known.meaning,
        now=now,
        versions=known.versions,
        twin=known.twin,
        related=known.related,
        danger=known.danger,
        path=absolute(known.path),
    )


def _allowed(known: Tunable, machine: Machine) -> str:
    if known.choices or known.is_list:
        return " ".join(known.choices)
    return range_in_words(*limits(known, machine.version, machine.page_size))


class Change(NamedTuple):
    """A setting: what it was, what it becomes, and what comes of it and of those set with it."""

    tunable: str
    value_before: str | None
    value: str
    meaning: str
    twin: str | None  # which it sets, too, if its value changes by that
    twin_before: str | None
    twin_after: str | None


CHANGE_COLUMNS = (
    COLUMNS[0],
    Column("value_before", "Before", "what it was set to", "text", right=False),
    Column("value", "Value", "what it is set to", "text", right=False),
    Column("meaning", "Meaning", "what the value comes to on this machine", "text", right=False),
    Column("twin", "Twin", "the setting that changes with it", "text", right=False),
    Column("twin_before", "Twin before", "what that was set to", "text", right=False),
    Column("twin_after", "Twin after", "what that is set to", "text", right=False),
)


def set_report(
    written: Iterable[tuple[str, str]], before: Machine, after: Machine, facts: Mapping[str, Any], *, is_dry_run: bool
) -> Report:
    """Say what settings change; ``after`` is the machine with all of them."""
    changes = [_change(name, value, before, after) for name, value in written]
    notes = ("a dry run: nothing was set",) if is_dry_run else ()
    return Report("tunables", table_of(CHANGE_COLUMNS, changes), changes, facts=facts, notes=notes)


def _change(name: str, value: str, before: Machine, after: Machine) -> Change:
    twin, was = TUNABLES[name].twin, before.settings
    changes = twin in was and was[twin] != after.settings[twin]
    others = (twin, was[twin], after.settings[twin]) if changes else (None, None, None)
    return Change(name, was.get(name), value, meaning(name, value, after), *others)

"""What every question is asked of: a machine as it is, and as it is supposed to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import UsageProblem
from pymemtools.models.release import Version, parse_release
from pymemtools.readings.hidden import unread
from pymemtools.readings.machine import Machine, read_machine, trusted
from pymemtools.report import Report, Table
from pymemtools.reports.what_if.supposed import assumed, supposed
from pymemtools.sources.base import Source


class Supposition(NamedTuple):
    """What is to be other than it is: settings by name, RAM and swap in bytes, the rules of another kernel."""

    settings: Mapping[str, str] = {}
    ram: int | None = None
    swap: int | None = None
    version: Version | None = None


class Needs(NamedTuple):
    """What a question needs, and is taken as the kernel would choose it where the source does not tell."""

    settings: Sequence[str] = ()
    zones: bool = False  # also where those that are told are not those of its memory
    of_zones: bool = False  # a question of zones, which it takes as they are told


class Asked(NamedTuple):
    """The machine as it is, and as it is supposed to be."""

    source: Source
    before: Machine
    machine: Machine
    settings: Mapping[str, str]  # those supposed


AS_IT_IS = Supposition()
NOTHING = Needs()


def ask(source: Source, supposition: Supposition = AS_IT_IS, needs: Needs = NOTHING) -> Asked:
    """Read the machine of a source once, and suppose what is to be. Raises UsageProblem for what cannot be."""
    settings, ram, swap, version = supposition
    machine = read_machine(source)
    known = machine if needs.of_zones else trusted(machine)
    before = assumed(known, needs.settings, version, zones=needs.zones)
    return Asked(source, before, supposed(before, settings, ram, swap, version), settings)


def kernel_version(text: str | None, command: str) -> Version | None:
    """Read the version of a kernel whose rules are supposed; ``command`` is whom an error names."""
    version = parse_release(text)
    if text is not None and version is None:
        raise UsageProblem(f"{command}: --kernel: '{text}' is no version; write for example 5.10")
    return version


def reported(
    asked: Asked,
    question: str,
    table: Table,
    answer: Any,
    totals: Mapping[str, Any] | None,
    notes: Iterable[str],
    unreadable: tuple[int, int] = (0, 0),
) -> Report:
    """Wrap an answer up, with each note once; ``unreadable`` are processes that could not be read, of so many."""
    once = tuple(dict.fromkeys(notes))
    facts = asked.source.facts._asdict()
    warnings = (unread(asked.source, *unreadable),) if unreadable[0] else ()
    return Report(f"what-if {question}", table, answer, totals, facts, once, warnings, unreadable[0])

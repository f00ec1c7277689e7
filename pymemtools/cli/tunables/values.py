"""Names and values of tunables as the user writes them, checked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import click

from pymemtools.errors import Denied, MemtoolsError, UsageProblem
from pymemtools.models.tunables import TUNABLES, Tunable, canonical, limits, range_in_words
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import limit_of
from pymemtools.reports.what_if.supposed import supposed
from pymemtools.sources.base import Source
from pymemtools.units import human_size

_NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_LARGEST_FILE = 1 << 20


def offer_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a tunable, with its folder or without."""
    return [name for name in TUNABLES if name.startswith(incomplete) or name.partition(".")[2].startswith(incomplete)]


def absolute(path: str) -> str:
    """Give the path of a tunable's file on the live machine."""
    return path if path.startswith("/") else f"/proc/{path}"


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


def from_file(path: str) -> list[Wish]:
    """Read a file like sysctl.conf: comments start with # or ;, and what a - stands before may fail."""
    try:
        with open(path, "rb") as file:
            text = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from None
    if len(text) > _LARGEST_FILE:
        raise UsageProblem(f"{path}: larger than 1 MiB, so it is no file of settings")
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
            if reason := _harm(name, value, after):
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


def _assignment(text: str, others: Iterable[Assignment]) -> Assignment:
    """Read ``NAME=VALUE``. Raises UsageProblem when the name is unknown, or the kernel would misread the value."""
    name, equals, value = text.partition("=")
    name, value = canonical(name.strip()), " ".join(value.split())
    if not equals:
        raise UsageProblem(f"'{text[:60]}': write NAME=VALUE")
    if name not in TUNABLES:
        raise UsageProblem(f"nothing is known of '{name[:60]}', so it is not set")
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
        words = _words(known, source)
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


def _words(known: Tunable, source: Source | None) -> Sequence[str]:
    """Give the words that a kernel offers, or all that are known where it does not say."""
    try:
        text = source.read(known.path).decode("utf-8", "surrogateescape") if source is not None else ""
    except MemtoolsError:
        text = ""
    return text.replace("[", " ").replace("]", " ").split() if "[" in text else known.choices


_HARMFUL = frozenset(
    (
        ("vm.panic_on_oom", "1"),
        ("vm.panic_on_oom", "2"),
        ("vm.mmap_min_addr", "0"),
        ("vm.vfs_cache_pressure", "0"),
        ("vm.max_map_count", "0"),
        ("kernel.randomize_va_space", "0"),
    )
)


def _harm(name: str, value: str, after: Machine) -> str:
    """Say why a value is likely to hurt the machine that all settings together make."""
    if name == "vm.drop_caches":
        return "use pymemtools drop-caches, which shows what it frees"
    if name == "vm.min_free_kbytes":
        return _harm_of_min_free(int(value), after.meminfo)
    if name == "vm.nr_hugepages":
        return _harm_of_huge_pages(int(value), after.meminfo)
    if name.startswith("vm.overcommit_"):
        return _harm_of_overcommit(after)
    return TUNABLES[name].danger if (name, value) in _HARMFUL else ""


def _harm_of_min_free(kbytes: int, meminfo: Mapping[str, int]) -> str:
    if kbytes < 1024:
        return "below 1024 the machine may deadlock under load"
    is_much = kbytes * 1024 * 20 > meminfo.get("MemTotal", 0)
    return "more than 5 % of RAM brings the OOM killer near" if is_much else ""


def _harm_of_huge_pages(pages: int, meminfo: Mapping[str, int]) -> str:
    more = (pages - meminfo.get("HugePages_Total", 0)) * meminfo.get("Hugepagesize", 0)
    available = meminfo.get("MemAvailable")
    if available is None or more <= available:
        return ""
    return f"that takes {human_size(more)} more, and {human_size(available)} are available"


def _harm_of_overcommit(after: Machine) -> str:
    """Mode 2 refuses fork and malloc at once where more is promised than may be."""
    limit, promised = limit_of(after), after.meminfo.get("Committed_AS", 0)
    if after.settings.get("vm.overcommit_memory") != "2" or limit is None or promised <= limit:
        return ""
    return f"{human_size(promised)} are promised already, and CommitLimit would be {human_size(limit)}"

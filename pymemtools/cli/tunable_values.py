"""What the user wants to set, checked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, UsageProblem
from pymemtools.models.overcommit import commit_limit
from pymemtools.models.tunables import TUNABLES, Tunable, canonical
from pymemtools.procfs.meminfo import hugetlb_pool, parse_meminfo
from pymemtools.reports.settings import value_of
from pymemtools.sources.base import Source
from pymemtools.units import human_size

_NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class Assignment(NamedTuple):
    """A known tunable, and a value that it can take."""

    name: str
    value: str


def from_file(path: str) -> list[str]:
    """Read assignments from a file like sysctl.conf: comments start with # or ;, a - before a name means nothing."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(1 << 20)
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from None
    lines = (line.strip() for line in text.splitlines())
    return [line.removeprefix("-") for line in lines if line and line[0] not in "#;"]


def checked(texts: Iterable[str], machine: Source, *, force: bool) -> list[Assignment]:
    """Check every ``NAME=VALUE``: the name, the value's form and range, and what it would do. Raises UsageProblem."""
    found = assignments(texts, "tunables set", force=force)
    if not found:
        raise UsageProblem("tunables set: nothing to set; write NAME=VALUE")
    if not force:
        for assignment in found:
            _check_harm(assignment, machine)
    return found


def assignments(texts: Iterable[str], command: str, *, force: bool = False) -> list[Assignment]:
    """Read every ``NAME=VALUE``, and check its name, form and range; ``command`` is whom an error names."""
    found: list[Assignment] = []
    for text in texts:
        name, equals, value = text.partition("=")
        name, value = canonical(name.strip()), " ".join(value.split())
        if not equals:
            raise UsageProblem(f"{command}: '{text}': write NAME=VALUE")
        if name not in TUNABLES:
            raise UsageProblem(f"{command}: nothing is known of '{name}', so it is not set")
        if any(other.name in (name, TUNABLES[name].twin) for other in found):
            raise UsageProblem(f"{command}: {name} is set twice, or with its twin")
        fault = _fault_of_form(TUNABLES[name], value, force=force)
        if fault:
            raise UsageProblem(f"{command}: {fault}")
        found.append(Assignment(name, value))
    return found


def _fault_of_form(known: Tunable, value: str, *, force: bool) -> str:
    """Say what the kernel would misread or refuse; ``force`` leaves the range to the kernel."""
    if known.choices:
        is_one = value in known.choices
        return "" if is_one else f"{known.name} takes one of {' '.join(known.choices)}, not '{value}'"
    numbers = value.split(" ")
    if len(numbers) > 1 and not known.is_list:
        return f"{known.name} takes one number, not '{value}'"
    for number in numbers:
        if not _NUMBER.fullmatch(number):
            return f"{known.name} takes a number, not '{number}'"
        if len(number.lstrip("-")) > 1 and number.lstrip("-").startswith("0"):
            return f"{known.name}: '{number}' has a leading zero: the kernel would read octal"
        if not force and not known.low <= int(number) <= known.high:
            return f"{known.name} takes {known.low} to {known.high}, not {number}"
    return ""


def _check_harm(assignment: Assignment, machine: Source) -> None:
    """Refuse what is likely to hurt this machine, unless forced."""
    name, value = assignment
    reason = ""
    if name == "vm.drop_caches":
        reason = "use pymemtools drop-caches, which shows what it frees"
    elif name == "vm.min_free_kbytes":
        reason = _harm_of_min_free(int(value), machine)
    elif name == "vm.overcommit_memory" and value == "2":
        reason = _harm_of_mode_2(machine)
    elif (name, value) in _HARMFUL:
        reason = TUNABLES[name].danger
    if reason:
        raise UsageProblem(f"tunables set: {name}={value}: {reason} (--force sets it)")


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


def _harm_of_min_free(kbytes: int, machine: Source) -> str:
    total = parse_meminfo(machine.read("meminfo"))["MemTotal"]
    if kbytes < 1024:
        return "below 1024 the machine may deadlock under load"
    return "more than 5 % of RAM brings the OOM killer near" if kbytes * 1024 > total * 0.05 else ""


def _harm_of_mode_2(machine: Source) -> str:
    info = parse_meminfo(machine.read("meminfo"))
    try:
        ratio = int(value_of(machine, "vm.overcommit_ratio"))
        kbytes = int(value_of(machine, "vm.overcommit_kbytes"))
    except (MemtoolsError, ValueError):
        return ""
    limit = commit_limit(info["MemTotal"], info.get("SwapTotal", 0), hugetlb_pool(info) or 0, ratio, kbytes)
    promised = info.get("Committed_AS", 0)
    if promised <= limit:
        return ""
    return f"{human_size(promised)} are promised already, and CommitLimit would be {human_size(limit)}"

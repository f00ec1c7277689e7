"""What the user of pmap asked for, checked before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pymemtools.cli.pmap.columns import canonical, is_number
from pymemtools.cli.pmap.layouts import Style
from pymemtools.errors import UsageProblem
from pymemtools.readings.mappings import ALL, Wanted
from pymemtools.reports.map_frame import MADE_OF, OF_MAPS

_MAX_ADDRESS = (1 << 64) - 1
_MAX_PID = (1 << 31) - 1
_PID = re.compile(r"(?:/proc/)?([1-9][0-9]{0,9})")
_ADDRESS = re.compile(r"\s*([+-]?)(?:0[xX])?([0-9a-fA-F]+)", re.ASCII)
# What tells large mappings from small ones where nothing else was asked for.
FIGURES = ("Size", "Rss", "Pss", "Private_Dirty", "Swap")
ROLLUP_FIGURES = ("Size", "Rss", "Pss", "Pss_Anon", "Pss_File", "Pss_Shmem", "Swap", "SwapPss")


# What -X leaves out, and -XX shows.
DROPPED = frozenset(
    (
        "AnonHugePages",
        "KernelPageSize",
        "MMUPageSize",
        "Shared_Dirty",
        "Private_Dirty",
        "Shared_Clean",
        "Private_Clean",
    )
)


class Request(NamedTuple):
    """Which processes, which of their mappings, and how to show them."""

    pids: tuple[int, ...]
    mode: str  # "", "x", "d", "X" or "XX"
    columns: tuple[str, ...]  # empty: those of the mode
    style: Style
    addresses: tuple[int, int] | None  # the first and the last one wanted
    name: re.Pattern[str] | None
    sort: str | None
    reverse: bool
    top: int | None
    group: str | None  # "path" or "kind"
    merge: bool
    rollup: bool
    explain: bool
    compares: bool  # with another source, or with the last sample
    is_for_programs: bool

    @property
    def is_for_totals(self) -> bool:
        """Tell whether memory in use counts, which takes smaps, and not only what is mapped."""
        return bool(self.group) or self.compares

    @property
    def weight(self) -> str | None:
        """Name the column that rows are sorted by; None: they stay as they are."""
        is_sorted = self.sort is not None or self.top is not None or self.group or self.rollup
        return self.figure if is_sorted else None

    @property
    def figure(self) -> str:
        """Name the column that tells much from little: by it rows are sorted, and looks compared."""
        if self.sort is not None:
            return self.sort
        shown = [field for field in self.columns if is_number(field)]
        if shown:
            return "Rss" if "Rss" in shown else shown[0]
        return "Rss" if self.mode in ("x", "X", "XX") or self.is_for_totals or self.rollup else "Size"

    @property
    def wanted(self) -> Wanted | None:
        """Say which numbers of smaps to read; None: maps will do."""
        if self.mode == "X" and not self.is_for_programs and self.sort is None and not self.group:
            return lambda key: key not in DROPPED
        if self.mode.startswith("X"):
            return ALL
        fields = {*self.columns, *([self.figure] if self.weight or self.compares else [])}
        if self.mode == "x":
            fields |= {"Rss", "Dirty"}
        if self.is_for_totals and not self.columns:
            fields |= set(FIGURES)
        fields -= OF_MAPS | {"Count"}
        if not fields:
            return None
        return frozenset({*fields, *(part for field in fields for part in MADE_OF.get(field, ()))}).__contains__

    @property
    def needs_kinds(self) -> bool:
        """Tell whether the kinds of mappings must be told."""
        return (
            self.group == "kind"
            or "kind" in self.columns
            or self.sort == "kind"
            or self.compares
            or self.is_for_programs
        )


def checked(options: Mapping[str, Any]) -> Request:
    """Make a request of the command line's options. Raises UsageProblem."""
    request = Request(
        tuple(process_number("pmap", text) for text in options["pids"]),
        _mode(options),
        _columns(options["columns"]),
        Style(options["quiet"], options["show_path"], options["use_kernel_name"]),
        None if options["range"] is None else _addresses(options["range"]),
        options["name"],
        None if options["sort"] is None else canonical(options["sort"]),
        options["reverse"],
        options["top"],
        {"file": "path", "kind": "kind"}.get(options["group"]),
        options["merge"],
        options["rollup"],
        options["explain"],
        bool(options["diff"] or options["watch"]),
        options["style"] != "text",
    )
    _check_combination(request, options)
    return request


def _check_combination(request: Request, options: Mapping[str, Any]) -> None:
    if request.rollup and (request.group or request.compares or request.name or request.addresses):
        raise UsageProblem("pmap: --rollup knows no single mappings: no -A, -P, --group, --diff or --watch with it")
    if options["diff"] and options["watch"]:
        raise UsageProblem("pmap: --diff and --watch compare with different things; ask for one")
    if options["diff"] == "-" and options["source"] == "-":
        raise UsageProblem("pmap: stdin holds one archive: --diff and --source cannot both be -")
    if request.compares and not is_number(request.figure):
        raise UsageProblem(f"pmap: --diff and --watch compare numbers, and '{request.figure}' is none")
    if request.explain and options["style"] != "text":
        raise UsageProblem("pmap: --explain is for people: it has no --format")


def _columns(text: str | None) -> tuple[str, ...]:
    names = tuple(map(canonical, (text or "").replace(",", " ").split()))
    if text is not None and not names:
        raise UsageProblem("pmap: --columns names no column")
    return names


def _mode(options: Mapping[str, Any]) -> str:
    modes = [mode for mode, chosen in (("x", options["extended"]), ("d", options["device"])) if chosen]
    modes += ["X" * min(options["detail"], 2)] if options["detail"] else []
    modes += ["columns"] if options["columns"] else []
    if len(modes) > 1:
        raise UsageProblem("pmap: options -d, -x, -X, --columns are mutually exclusive")
    return modes[0] if modes and not options["columns"] else ""


def process_number(command: str, text: str) -> int:
    """Read a PID, decimal, also as ``/proc/PID``; ``010`` would be 8 to procps, and is refused."""
    match = _PID.fullmatch(text)
    if match is None or int(match[1]) > _MAX_PID:
        raise UsageProblem(f"{command}: '{text}' is not a process number")
    return int(match[1])


def _addresses(text: str) -> tuple[int, int]:
    """Read ``LOW,HIGH`` in hexadecimal; either may be missing, and one alone is both."""
    low, comma, high = text.partition(",")
    first = _address(low, text) if low else 0
    if comma or not low:
        return first, _address(high, text) if high else _MAX_ADDRESS
    return first, first


def _address(text: str, whole: str) -> int:
    """Read one address as strtoul() does: a sign wraps, too large a number is the largest."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise UsageProblem(f"pmap: failed to parse argument: '{whole}'")
    value = min(int(match[2], 16), _MAX_ADDRESS)
    return -value & _MAX_ADDRESS if match[1] == "-" else value

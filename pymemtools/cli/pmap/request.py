"""What the user of pmap asked for, checked before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pymemtools.cli.pmap.layouts import Style
from pymemtools.errors import UsageProblem
from pymemtools.reports.maps import ProcessMaps, Wanted

_MAX_ADDRESS = (1 << 64) - 1
_MAX_PID = (1 << 31) - 1
_PID = re.compile(r"(?:/proc/)?([1-9][0-9]{0,9})")
_ADDRESS = re.compile(r"\s*([+-]?)(?:0[xX])?([0-9a-fA-F]+)", re.ASCII)


class Request(NamedTuple):
    """Which processes, which of their mappings, and how to show them."""

    pids: tuple[int, ...]
    mode: str  # "", "x", "d", "X" or "XX"
    style: Style
    addresses: tuple[int, int] | None  # the first and the last one wanted


def checked(options: Mapping[str, Any]) -> Request:
    """Make a request of the command line's options. Raises UsageProblem."""
    return Request(
        tuple(map(_pid, options["pids"])),
        _mode(options),
        Style(options["quiet"], options["show_path"], options["use_kernel_name"]),
        None if options["range"] is None else _addresses(options["range"]),
    )


def _mode(options: Mapping[str, Any]) -> str:
    modes = [mode for mode, chosen in (("x", options["extended"]), ("d", options["device"])) if chosen]
    modes += ["X" * min(options["detail"], 2)] if options["detail"] else []
    if len(modes) > 1:
        raise UsageProblem("pmap: options -d, -x, -X are mutually exclusive")
    return modes[0] if modes else ""


def _pid(text: str) -> int:
    """Read a PID, decimal, also as ``/proc/PID``; ``010`` would be 8 to procps, and is refused."""
    match = _PID.fullmatch(text)
    if match is None or int(match[1]) > _MAX_PID:
        raise UsageProblem(f"pmap: '{text}' is not a process number")
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


def wanted(mode: str) -> Wanted | None:
    """Say which numbers of smaps a mode needs; None: maps will do."""
    if mode == "x":
        return frozenset(("Rss", "Shared_Dirty", "Private_Dirty")).__contains__
    return (lambda key: True) if mode.startswith("X") else None


def chosen(maps: ProcessMaps, request: Request) -> ProcessMaps:
    """Keep the mappings that the request is about."""
    if request.addresses is None:
        return maps
    low, high = request.addresses
    return maps.choose(mapping.end > low and mapping.start <= high for mapping in maps.mappings)

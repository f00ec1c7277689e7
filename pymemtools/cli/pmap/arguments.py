"""What the user of pmap asked for, checked before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pymemtools.cli.file_options import check_one_stdin
from pymemtools.cli.terminal import chosen_width
from pymemtools.cli.types import process_number
from pymemtools.errors import UsageProblem
from pymemtools.render.pmap.classic import Style
from pymemtools.reports.pmap.columns import is_number, key_named
from pymemtools.reports.pmap.request import PmapRequest

_MAX_ADDRESS = (1 << 64) - 1
_ADDRESS = re.compile(r"\s*([+-]?)(?:0[xX])?([0-9a-fA-F]+)", re.ASCII)


def style_of(options: Mapping[str, Any]) -> Style:
    """Gather what says how text looks."""
    return Style(options["quiet"], options["show_path"], options["use_kernel_name"])


def checked(options: Mapping[str, Any]) -> PmapRequest:
    """Make a request of the command line's options. Raises UsageProblem."""
    request = PmapRequest(
        pids=tuple(process_number("pmap", text) for text in options["pids"]),
        mode=_mode(options),
        columns=_columns(options["columns"]),
        full=options["show_path"],
        addresses=None if options["range"] is None else _addresses(options["range"]),
        name=options["name"],
        sort=None if options["sort"] is None else key_named(options["sort"]),
        reverse=options["reverse"],
        top=options["top"],
        group={"file": "path", "kind": "kind"}.get(options["group"]),
        merge=options["merge"],
        rollup=options["rollup"],
        compares=bool(options["diff"] or options["watch"]),
        everything=options["style"] != "text",
    )
    _check_combination(request, options)
    return request


def _check_combination(request: PmapRequest, options: Mapping[str, Any]) -> None:
    if request.rollup and (request.group or request.compares or request.name or request.addresses):
        raise UsageProblem("pmap: --rollup knows no single mappings: no -A, -P, --group, --diff or --watch with it")
    if options["diff"] and options["watch"]:
        raise UsageProblem("pmap: --diff and --watch compare with different things; ask for one")
    check_one_stdin("pmap", options)
    if chosen_width() is not None:
        raise UsageProblem("pmap: the tables are as wide as procps has them: no --width")
    if request.compares and not is_number(request.figure):
        raise UsageProblem(f"pmap: --diff and --watch compare numbers, and '{request.figure}' is none")


def _columns(text: str | None) -> tuple[str, ...]:
    names = tuple(map(key_named, (text or "").replace(",", " ").split()))
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

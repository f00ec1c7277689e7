"""What the user of vgraph asked for, checked before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pymemtools.cli.address_picture import HOLES, check_output
from pymemtools.cli.vgraph.target import process_number
from pymemtools.errors import UsageProblem
from pymemtools.reports.vgraph.scene import VgraphRequest, Wanted

_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{1,16})|([0-9a-fA-F]{8,16})", re.ASCII)
_MODES = {"pages": "--pages", "csv_file": "--csv", "legacy": "--legacy", "watch": "--watch", "diff": "--diff"}


class Asked(NamedTuple):
    """What to draw, and what of it to print where."""

    target: str
    pid: int | None  # None: the target is a file
    rss: bool
    max_size: int  # bytes that a file, or an archive unpacked, may have
    request: VgraphRequest
    diff: str | None
    pages: int | None  # the address whose mapping is to be looked into
    csv_file: str | None
    legacy: bool
    watch: float | None  # seconds
    style: str
    output: str | None
    force: bool


def checked(options: Mapping[str, Any], *, is_demo: bool) -> Asked:
    """Make a request of the command line's options. Raises UsageProblem."""
    check_output(options["output"], options["style"])
    pid = process_number(options["target"])
    _check_combination(options, is_process=pid is not None, is_live=pid is not None and not is_demo)
    names = ("diff", "pages", "csv_file", "legacy", "watch", "style", "output", "force")
    chosen = {name: options[name] for name in names}
    if chosen["pages"] is not None:
        chosen["pages"] = parse_address(chosen["pages"])
        if chosen["pages"] is None:
            raise UsageProblem(f"vgraph: --pages: '{options['pages']}' is no address; write 0x...")
    return Asked(options["target"], pid, options["rss"], options["max_size"], _request(options), **chosen)


def _request(options: Mapping[str, Any]) -> VgraphRequest:
    least_hole = HOLES[options["holes"]]
    return VgraphRequest(options["fold"], options["min_size"] or 0, least_hole, _wanted(options))


def _wanted(options: Mapping[str, Any]) -> Wanted | None:
    what = options["find"]
    if what is None:
        return None
    address = parse_address(what)
    if what.lower().startswith("0x") and address is None:
        raise UsageProblem(f"vgraph: '{what}' is no address")
    below, above = options["after"], options["before"]
    return Wanted(what, address, *((above, below) if options["order"] == "low" else (below, above)))


def parse_address(text: str) -> int | None:
    """Read ``0x...``, or at least eight hexadecimal digits; None for what is a name."""
    match = _ADDRESS.fullmatch(text)
    return int(match[1] or match[2], 16) if match is not None else None


def _check_combination(options: Mapping[str, Any], *, is_process: bool, is_live: bool) -> None:
    modes = [name for key, name in _MODES.items() if options[key] not in (None, False)]
    if len(modes) > 1:
        raise UsageProblem(f"vgraph: {modes[0]} and {modes[1]}: one at a time")
    if options["source"] is not None and not is_process:
        raise UsageProblem("vgraph: --source holds processes: TARGET must be a PID then")
    if options["diff"] == "-" and "-" in (options["target"], options["source"]):
        raise UsageProblem("vgraph: there is only one standard input")
    is_live = is_live and options["source"] is None
    if options["watch"] is not None and (not is_live or options["output"]):
        raise UsageProblem("vgraph: --watch is for a process of this machine, on the terminal")
    if options["pages"] is not None and not is_live:
        raise UsageProblem("vgraph: --pages is for a process of this machine: no capture has its pagemap")
    if modes in (["--csv"], ["--legacy"]) and (options["style"] != "text" or options["output"]):
        raise UsageProblem(f"vgraph: {modes[0]} has no --format and no --output")
    if options["pages"] is not None and options["output"]:
        raise UsageProblem("vgraph: --pages has no --output")

"""What the user of faults asked for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pymemtools.cli.file_options import check_one_stdin
from pymemtools.cli.options import check_style
from pymemtools.cli.types import process_number
from pymemtools.cli.watch import check_repeatable, is_redrawn
from pymemtools.errors import UsageProblem


class FaultsAsked(NamedTuple):
    """Of what the rates are asked, over which intervals, and how they are shown."""

    style: str
    pids: tuple[int, ...]
    top: int | None
    every: float | None  # seconds
    intervals: int | None
    diff: str | None
    is_sar: bool
    plots: bool
    output: str | None
    force: bool
    is_ascii: bool

    @property
    def is_repeated(self) -> bool:
        """Tell whether more than one interval may be asked for."""
        return self.every is not None or self.intervals is not None

    @property
    def seconds(self) -> float:
        """Give the length of an interval."""
        return 1.0 if self.every is None else self.every

    @property
    def times(self) -> int | None:
        """Give the number of intervals, None for no end."""
        return 1 if not self.is_repeated else self.intervals

    @property
    def is_streamed(self) -> bool:
        """Tell whether the format lets rows be printed as they come."""
        return self.style in ("text", "jsonl", "csv", "tsv")

    @property
    def is_of_processes(self) -> bool:
        """Tell whether processes are asked about, and not the machine."""
        return bool(self.pids) or self.top is not None

    @property
    def is_redrawn(self) -> bool:
        """Tell whether the picture grows on a terminal."""
        return self.plots and self.output is None and self.is_repeated and is_redrawn(self.style)

    @property
    def is_drawn(self) -> bool:
        """Tell whether a picture is asked for."""
        return self.plots or self.output is not None


def checked(options: Mapping[str, Any]) -> FaultsAsked:
    """Turn the options into what they ask for. Raises UsageProblem."""
    check_style(options["style"])
    asked = FaultsAsked(
        style=options["style"],
        pids=tuple(process_number("faults", text) for text in options["pids"]),
        top=options["top"],
        every=options["every"],
        intervals=options["count"],
        diff=options["diff"],
        is_sar=options["compat"] == "sar",
        plots=options["plot"],
        output=options["output"],
        force=options["force"],
        is_ascii=options["is_ascii"],
    )
    _check_combination(asked)
    check_one_stdin("faults", options)
    return asked


def _check_combination(asked: FaultsAsked) -> None:
    if asked.is_repeated and asked.times is None and asked.style not in ("text", "csv", "tsv"):
        check_repeatable("faults", asked.style)
    if asked.is_repeated and asked.diff is not None:
        raise UsageProblem("faults: --diff compares two moments: no --every and --count with it")
    if asked.pids and asked.top is not None:
        raise UsageProblem("faults: name processes, or ask for --top")
    if asked.is_sar and (asked.style != "text" or asked.is_of_processes or asked.is_drawn):
        raise UsageProblem("faults: --compat sar has its own columns: no --format, --top, PID, --plot and -o")
    if asked.is_drawn and (asked.style != "text" or asked.is_of_processes):
        raise UsageProblem("faults: a picture is of the whole machine: no --format, --top and PID")
    if asked.is_drawn and asked.is_repeated and asked.times is None and not asked.is_redrawn:
        raise UsageProblem("faults: a picture has an end: say with --count how many intervals it is of")
    if asked.output is not None and not asked.output.endswith(".svg"):
        raise UsageProblem(f"faults: {asked.output}: the picture is .svg")

"""What is supposed, as it is written on the command line."""

from __future__ import annotations

import re

from pymemtools.cli.types import SIZE
from pymemtools.errors import UsageProblem


def adjustment(text: str) -> tuple[int, int]:
    """Read ``PID=ADJ``. Raises UsageProblem."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})=(-?[0-9]{1,4})", text, re.ASCII)
    if match is None or not -1000 <= int(match[2]) <= 1000:
        raise UsageProblem(f"'{text}': write --set-adj PID=ADJ, with ADJ from -1000 to 1000")
    return int(match[1]), int(match[2])


def allocation(text: str) -> tuple[str, int]:
    """Read ``SIZE[:NAME]``, a process that does not exist."""
    size, _, name = text.partition(":")
    return name or "(new process)", SIZE.convert(size, None, None)

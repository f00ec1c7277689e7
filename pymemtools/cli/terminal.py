"""How wide is the terminal?"""

from __future__ import annotations

import os
from typing import TextIO


def terminal_columns(stream: TextIO | None, *, least: int) -> int:
    """Tell the width of the terminal behind a stream, unless COLUMNS tells another; 80 without either.

    What is no sensible number in COLUMNS is ignored: a width of 10^19 is no terminal's, and a line of it is no line.
    """
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and len(given) < 6 and given[0] != "0":
        return max(least, int(given))
    try:
        return max(least, os.get_terminal_size(stream.fileno() if stream else -1).columns or 80)
    except (OSError, ValueError):
        return 80

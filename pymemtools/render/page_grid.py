"""The pages of a mapping as a grid, an address before each row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

UNICODE = {"present": "█", "swapped": "▒", "absent": "·", "guard": "G", "zero page": "0"}
ASCII = {"present": "#", "swapped": "s", "absent": ".", "guard": "G", "zero page": "0"}
_WIDTHS = (128, 64, 32, 16)
_FEW = 3  # equal rows that are all drawn


def grid_lines(
    states: bytes, names: dict[int, str], start: int, page_size: int, columns: int, *, is_ascii: bool
) -> Iterator[str]:
    """Draw one character a page, 16 to 128 a row; rows that repeat one state are drawn once and counted."""
    digits = max(8, len(f"{start + len(states) * page_size:x}"))
    cells = ASCII if is_ascii else UNICODE
    table = {state: cells[name] for state, name in names.items()}
    pages = next((width for width in _WIDTHS if width + digits + 2 <= columns), _WIDTHS[-1])
    rows = [states[at : at + pages] for at in range(0, len(states), pages)]
    at = start
    for row, equal in groupby(rows):
        count = len(list(equal))
        text = row.decode("ascii").translate(table)
        is_plain = len(set(row)) == 1 and count > _FEW
        for _ in range(1 if is_plain else count):
            yield f"{at:0{digits}x}  {text}"
            at += len(row) * page_size
        if is_plain:
            at += (count - 1) * len(row) * page_size
            more = f"and {count - 1} more rows like this"
            yield f"{'':{digits}}  {more}"

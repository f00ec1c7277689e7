"""Bars of characters: a chart for any terminal."""

from __future__ import annotations

from collections.abc import Sequence

from pymemtools.render.escape import cut, escape, pad, width


def text_bars(rows: Sequence[tuple[str, str, int]], columns: int, block: str = "#") -> list[str]:
    """Draw a line of label, amount and bar for each row, the largest value taking all the room there is.

    >>> print("\\n".join(text_bars([("init", "1K", 1), ("Xorg", "4K", 4)], 16)))
    init  1K  ##
    Xorg  4K  ######
    """
    labels = [escape(label) for label, _, _ in rows]
    label_width = min(max(map(width, labels), default=0), columns // 2)
    amount_width = max((len(amount) for _, amount, _ in rows), default=0)
    room = max(columns - label_width - amount_width - 4, 1)
    largest = max((value for _, _, value in rows), default=0)
    lines = []
    for label, (_, amount, value) in zip(labels, rows):
        length = -(-value * room // largest) if value > 0 else 0
        lines.append(
            f"{pad(cut(label, label_width), label_width)}  {amount:>{amount_width}}  {block * length}".rstrip()
        )
    return lines

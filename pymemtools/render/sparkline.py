"""A course in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_ASCII = "_.,-=+*#"
_LEAST = 0.02  # of the largest value: the least that the scale spans, or noise would look like mountains


def sparkline(values: Sequence[float | None], *, is_ascii: bool = False) -> str:
    """Draw a character for each value, the least one at the bottom; a blank where nothing is known.

    >>> sparkline([10, 20, None, 30]), sparkline([10, 20, None, 30], is_ascii=True)
    ('▁▅ █', '_= #')
    """
    known = [value for value in values if value is not None]
    least, most = min(known, default=0.0), max(known, default=0.0)
    span = max(most - least, _LEAST * abs(most)) or 1.0
    bars = _ASCII if is_ascii else _BARS
    heights = (None if value is None else round((value - least) / span * (len(bars) - 1)) for value in values)
    return "".join(" " if height is None else bars[height] for height in heights)

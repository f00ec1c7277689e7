"""Colour where it carries meaning: red for what kills or fails, yellow for what comes close, green for what is well."""

from __future__ import annotations

import re
from collections.abc import Mapping

RED, YELLOW, GREEN = "31", "33", "32"  # SGR codes
CHANGED = "7"  # reverse, as on a page that is redrawn what is new stands out without a meaning
Tones = Mapping[str, str]  # a pattern of what is coloured, and its code

ZONES: Tones = {
    r"(?<=  )(?:direct reclaim|only for the desperate)$": RED,
    r"(?<=  )kswapd awake$": YELLOW,
    r"(?<=  )ok$": GREEN,
}
KILLS: Tones = {r"^Out of memory\b.*|^  killed:.*": RED, r"\bbelow min(?=;)": RED, r"\bbelow low(?=;)": YELLOW}
CHECKS: Tones = {r"^\S+ +\bNO\b|^.* does not hold:": RED, r"^\d+ of \d+ hold$": GREEN}
FINDINGS: Tones = {r"^CRITICAL\b.*": RED, r"^WARNING\b.*": YELLOW, r"^nothing found:.*": GREEN}
GROWTH: Tones = {r"\b(?:new|grown)(?= +[-\d.KMGTP% ]+$)": RED, r"\b(?:gone|shrunk)(?= +[-\d.KMGTP% ]+$)": GREEN}
MAP_GROWTH: Tones = {r"^(?:new|grown)(?= +[-\d])": RED, r"^(?:gone|shrunk)(?= +[-\d])": GREEN}
MARKS: Tones = {r"(?m)^[+↑^](?= )": RED, r"(?m)^[-−↓v](?= )": GREEN}  # in the gutter of a picture


def toned(line: str, tones: Tones) -> str:
    r"""Colour what matches in an escaped line.

    >>> toned("   0 DMA    ####ml  kswapd awake", ZONES)
    '   0 DMA    ####ml  \x1b[33mkswapd awake\x1b[0m'
    """
    for pattern, code in tones.items():
        line = re.sub(pattern, f"\x1b[{code}m\\g<0>\x1b[0m", line)
    return line

"""Text of a JSON document, which can hold what no text can: halves of characters, as ``"\\ud800"``."""

from __future__ import annotations

import re
from typing import Any

_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # but for those that stand for a byte that was no UTF-8


def text_or_none(value: Any) -> str | None:
    r"""Take a text, in which a half of a character becomes U+FFFD; None for what is none.

    >>> text_or_none("\ud83d!"), text_or_none("caf\udce9"), text_or_none(7)
    ('\ufffd!', 'caf\udce9', None)
    """
    return _HALVES.sub("\ufffd", value) if isinstance(value, str) else None

"""How times below a picture are written."""

from __future__ import annotations

import time
from collections.abc import Callable

_DAY = 86400.0


def clock(span: float, utc_offset_s: int | None = None) -> Callable[[float], str]:
    """Write times (seconds since 1970) of a course of so many seconds: the day, the seconds, or tenths with them.

    Without the offset of the machine's clock from UTC they are our own clock's.

    >>> [clock(span, 3600)(86399.96) for span in (1e5, 3600, 60, 2)]
    ['01-02 00:59', '00:59', '00:59:59', '00:59:59.9']
    """
    local = time.localtime if utc_offset_s is None else lambda seconds: time.gmtime(seconds + utc_offset_s)
    form = "%m-%d %H:%M" if span > _DAY else "%H:%M" if span > 600 else "%H:%M:%S"
    if span > 10:
        return lambda seconds: time.strftime(form, local(seconds))
    return lambda seconds: f"{time.strftime(form, local(seconds))}.{int(seconds % 1 * 10)}"

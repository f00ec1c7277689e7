"""How times below a picture are written."""

from __future__ import annotations

import time
from collections.abc import Callable

_DAY = 86400.0
_NO_TIME = 1e15  # seconds: what damage adds up to may be more than calendars can tell


def clock(span: float, utc_offset_s: int | None = None) -> Callable[[float], str]:
    """Write times (seconds since 1970) of a course of so many seconds: the day, the seconds, or tenths with them.

    Without the offset of the machine's clock from UTC they are our own clock's.

    >>> [clock(span, 3600)(86399.96) for span in (1e5, 3600, 60, 2)]
    ['01-02 00:59', '00:59', '00:59:59', '00:59:59.9']
    >>> clock(1e30, 0)(1e30) != ""
    True
    """

    def local(seconds: float) -> time.struct_time:
        seconds = min(max(seconds, -_NO_TIME), _NO_TIME)
        return time.localtime(seconds) if utc_offset_s is None else time.gmtime(seconds + utc_offset_s)

    form = "%m-%d %H:%M" if span > _DAY else "%H:%M" if span > 600 else "%H:%M:%S"
    if span > 10:
        return lambda seconds: time.strftime(form, local(seconds))
    return lambda seconds: f"{time.strftime(form, local(seconds))}.{int(seconds % 1 * 10)}"

"""What stands before the kernel's own words in a line of a log: level, time, host, who calls."""

from __future__ import annotations

import re
from typing import NamedTuple

_ISO = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T _][0-9:]{8}(?:[.,][0-9]{1,9})?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?"
_DATE = rb"[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
_FULL = rb"[A-Z][a-z]{2} [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,15} [A-Z0-9+-]{1,6}"  # journalctl -o short-full
_UNIX = rb"[0-9]{9,11}\.[0-9]{6}"  # journalctl -o short-unix
_ASCTIME = rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}"  # logread of OpenWrt
_TIME = re.compile(rb"(%b|%b|%b|%b|%b)(?: |(?=\[)|$)" % (_ISO, _DATE, _FULL, _UNIX, _ASCTIME))
# Levels stand where others write a host, and differ from line to line: BusyBox, OpenWrt, ChromeOS, F5.
_FACILITY = rb"(?:kern|user|syslog|daemon|local[0-7])\."
LEVEL_NAME = rb"(?:%b)?(?i:emerg|alert|crit|critical|err|error|warn|warning|notice|info|debug)" % _FACILITY
HOST_NAME = rb"(?!%b[: ])([^ \t\[\]()<>\"]{0,254}[^ \t\[\]()<>\":])" % LEVEL_NAME
_PROGRAM = re.compile(  # ": : " in RHEL 6
    rb"(?:%b )?(?:%b )?(?:kernel(?:\[[0-9]{1,7}\])?: ?(?:: )?|kernel - - - )" % (HOST_NAME, LEVEL_NAME)
)
_HOST_ONLY = re.compile(rb"%b:? (?=\[ *[0-9]{1,12}\.[0-9]{1,9}\] )" % HOST_NAME)  # before seconds since boot
_LEVEL = re.compile(rb"<[0-9]{1,3}>(?:1 (?=[0-9]{4}-))?")  # and the version, in RFC 5424
_DMESG = re.compile(rb"[a-z0-9]{3,8} *:[a-z]{3,7} *: ")  # dmesg -x
_SOCKLOG = re.compile(rb"(?=%b)%b:? " % (_FACILITY, LEVEL_NAME))
_KMSG = re.compile(  # netconsole may put the release before that
    rb"(?:[2-9]\.[0-9]{1,4}[^ ,;]{0,60},)?[0-9]{1,4},[0-9]{1,20},([0-9]{1,20}),[^;]{0,40};"
)
_CLOCK = re.compile(  # of some vendors, with the processor; dmesg -d, with the time since the line before
    rb"\[ *(?:[0-9]{1,4}-)?([0-9]{1,12}\.[0-9]{1,9})(?:s|[@,][0-9]{1,3}| <[ +0-9.]{3,20}>)?\] ?"
)
_DAY = re.compile(rb"\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:.]{8,18} [0-9]{4}|%b)\] ?" % _ISO)  # dmesg -T
_QUOTED = re.compile(rb"[ \t]*>[ \t]?|[ \t]+(?=[\[<>A-Z0-9])")  # in mails, and in text that was moved in
_CALLER = re.compile(rb"\[ *[TC][0-9]{1,7}\] ?")  # CONFIG_PRINTK_CALLER
_COLOUR = re.compile(rb"\x1b\[[0-9;]{0,20}[mK]")  # dmesg --color=always
_DROPPED = re.compile(rb"\*\* [0-9]{1,9} printk messages dropped \*\* ?")  # before 5.18 without an end of line


class Line(NamedTuple):
    """A line of the kernel's, when it was logged, as the log writes it (a date, or seconds since boot), and where."""

    when: str | None
    message: bytes
    host: bytes = b""
    before: bytes = b""  # prefix and name, of a report's first line


def strip(line: bytes) -> Line:
    """Take the prefix off a line; a line without one is the kernel's own words.

    >>> strip(b"Nov  3 14:02:11 board kernel: [  104.71] Mem-Info:")
    Line(when='Nov  3 14:02:11', message=b'Mem-Info:', host=b'board', before=b'')
    >>> strip(b"[  104.71][   C0] [  244]     0   244    10746 lab")
    Line(when='104.71', message=b'[  244]     0   244    10746 lab', host=b'', before=b'')
    """
    line = line.rstrip(b"\r\n")
    when: bytes | None = None
    clock: bytes | None = None
    host = b""
    at = 0
    is_coloured = False
    while True:
        if match := _TIME.match(line, at) or _DAY.match(line, at):
            when = when or match[1]
        elif match := _CLOCK.match(line, at):
            clock = clock or match[1]
        elif match := _KMSG.match(line, at):
            clock = clock or b"%d.%06d" % divmod(int(match[1]), 1_000_000)
        elif match := _PROGRAM.match(line, at) or (_HOST_ONLY.match(line, at) if when else None):
            host = host or match[1] or b""
        elif not (match := _matched(line, at)):
            break
        is_coloured = is_coloured or match.re is _COLOUR
        at = match.end()
    when = when or clock
    message = _COLOUR.sub(b"", line[at:]) if is_coloured else line[at:]
    return Line(when.decode("ascii", "replace") if when else None, message, host)


def _matched(line: bytes, at: int) -> re.Match[bytes] | None:
    """Match a part of the prefix that says neither when nor where."""
    matches = (pattern.match(line, at) for pattern in (_LEVEL, _DMESG, _SOCKLOG, _CALLER, _QUOTED, _DROPPED, _COLOUR))
    return next(filter(None, matches), None)

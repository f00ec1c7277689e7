"""The commands in what ``ps`` printed: its columns are known by their titles, the command is the last."""

from __future__ import annotations

import re

from pymemtools.sources.base import parse_pid

_COMMAND_TITLES = frozenset((b"COMMAND", b"CMD", b"ARGS"))
_STARTED = re.compile(  # lstart and start have blanks in them
    rb"[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]{1,2} [0-9:]{8} [0-9]{4}(?= )|[A-Z][a-z]{2} +[0-9]{1,2}(?= )|[^ ]+"
)
_MAX_TITLES, _MAX_LINE = 64, 128 << 10  # whoever made the copy is not trusted
_WORD = re.compile(rb"[^ ]+")
_BRANCH = re.compile(rb"^(?:[ |]*\\_ |[ |]*[|`]- )")  # of ps -f, ps f and ps --forest


def parse_ps(text: bytes) -> dict[int, bytes]:
    r"""Map PID to command line; the first line of a PID wins, the others are its threads.

    >>> parse_ps(b"USER  PID STARTED                  CMD\nroot    1 Tue Dec  3 10:48:09 2024 /sbin/init -s\n")
    {1: b'/sbin/init -s'}
    """
    lines = text.split(b"\n")
    start, titles = next(((at, line.split()) for at, line in enumerate(lines[:8]) if b"PID" in line.split()), (0, []))
    if not 0 < len(titles) <= _MAX_TITLES or titles[-1] not in _COMMAND_TITLES:
        return {}
    commands: dict[int, bytes] = {}
    for line in lines[start + 1 :]:
        fields = _fields(line[:_MAX_LINE], titles)
        pid = None if fields is None else parse_pid(fields[titles.index(b"PID")].decode("latin-1"))
        if fields is not None and pid is not None:
            commands.setdefault(pid, fields[-1])
    return commands


def _fields(line: bytes, titles: list[bytes]) -> list[bytes] | None:
    """Split a line at its blanks, but for those within a time and within the command; None for one with too few."""
    fields = []
    at = 0
    for title in titles[:-1]:
        at = len(line) - len(line[at:].lstrip(b" "))
        match = (_STARTED if title == b"STARTED" else _WORD).match(line, at)
        if match is None:
            return None
        fields.append(match[0])
        at = match.end()
    command = _BRANCH.sub(b"", line[at + 1 :]).strip(b" \r")
    return [*fields, command] if command else None

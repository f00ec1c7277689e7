"""What tools that take a copy of /proc leave beside it: a sosreport's commands and logs, or those of others like it.

No list of tools: a file is what its name says it is the output of, ``sos_commands/kernel/uname_-a`` or
``logs/dmesg.txt``, as long as it is in no folder of the machine's own, but for its logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from pymemtools.errors import MemtoolsError
from pymemtools.sources.base import Source

_OUTPUTS = re.compile(r"(hostname|date|uname|timedatectl|ps|dmesg|vmcore-dmesg|journalctl)(?:[_.-].*)?", re.DOTALL)
_LOGS = re.compile(r"(?:var\.log\.)?(?:messages|syslog|kern|kernel|dmesg)(?:[._-].*)?", re.DOTALL)
LOG = "log"
_ROLES = {"dmesg": LOG, "vmcore-dmesg": LOG, "journalctl": LOG}  # the others are called what they are
_FHS = "bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp usr var"
_OF_THE_MACHINE = frozenset(_FHS.split())
_MAX_LISTING, _MAX_FACT = 16 << 20, 64 << 10  # bytes
_MAX_DEPTH = 4
_MAX_FOLDERS = 2000
_MACHINE = re.compile(r"Linux (\S+) (\S+) #.* (\S+) (?:GNU/Linux|Linux|Android|Toybox)\n?", re.DOTALL)


class Uname(NamedTuple):
    """What ``uname -a`` says."""

    host: str
    kernel: str
    machine: str


class _Folders(Protocol):
    def names(self, path: str = "") -> list[str]: ...


def role_by_name(name: str) -> str | None:
    """Tell by its name alone what a file may be: ``hostname``, ``date``, ``uname``, ``timedatectl``, ``ps`` or ``log``.

    >>> role_by_name("uname_-a"), role_by_name("psmisc"), role_by_name("messages-20241203.gz")
    ('uname', None, 'log')
    """
    match = _OUTPUTS.fullmatch(name)
    if match is not None:
        return _ROLES.get(match[1], match[1])
    return LOG if _LOGS.fullmatch(name) else None


def role_of(path: str) -> str | None:
    """Tell what a file is, by its path beside /proc.

    >>> role_of("/sos_commands/date/date"), role_of("/usr/bin/date"), role_of("/var/log/syslog.1")
    ('date', None, 'log')
    """
    *folders, name = path.strip("/").split("/")
    role = role_by_name(name)
    if not folders or folders[0] not in _OF_THE_MACHINE:
        return role if len(folders) <= _MAX_DEPTH else None
    if folders == ["etc"]:
        return role if name == "hostname" else None
    is_log = folders == ["var", "log"] or folders[:2] == ["var", "crash"]
    return role if role == LOG and is_log else None


def is_small_enough(role: str, size: int) -> bool:
    """Tell whether a file is worth a look; a log may be as large as an archive."""
    return role == LOG or size <= (_MAX_LISTING if role == "ps" else _MAX_FACT)


def find_beside(root: _Folders) -> list[str]:
    """Look for the files that have a role in a directory; the trees of other machines in it are left out."""
    found = [f"/{name}" for name in root.names()]
    waiting = [(name, 1) for name in root.names() if name not in _OF_THE_MACHINE]
    waiting += [("etc", _MAX_DEPTH), ("var/log", _MAX_DEPTH), ("var/crash", _MAX_DEPTH - 1)]
    for folder, depth in _bounded(waiting):
        names = root.names(folder)
        if folder.partition("/")[0] not in _OF_THE_MACHINE and not {"proc", "sos_commands"}.isdisjoint(names):
            continue
        found += [f"/{folder}/{name}" for name in names]
        if depth < _MAX_DEPTH:
            waiting += [(f"{folder}/{name}", depth + 1) for name in names if "." not in name]
    return sorted(path for path in found if role_of(path) is not None)


def _bounded(waiting: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Give what is waiting, and what is added meanwhile, up to a bound: a directory may be anybody's."""
    for place in range(_MAX_FOLDERS):
        if place >= len(waiting):
            return
        yield waiting[place]


def host_of(source: Source) -> str | None:
    """Name the machine studied: as a capture says itself, else by what was left in its /proc or beside it."""
    if source.manifest is not None and source.manifest.host:
        return source.manifest.host
    for text in (*_texts(source, ("sys/kernel/hostname",)), *_texts(source, _beside(source, "hostname"))):
        words = text.split()
        if len(words) == 1:
            return words[0]
    said = uname_of(source)
    return None if said is None else said.host


def machine_of(source: Source) -> str | None:
    """Say what kind of machine it is, as ``uname -m`` does: x86_64, aarch64 ..."""
    if source.manifest is not None and source.manifest.machine:
        return source.manifest.machine
    said = uname_of(source)
    return None if said is None else said.machine


def kernel_of(source: Source) -> str | None:
    """Give the release of its kernel."""
    for text in _texts(source, ("sys/kernel/osrelease",)):
        if text.strip():
            return text.strip()
    said = uname_of(source)
    if said is not None:
        return said.kernel
    words = [text.split() for text in _texts(source, _beside(source, "uname"))]  # of uname -r, there is but one
    return next((each[0] for each in words if len(each) == 1 and each[0][0].isdigit()), None)


def uname_of(source: Source) -> Uname | None:
    """Read what ``uname -a`` printed."""
    for text in _texts(source, _beside(source, "uname")):
        match = _MACHINE.fullmatch(text)
        if match is not None:
            return Uname(match[1], match[2], match[3])
    return None


def taken_at_of(source: Source) -> int | None:
    """Tell when it was taken, in seconds since 1970, by a clock whose zone is told."""
    paths = (*_beside(source, "date"), *_beside(source, "timedatectl"))
    if not paths:
        return None
    from pymemtools.sources.clock_text import seconds_of

    return next((when for when in map(seconds_of, _texts(source, paths)) if when is not None), None)


def logs_of(source: Source) -> list[tuple[str, str]]:
    """Name the logs that may have the kernel's messages, and of which log each is a part: the older parts first.

    Those in /var/log come first, as they reach back furthest, and those of dmesg last: they lack the time of day.
    """
    paths = _beside(source, LOG)
    ages = sorted(("dmesg" in path, not path.startswith("/var/log/"), *_age(path), path) for path in paths)
    return [(path, f"{folder}/{stem}") for _, _, folder, stem, _, _, path in ages]


class Listing:
    """The commands that ps listed, and in which file; ``told_by`` is that file once it was needed."""

    def __init__(self, commands: dict[int, bytes], path: str | None = None) -> None:
        self._path = path
        self._commands = commands
        self.told_by: str | None = None

    def __len__(self) -> int:
        return len(self._commands)

    def command(self, pid: int) -> bytes | None:
        """Give a process's command line, its arguments with blanks between them; None when it is not listed."""
        command = self._commands.get(pid)
        if command is not None:
            self.told_by = self._path
        return command


def listing_of(source: Source) -> Listing:
    """Read the listing of ps with the most processes."""
    from pymemtools.sources.ps_listing import parse_ps

    best = Listing({})
    for path in _beside(source, "ps"):
        try:
            listing = Listing(parse_ps(source.read(path)), path.lstrip("/"))
        except MemtoolsError:
            continue
        best = max(best, listing, key=len)
    return best


def _age(path: str) -> tuple[str, str, int, str]:
    """Sort ``syslog.2.gz`` before ``syslog.1`` before ``syslog``, and ``messages-20241201`` before ``messages``."""
    folder, _, name = path.rpartition("/")
    stem, number = re.fullmatch(r"(.*?)(?:[.-]([0-9]{1,8}))?(?:\.(?:gz|xz|bz2|zst))?", name, re.DOTALL).groups()  # type: ignore[union-attr]
    if number is None:
        return folder, stem, 1, ""
    return folder, stem, 0, number if len(number) == 8 else f"{99_999_999 - int(number):08}"


def _beside(source: Source, role: str) -> list[str]:
    return sorted((path for path in source.beside() if role_of(path) == role), key=lambda path: (path.count("/"), path))


def _texts(source: Source, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        try:
            yield source.read(path).decode("utf-8", "surrogateescape")
        except MemtoolsError:
            continue

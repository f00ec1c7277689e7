"""The manifest of our own captures: the facts that no file of /proc tells."""

from __future__ import annotations

from typing import Any, NamedTuple

from pymemtools.errors import ArchiveError
from pymemtools.sources.json_text import text_or_none
from pymemtools.units import is_page_size

FORMAT = 1
MARKER = "pymemtools-capture"  # the first member of an archive whose last one is the manifest


class Manifest(NamedTuple):
    """What a capture says of itself; None where it does not."""

    page_size: int | None  # bytes
    taken_at: int | None  # seconds since 1970
    users: dict[int, str]
    machine: str | None
    host: str | None
    tool: str | None
    unreadable: list[tuple[str, str, frozenset[int]]]  # file, why, of which processes

    def why_missing(self, pid: int, file: str) -> str | None:
        """Say why a file of a process could not be read; None where nothing is said of it."""
        return next((reason for name, reason, pids in self.unreadable if name in ("", file) and pid in pids), None)


def parse_manifest(text: bytes, path: str) -> Manifest:
    """Read the manifest of the capture ``path``; what is not of the right type counts as not said.

    Raises ArchiveError for what is none.
    """
    import json

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ArchiveError(f"{path}: manifest.json is not JSON") from None
    form = document.get("format") if isinstance(document, dict) else None
    if not isinstance(form, int):
        raise ArchiveError(f"{path}: manifest.json is not a capture's")
    if form != FORMAT:
        raise ArchiveError(f"{path}: manifest.json is of a format that this program does not know")
    page_size = _number(document.get("page_size"))
    return Manifest(
        page_size if page_size is not None and is_page_size(page_size) else None,
        _number(document.get("taken_at")),
        _users(document.get("users")),
        text_or_none(document.get("machine")),
        text_or_none(document.get("host")),
        text_or_none(document.get("tool")),
        [each for each in map(_unreadable, _list(document.get("unreadable"))) if each is not None],
    )


def _users(value: Any) -> dict[int, str]:
    if not isinstance(value, dict):
        return {}
    pairs = ((uid, text_or_none(name)) for uid, name in value.items() if uid.isascii() and uid.isdigit())
    return {int(uid): name for uid, name in pairs if name is not None and len(uid) <= 10}


def _unreadable(value: Any) -> tuple[str, str, frozenset[int]] | None:
    if not isinstance(value, dict):
        return None
    file, reason = text_or_none(value.get("file")), text_or_none(value.get("reason"))
    pids = frozenset(pid for pid in _list(value.get("pids")) if isinstance(pid, int))
    return None if file is None or reason is None else (file, reason, pids)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40 else None

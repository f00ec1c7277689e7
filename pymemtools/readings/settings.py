"""What is each tunable set to?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.models.tunables import NEVER_READ, ONLY_WRITTEN, TUNABLES, Tunable, canonical
from pymemtools.sources.base import Source

KNOWN = tuple(TUNABLES)  # names
WRITE_ONLY = "(write-only)"
_FOLDERS = (
    ("vm", "sys/vm"),
    ("ksm", "/sys/kernel/mm/ksm"),
    ("transparent_hugepage", "/sys/kernel/mm/transparent_hugepage"),
)


def path_of(name: str) -> str:
    """Give the path of a tunable, known or not. Raises Missing for a name that cannot be one."""
    if name in TUNABLES:
        return TUNABLES[name].path
    folder, _, file = name.partition(".")
    for prefix, path in _FOLDERS:
        if folder == prefix and file and not set(file) - _NAME:
            return f"{path}/{file}"
    raise Missing(f"{name}: no such tunable")


_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


def absolute(path: str) -> str:
    """Give the path of a tunable's file on the live machine."""
    return path if path.startswith("/") else f"/proc/{path}"


def words_of(known: Tunable, source: Source | None) -> Sequence[str]:
    """Give the words that a kernel offers for a tunable, or all that are known where it does not say."""
    try:
        text = source.read(known.path).decode("utf-8", "surrogateescape") if source is not None else ""
    except MemtoolsError:
        text = ""
    return text.replace("[", " ").replace("]", " ").split() if "[" in text else known.choices


def names(source: Source) -> list[str]:
    """Name every tunable that the source has, known ones and others."""
    folders: dict[str, frozenset[str]] = {}
    for entry in TUNABLES.values():
        folder = entry.path.rpartition("/")[0]
        if folder not in folders:
            folders[folder] = frozenset(source.names(folder))
    found = {name for name, entry in TUNABLES.items() if _is_in(folders, entry)}
    found |= {f"vm.{name}" for name in source.names("sys/vm")} - NEVER_READ
    return sorted(found)


def _is_in(folders: Mapping[str, frozenset[str]], entry: Tunable) -> bool:
    folder, _, file = entry.path.rpartition("/")
    return file in folders[folder]


def names_beginning(text: str) -> list[str]:
    """List the names that begin so: whole ones, and without their folder those that still mean the same."""
    bare = [(name, name.rpartition(".")[2]) for name in KNOWN] if text else []
    short = [file for name, file in bare if file.startswith(text) and canonical(file) == name]
    return [name for name in KNOWN if name.startswith(text)] + short


def meant_by(name: str) -> str:
    """Ask whether the tunable of a similar name is meant, as the end of a message; empty for one that is known."""
    if name in TUNABLES:
        return ""
    from difflib import get_close_matches

    name = name.lower()
    part = name.removeprefix("vm.")
    near = get_close_matches(name, KNOWN, n=1, cutoff=0.8) or [known for known in KNOWN if part in known][:3]
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def value_of(source: Source, name: str) -> str:
    """Read one value as text: numbers with single blanks between, of words the chosen one. Raises Missing, Denied."""
    if name in NEVER_READ:
        raise Denied(f"{name}: not read, since reading it makes the kernel do something")
    if name in ONLY_WRITTEN:
        return WRITE_ONLY
    try:
        text = source.read(path_of(name)).decode("utf-8", "surrogateescape")
    except Missing:
        if name in TUNABLES:
            raise
        raise Missing(f"{name}: no such tunable{meant_by(name) or '; pymemtools tunables list has them all'}") from None
    entry = TUNABLES.get(name)
    if entry is not None and entry.choices and "[" in text:
        return text.partition("[")[2].partition("]")[0]
    return " ".join(text.split())

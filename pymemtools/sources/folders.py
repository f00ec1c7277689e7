"""Which files are in which folder, where a copy has nothing but paths of files."""

from __future__ import annotations

from collections.abc import Iterable


def folders_of(paths: Iterable[str]) -> dict[str, set[str]]:
    """Tell what is in each folder, for of memory groups there may be many."""
    folders: dict[str, set[str]] = {}
    for path in paths:
        is_new = True
        while is_new and path not in ("", "/"):
            folder, slash, name = path.rpartition("/")
            path = folder or slash
            is_new = path not in folders
            folders.setdefault(path, set()).add(name)
    return folders

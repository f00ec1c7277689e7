"""Which files processes have open or mapped, as the links below /proc/PID name them; live only."""

from __future__ import annotations

import os


def open_files(pid: int) -> list[tuple[str, str]]:
    """Give each open file: the link it is opened by, and its name. Raises OSError: gone, or not allowed."""
    return _links(f"/proc/{pid}/fd")


def _links(directory: str) -> list[tuple[str, str]]:
    found = []
    for name in os.listdir(directory):
        link = f"{directory}/{name}"
        try:
            target = os.readlink(link)
        except OSError:  # closed meanwhile
            continue
        if target.startswith("/") and not target.startswith(("/dev/pts/", "/proc/", "/sys/")):
            found.append((link, target))
    return found


def may_open_mapped() -> bool:
    """Tell whether links of /proc/PID/map_files, which name even files that were deleted, may be followed."""
    try:
        link = f"/proc/self/map_files/{next(iter(os.listdir('/proc/self/map_files')))}"
        os.stat(link)
    except (OSError, StopIteration):
        return False
    return True

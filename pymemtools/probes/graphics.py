"""What graphics devices tell of each client, in the fdinfo of the descriptors that it has them open by; live only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from pymemtools.probes.open_files import open_files

_DEVICES = ("/dev/dri", "/dev/accel")


def client_texts(pids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Give the PID and the text of each; nothing without such a device, or of those whom we may not look at."""
    if not any(map(os.path.isdir, _DEVICES)):
        return
    for pid in pids:
        try:
            links = [link for link, target in open_files(pid) if os.path.dirname(target) in _DEVICES]
        except OSError:
            continue
        for link in links:
            try:
                with open(f"/proc/{pid}/fdinfo/{os.path.basename(link)}", "rb") as file:
                    yield pid, file.read()
            except OSError:  # closed meanwhile
                continue

"""/proc/PID/fdinfo/N of a graphics device: what the client that has opened it takes of memory.

Source: Documentation/gpu/drm-usage-stats.rst; most drivers tell since Linux 6.5.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(r"^drm-([a-z0-9-]{1,64}):[ \t]*([^\n]{0,256})$", re.MULTILINE)
_AMOUNT = re.compile(r"([0-9]{1,19})(?: (KiB|MiB))?")
_FACTORS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}
# A region is the driver's word. These are memory of the machine's; others (vram, local, stolen) are the card's own.
_OF_THE_MACHINE = re.compile(r"(?:system[0-9]*|gtt|cpu|tt|memory|shmem|sys)")


class DrmClient(NamedTuple):
    """A client of a graphics device; two descriptors with the same device and number are of one."""

    driver: str
    device: str
    number: str
    system: int  # bytes of the machine's memory


def parse_drm_client(text: bytes) -> DrmClient | None:
    """Read a client; None for what is no graphics device.

    >>> parse_drm_client(b"pos:\\t0\\ndrm-driver:\\tamdgpu\\ndrm-client-id:\\t3\\ndrm-memory-gtt:\\t8 KiB\\n")
    DrmClient(driver='amdgpu', device='', number='3', system=8192)
    """
    fields = dict(_LINE.findall(text.decode("utf-8", "replace")))
    if "driver" not in fields:
        return None
    regions: dict[str, int] = {}
    for kind in ("memory", "total", "resident"):  # the last that is told holds: what is really there
        for key, value in fields.items():
            region, amount = key.removeprefix(f"{kind}-"), _AMOUNT.fullmatch(value.strip())
            if region != key and amount and _OF_THE_MACHINE.fullmatch(region):
                regions[region] = int(amount[1]) * _FACTORS[amount[2] or ""]
    who = (fields["driver"].strip(), fields.get("pdev", "").strip(), fields.get("client-id", "").strip())
    return DrmClient(*who, sum(regions.values()))

"""/sys/kernel/debug/dma_buf/bufinfo: buffers that devices share, by who made them; root's.

Source: Documentation/driver-api/dma-buf.rst; the format is that of Linux 4.8 to 7.2.
"""

from __future__ import annotations

import re

_BUFFER = re.compile(r"^([0-9]{8,19})\s+[0-9a-f]{8}\s+[0-9a-f]{8}\s+[0-9a-f]{8}\s+(\S{1,64})", re.MULTILINE)


def parse_bufinfo(text: bytes) -> dict[str, int]:
    """Map each exporter to the bytes of its buffers.

    >>> parse_bufinfo(b"00008192\\t00000002\\t00080007\\t00000003\\tsystem\\t00000009\\t<none>\\n")
    {'system': 8192}
    """
    found: dict[str, int] = {}
    for size, exporter in _BUFFER.findall(text.decode("utf-8", "replace")):
        found[exporter] = found.get(exporter, 0) + int(size)
    return found

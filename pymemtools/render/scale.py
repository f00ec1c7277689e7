"""Amounts as free prints them."""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """A unit: ``base`` to the ``power``; or, for people, the largest that keeps a figure short."""

    power: int
    base: int
    human: bool = False

    def text(self, size: int | None) -> str:
        """Give bytes in this unit, cut towards zero; unknown is ``-``.

        >>> Scale(1, 1024).text(4095), Scale(1, 1024, human=True).text(10189 << 10)
        ('3', '9Mi')
        """
        if size is None:
            return "-"
        if self.human:
            return self._human(size)
        if self.power == 0:
            return str(size)
        if self.power == 1:
            return str(size // self.base if size >= 0 else -(-size // self.base))
        return str(int(size / float(self.base) ** self.power))

    def _human(self, size: int) -> str:
        """Follow procps's scale_size(): at most three digits, a decimal only below 10, in single precision."""
        import struct

        suffix = "i" if self.base == 1024 else ""
        longest = 4 + len(suffix)
        text = f"{size}B"
        if len(text) <= 4:
            return text
        for power, unit in enumerate("KMGTP", 1):
            value = size / float(self.base) ** power
            single: float = struct.unpack("f", struct.pack("f", value))[0]
            text = f"{single:.1f}{unit}{suffix}"
            if len(text) <= longest:
                return text
            text = f"{int(value)}{unit}{suffix}"
            if len(text) <= longest:
                return text
        return text

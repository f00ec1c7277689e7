"""What the experiment's process tells ours: plain values, a length before each."""

from __future__ import annotations

import marshal
import os
from typing import Any

_LENGTH = 4


def send(pipe: int, *message: Any) -> None:
    """Write one message, whole."""
    text = marshal.dumps(message)
    rest = memoryview(len(text).to_bytes(_LENGTH, "little") + text)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def receive(pipe: int) -> tuple[Any, ...] | None:
    """Wait for a message; None when nobody is left to send one, or the last was cut off."""
    text = _exactly(pipe, int.from_bytes(_exactly(pipe, _LENGTH), "little"))
    message: tuple[Any, ...] | None = marshal.loads(text) if text else None  # noqa: S302 (our own process wrote it)
    return message


def _exactly(pipe: int, size: int) -> bytes:
    text = bytearray()
    while len(text) < size:
        piece = os.read(pipe, size - len(text))
        if not piece:
            return b""
        text += piece
    return bytes(text)

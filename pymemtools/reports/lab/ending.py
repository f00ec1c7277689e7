"""How a program ended: the status that a shell makes of it, and words."""

from __future__ import annotations

import signal


def exit_status_of(code: int) -> int:
    """Give what a shell makes of how a program ended: its status, or 128 and the signal's number.

    >>> exit_status_of(3), exit_status_of(-9)
    (3, 137)
    """
    return code if code >= 0 else 128 - code


def ending_of(code: int) -> str:
    """Say how a program ended: by which status, or, below 0, by which signal.

    >>> ending_of(3), ending_of(-9), ending_of(-40)
    ('exit status 3', 'SIGKILL', 'signal 40')
    """
    return f"exit status {code}" if code >= 0 else signal_name(-code)


def signal_name(number: int) -> str:
    """Name a signal; of those for real time only the first and the last have names."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

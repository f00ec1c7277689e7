"""Put back what was changed: debts are written down before the change, and settled whatever happens."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.control.reasons import why_not
from pymemtools.control.settings import current, write_text
from pymemtools.errors import MemtoolsError

_PATIENCE = 5.0  # seconds for a group to become empty after its last process was killed
_PAUSE = 0.01
SETTING, GROUP, CONTROLLER, FILE = "setting", "group", "controller", "file"


class Debt(NamedTuple):
    """What is to be undone: a setting's old value, a group or file to be removed, a controller to be taken away."""

    kind: str
    path: str
    value: str = ""


def settle_all(debts: Iterable[Debt]) -> list[str]:
    """Undo all, last first; say of each what could not be undone. What is as it was is left alone."""
    found = []
    for debt in reversed(list(debts)):
        try:
            _UNDO[debt.kind](debt)
        except (OSError, MemtoolsError) as error:
            reason = why_not(error) if isinstance(error, OSError) else str(error)
            found.append(f"{debt.path}: {reason}")
    return found


def _put_setting_back(debt: Debt) -> None:
    if current(debt.path) != debt.value:
        write_text(debt.path, debt.path, debt.value)


def _remove_group(debt: Debt) -> None:
    """Remove a control group; one whose last process has just ended stays busy for a moment."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            os.rmdir(debt.path)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def _take_controller_away(debt: Debt) -> None:
    """Take the controller from the groups of a level, if it was given at all."""
    if debt.value.lstrip("-") in current(debt.path).split():
        write_text(debt.path, debt.path, debt.value)


def _remove_file(debt: Debt) -> None:
    try:
        os.unlink(debt.path)
    except OSError:
        if os.path.lexists(debt.path):  # else it was never made, or is gone
            raise


_UNDO = {SETTING: _put_setting_back, GROUP: _remove_group, CONTROLLER: _take_controller_away, FILE: _remove_file}

"""Run cases through the models, and say how far each is off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from pymemtools.errors import Missing

EXACT, WITHIN, FAILED, NOT_APPLICABLE = "exact", "within tolerance", "failed", "not applicable"


class Case(NamedTuple):
    """One test point, and the folder of its file."""

    id: str
    model: str
    kernel: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    tolerance: float | None
    folder: Path


class NotModelled(NamedTuple):
    """Say of one expected figure why no model gives it."""

    reason: str


class Bounds(NamedTuple):
    """A prediction that is a window."""

    least: float
    most: float


class Verdict(NamedTuple):
    """What came of a case: one of the four words, the worst error, and what is to be said of it."""

    status: str
    error: float
    remarks: list[str]


Adapter = Callable[[Case], Mapping[str, Any]]  # raises LookupError where a case is not applicable


def case_of(point: Mapping[str, Any], folder: Path) -> Case:
    """Read one test point."""
    return Case(
        point["id"],
        point["model"],
        point.get("kernel") or "",
        point["inputs"],
        point["expected"],
        point.get("tolerance"),
        folder,
    )


def judge(case: Case, adapters: Mapping[str, Adapter]) -> Verdict:
    """Predict a case, and compare every figure that is expected."""
    if case.model not in adapters:
        return Verdict(NOT_APPLICABLE, 0, [f"no model '{case.model}'"])
    try:
        predicted = adapters[case.model](case)
    except LookupError as error:
        reason = error.args[0] if error.args else "input missing"
        return Verdict(NOT_APPLICABLE, 0, [f"input missing: {reason}" if isinstance(error, KeyError) else str(reason)])
    except Missing as error:  # a rule of that era needs what the case does not tell
        return Verdict(NOT_APPLICABLE, 0, [str(error)])
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return Verdict(FAILED, inf, [f"inputs that no adapter understands: {error}"])
    worst, status, remarks, compared = 0.0, EXACT, [], 0
    for key, measured in case.expected.items():
        if measured is None:
            continue
        if key not in predicted:
            return Verdict(FAILED, inf, [f"{key}: expected {measured}, the model gives none"])
        found = predicted[key]
        if isinstance(found, NotModelled):
            remarks.append(f"{key}: {found.reason}")
            continue
        compared += 1
        distance, is_good = _compare(found, measured, case.tolerance)
        worst = max(worst, distance)
        if not is_good:
            status = FAILED
            remarks.append(f"{key}: expected {_short(measured)}, predicted {_short(found)}")
        elif (distance or isinstance(found, Bounds)) and status == EXACT:
            status = WITHIN
    if not compared:
        return Verdict(NOT_APPLICABLE, 0, remarks)
    return Verdict(status, worst, remarks)


def _compare(found: Any, measured: Any, tolerance: float | None) -> tuple[float, bool]:
    """Give the error, and whether it is allowed. An interval was measured where the tolerance is null."""
    if isinstance(found, Bounds):
        low, high = (min(measured), max(measured)) if isinstance(measured, list) else (measured, measured)
        off = max(found.least - high, low - found.most, 0)
        return off, off <= (tolerance or 0)
    if isinstance(measured, Mapping):
        if not isinstance(found, Mapping) or not set(measured) <= set(found):
            return inf, False
        return _worst([(found[key], measured[key]) for key in measured], tolerance)
    if isinstance(measured, list):
        if tolerance is None and len(measured) == 2 and not isinstance(found, (list, tuple)):
            off = max(measured[0] - found, found - measured[1], 0)
            return off, off == 0
        if not isinstance(found, (list, tuple)) or len(found) != len(measured):
            return inf, False
        return _worst(list(zip(found, measured)), tolerance)
    if isinstance(measured, (bool, str)) or isinstance(found, (bool, str)) or found is None:
        return (0.0, True) if found == measured else (inf, False)
    error = abs(found - measured)
    return error, error <= (tolerance or 0)


def _worst(pairs: list[tuple[Any, Any]], tolerance: float | None) -> tuple[float, bool]:
    compared = [_compare(found, measured, tolerance) for found, measured in pairs]
    return max((error for error, _ in compared), default=0.0), all(is_good for _, is_good in compared)


def _short(value: Any) -> str:
    text = str(list(value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."

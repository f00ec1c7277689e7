"""The dirty thresholds of old kernels; those of newer ones are among the test points."""

from __future__ import annotations

import pytest

from pymemtools.models.release import Version
from pymemtools.models.writeback import DirtySettings, Thresholds, dirtyable, thresholds


@pytest.mark.parametrize(
    ("version", "memory"),
    [
        ((2, 6, 32), 1000 + 500 + 300 + 1),
        ((3, 6, 0), 1000 - 100 + 500 + 300 + 1),
        ((3, 10, 65), 1000 - 100 + 500 + 1),
        ((3, 14, 0), 1000 - 100 + 500 + 1),
        ((6, 1, 0), 1000 - 100 + 500 + 1),
    ],
)
def test_what_counted_as_dirtyable(version: Version, memory: int) -> None:
    assert dirtyable(1000, 500, 100, version=version, swappable=300) == memory


def test_the_least_ratio_of_old_kernels() -> None:
    assert thresholds(1000, DirtySettings(1, 1), version=(2, 6, 32)) == Thresholds(50, 10)
    assert thresholds(1000, DirtySettings(1, 1), version=(3, 2, 0)) == Thresholds(10, 5)
    assert thresholds(1000, DirtySettings(1, 0, 0, 40960), version=(3, 2, 0)) == Thresholds(10, 5)

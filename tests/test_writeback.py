"""The dirty thresholds against what kernels from 4.4 to 6.8 report in vmstat."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import HERE

from pymemtools.models.release import parse_release
from pymemtools.models.writeback import DirtySettings, HighZone, dirtyable, thresholds

POINTS = json.loads((HERE / "testpoints" / "dirty.json").read_text())["testpoints"]


@pytest.mark.parametrize("point", [pytest.param(point, id=point["id"]) for point in POINTS])
def test_thresholds(point: dict[str, Any]) -> None:
    inputs, version = point["inputs"], parse_release(point["kernel"])
    high = [
        HighZone(
            *(zone[key] for key in ("free", "high", "managed", "protection")),
            zone["active_file"] + zone["inactive_file"],
        )
        for zone in inputs["highmem_zones"]
        if inputs["highmem_is_dirtyable"] == 0
    ]
    file = inputs["nr_active_file"] + inputs["nr_inactive_file"]
    memory = dirtyable(inputs["nr_free_pages"], file, inputs["totalreserve_pages"], high, version)
    settings = DirtySettings(**{name: inputs[name] for name in DirtySettings._fields})
    found = thresholds(memory, settings, version=version)
    expected = point["expected"]
    assert found == (expected["nr_dirty_threshold"], expected["nr_dirty_background_threshold"])

"""Figures that contradict each other, that cannot be, or that are not there: each costs what rests on it, no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import HERE, Run

ODD = HERE / "captures" / "odd"
EXAMPLE = str(HERE.parent / "pymemtools" / "data" / "example.tar.gz")
ZONEINFO = """\
Node 0, zone      DMA
  pages free     3840
  min      16
  low      32
  high     48
  present  3998
  managed  3840
  protection: (0, 11000)
Node 0, zone   Normal
  pages free     100000
  min      4000
  low      5000
  high     6000
  present  120000
  managed  110000
  protection: (0, 0)
"""


def ask(pymemtools: Run, *args: str) -> dict[str, Any]:
    done = pymemtools(*args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def test_zones_need_a_zoneinfo_and_no_more(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "zoneinfo").write_text(ZONEINFO)
    for place in (tmp_path, tmp_path / "proc"):
        rows = ask(pymemtools, "zones", "-S", str(place))["rows"]
        assert [(row["zone"], row["free"]) for row in rows] == [("DMA", 3840 * 4096), ("Normal", 100000 * 4096)]


def test_a_zone_keeps_no_more_than_it_has(pymemtools: Run, tmp_path: Path) -> None:
    vm = tmp_path / "proc" / "sys" / "vm"
    vm.mkdir(parents=True)
    (tmp_path / "proc" / "zoneinfo").write_text(ZONEINFO)
    (vm / "lowmem_reserve_ratio").write_text("10\t32\n")
    done = pymemtools("tunables", "list", "-S", str(tmp_path))
    assert "DMA keeps all of its 15.0 MiB\n" in done.stdout.decode()
    (vm / "lowmem_reserve_ratio").write_text("256\t32\n")
    done = pymemtools("tunables", "list", "-S", str(tmp_path))
    assert "DMA keeps 1.7 MiB\n" in done.stdout.decode()


def test_kswapd_wakes_at_one_level(pymemtools: Run) -> None:
    explained = pymemtools("tunables", "explain", "min_free_kbytes", "-S", EXAMPLE)
    low = ask(pymemtools, "what-if", "watermarks", "-S", EXAMPLE)["totals"]["low"]
    assert f"kswapd wakes below {low / (1 << 20):.1f} MiB free" in " ".join(explained.stdout.decode().split())
    rows = ask(pymemtools, "zones", "-S", EXAMPLE)["rows"]
    assert sum(row["low"] for row in rows) == low


def test_the_supposed_mode_is_not_now(pymemtools: Run) -> None:
    rows = ask(pymemtools, "what-if", "overcommit", "-S", EXAMPLE, "--set", "overcommit_memory=2")["rows"]
    assert [row["is_current"] for row in rows] == [True, False, False]

"""what-if cache, malloc and pss: whole outputs, and what makes no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import HERE, Run

from pymemtools.reports.what_if.page_cache import GENERATIONS, TWO_LISTS, lrus
from pymemtools.sources import open_source

BOTH = b"pymemtools: what-if cache: nothing tells whether MGLRU is on: the answers of both are given (--lru chooses)\n"


def transcripts() -> list[object]:
    calls = (HERE / "what_if" / "cache.transcript").read_text().split("$ what-if ")[1:]
    return [pytest.param(*call.split("\n", 1), id=call.split("\n", 1)[0]) for call in calls]


@pytest.mark.parametrize(("arguments", "expected"), transcripts())
def test_whole_output(pymemtools: Run, arguments: str, expected: str) -> None:
    done = pymemtools("--demo", "what-if", *arguments.split())
    assert done.stdout.decode() == expected
    assert max(map(len, expected.split("\n"))) <= 80
    is_one = "--lru" in arguments or not arguments.startswith("cache")
    assert done.stderr == (b"" if is_one else BOTH)


def test_cache_as_json(pymemtools: Run) -> None:
    done = pymemtools("--demo", "what-if", "cache", "200M", "--with", "1G", "--disk", "100M", "-f", "json")
    document = json.loads(done.stdout)
    mib = 1 << 20
    seen = [
        (row["lru"], row["pass"], row["file"], row["hits"] // mib, row["cached"] // mib) for row in document["rows"]
    ]
    classic = [(1, "A", 0, 200), (2, "A", 200, 200), (3, "B", 0, 236), (4, "A", 200, 200)]
    mglru = [(1, "A", 0, 200), (2, "A", 200, 200), (3, "B", 0, 436), (4, "A", 0, 200)]
    assert seen == [("classic", *row) for row in classic] + [("mglru", *row) for row in mglru]
    assert [round(row["seconds"], 3) for row in document["rows"][:4]] == [2.098, 0.098, 10.74, 0.098]
    whole = document["totals"]["seconds_by_lru"]
    assert {lru: round(seconds, 3) for lru, seconds in whole.items()} == {"classic": 13.033, "mglru": 15.033}
    assert document["rows"][2]["evicted"] == {"B": 825917440}
    for row in document["rows"]:
        assert row["hits"] + row["misses"] == row["size"]
    percents = [round(100 * row["error_bound"] / row["size"]) for row in document["rows"]]
    assert percents == [4, 4, 25, 25, 3, 3, 3, 3]
    assert document["totals"]["room"] == 457539584
    assert list(document["totals"]["rule_by_lru"]) == ["classic", "mglru"]
    assert document["totals"]["read_total"] - document["totals"]["mmap_total"] == 200 * mib
    assert len(document["notes"]) == 1


def test_malloc_and_pss_as_json(pymemtools: Run) -> None:
    done = json.loads(pymemtools("--demo", "what-if", "malloc", "8", "200000", "-f", "json").stdout)
    assert [(row["pointer"], row["break_before"], row["break"], row["mapped"]) for row in done["rows"]] == [
        (672, 0, 135168, 0),
        (None, 135168, 135168, 200704),
    ]
    assert done["totals"]["error_bound"] == 0
    done = json.loads(pymemtools("--demo", "what-if", "pss", "--shared", "12K:3", "-f", "json").stdout)
    assert [row["share"] for row in done["rows"]] == [4096.0]
    assert done["totals"].pop("rule").startswith("each page counts as its size by the number of processes")
    assert done["totals"] == {"rss": 12288, "pss": 4096.0, "uss": 0, "pss_by_the_kernel": 4095}
    done = json.loads(pymemtools("--demo", "what-if", "pss", "-f", "json").stdout)
    assert (done["totals"]["pss"], done["totals"]["pss_by_the_kernel"]) == (256000.0, None)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("cache 0", 2, "what-if cache: a file of no size needs no cache"),
        ("cache 1M --with 0", 2, "what-if cache: a file of no size needs no cache"),
        (
            "cache x",
            2,
            "what-if cache: Invalid value for 'SIZE': 'x' is no size; write for example 512K, 1.5M or 4G; "
            "try 'pymemtools what-if cache --help'",
        ),
        ("cache 1M --limit 4K --lru classic", 1, "what-if cache: no page cache has room there"),
        (
            "cache 1M --disk 0",
            2,
            "what-if cache: Invalid value for '--disk': a rate of nothing; try 'pymemtools what-if cache --help'",
        ),
        ("malloc 3G --bits 32", 2, "what-if malloc: 3.0 GiB: more than half of the address space is refused"),
        ("malloc 1 --glibc x", 2, "what-if malloc: --glibc: 'x' is no version; write for example 2.36"),
        ("malloc 1 2 --count 600000", 2, "what-if malloc: 1200000 calls are too many: at most 1000000"),
        ("malloc", 2, "what-if malloc: Missing argument 'SIZE...'; try 'pymemtools what-if malloc --help'"),
        ("pss --private 0", 2, "what-if pss: no memory has no shares"),
        (
            "pss --shared 1K:0",
            2,
            "what-if pss: Invalid value for '--shared': '1K:0': write SIZE:N, for example 200K:2, "
            "where N processes share it; try 'pymemtools what-if pss --help'",
        ),
    ],
)
def test_what_makes_no_sense(pymemtools: Run, arguments: str, status: int, message: str) -> None:
    done = pymemtools("--demo", "what-if", *arguments.split())
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.decode() == f"pymemtools: {message}\n"


def test_part_of_a_page_is_noted(pymemtools: Run) -> None:
    done = pymemtools("--demo", "what-if", "pss", "--private", "1K")
    assert done.stderr.decode() == (
        "pymemtools: what-if pss: the kernel counts whole pages, here of 4.0 KiB: no process has just that much\n"
    )
    assert "would print" not in done.stdout.decode()


def machine(path: Path, switch: str | None) -> Path:
    (path / "proc" / "1").mkdir(parents=True)
    (path / "proc" / "meminfo").write_text("MemTotal: 8 kB\n")
    if switch is not None:
        (path / "sys" / "kernel" / "mm" / "lru_gen").mkdir(parents=True)
        (path / "sys" / "kernel" / "mm" / "lru_gen" / "enabled").write_text(switch)
    return path


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        ("0x0007\n", [GENERATIONS]),
        ("0x0000\n", [TWO_LISTS]),
        ("0x0006\n", [TWO_LISTS]),
        ("what\n", [TWO_LISTS, GENERATIONS]),
        (None, [TWO_LISTS, GENERATIONS]),
    ],
)
def test_which_lru_a_kernel_has(tmp_path: Path, switch: str | None, expected: list[str]) -> None:
    source = open_source(str(machine(tmp_path, switch)))
    assert lrus(source, (6, 12, 0), is_supposed=False) == expected
    assert lrus(source, (6, 12, 0), is_supposed=True) == [TWO_LISTS, GENERATIONS]
    assert lrus(source, (6, 0, 0), is_supposed=False) == [TWO_LISTS]

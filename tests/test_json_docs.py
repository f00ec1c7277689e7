"""docs/json.md says what every key means, as the columns do, and commands print no other."""

from __future__ import annotations

import json

import pytest
from command_tree import with_option
from conftest import CAPTURES, HERE
from json_docs import document

from pymemtools.cli import cli
from pymemtools.reports.totals import SUMMED, TOTALS
from pymemtools.reports.vocabulary import VOCABULARY, Rows, clashes
from pymemtools.sources.example import demo_path

OOM_LOG = HERE / "oom_reports" / "own-x86_64-6.1.176-464M-100Mswap-global-r1.txt"
FLEET = ("hosts", "grew", "top", "tunables", "risk", "report", "what-if")
CALLS = {  # a call for each command in the vocabulary: of the example, where it reads anything
    "fleet tunables": "fleet tunables swappiness",
    "fleet risk": "fleet risk --within 99",
    "fleet what-if": "fleet what-if alloc 1G",
    "free": "free -t",
    "smem": "smem -c all",
    "smem -m": "smem -m -c all",
    "smem -u": "smem -u -c all",
    "smem -g": "smem -g command -c all",
    "smem -g tree": "smem -g tree -c all",
    "smem --diff": "smem --diff OTHER -c all",
    "pmap": "pmap -XX 297",
    "vgraph": "vgraph --rss 297",
    "status": "status 297",
    "oom-scores --safer-than": "oom-scores --safer-than 279 297",
    "thp PID": "thp 297",
    "faults --top": "faults --top 5",
    "drop-caches": "drop-caches --dry-run",
    "cache": f"cache --bar --who {HERE / 'conftest.py'}",
    "tunables get": "tunables get vm.swappiness",
    "tunables explain": "tunables explain vm.swappiness",
    "what-if alloc": "what-if alloc 100M",
    "what-if cache": "what-if cache 100M",
    "what-if dirty": "what-if dirty --write 100M --disk 10M",
    "what-if fork": "what-if fork 297",
    "what-if malloc": "what-if malloc 100 1M",
}
SWAPPED = str(CAPTURES / "odd" / "swapped")  # the example has no swap
FRAMES = str(CAPTURES / "odd" / "frames")  # nor a histogram of kpageflags
GROUPS = str(CAPTURES / "x86_64-7.2" / "selftest.tar.gz")  # nor groups
ALONE = {  # not of the example
    "zones --table": (),
    **dict.fromkeys((f"fleet {name}" for name in FLEET), ("-S", str(HERE / "fleet"))),
    "report --list": (),
    "cache": (),
    "oom-report": (str(OOM_LOG),),
    "swap": ("-S", SWAPPED),
    "report": ("-S", SWAPPED),  # which has something to find
    "groups": ("-S", GROUPS),
    "pages --flags": ("-S", FRAMES),
}
LIVE = (
    "free -s",
    "vgraph --pages",
    "oom-scores --wide",
    "tunables set",
    "numa PID",
    "ksm --estimate",
    "pages -p",
    "wss",
    "trend",  # of a recording: see test_trend.py
)  # not of a copy
SOMETIMES = {  # totals that are there only where they mean something
    "oom-scores": ("victim_pid", "victim_name", "victim_score", "cgroup", "oom_cgroup", "killed_pids"),
    "cache": ("trees", "cached", "rest", "shmem", "pss", "rss", "anonymous", "mapped"),
    "what-if oom": ("victim_swap_in_ram_least", "victim_swap_in_ram_most"),
}
EXPERIMENTS = tuple(rows.command for rows in VOCABULARY if rows.command.startswith("lab"))  # see test_lab.py


def test_the_page_is_what_the_columns_say() -> None:
    """If not, run: python -m tests.json_docs > docs/json.md"""
    page = (HERE.parent / "docs" / "json.md").read_text(encoding="utf-8")
    assert page.splitlines() == list(document())


@pytest.mark.parametrize("command", [rows.command for rows in VOCABULARY if rows.command not in (*LIVE, *EXPERIMENTS)])
def test_rows_have_documented_keys_only(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    call = CALLS.get(command, command).replace("OTHER", str(CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"))
    source = ALONE.get(command, ("-S", demo_path()))
    cli.main([*call.split(), *source, "-f", "json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    rows, totals = found["rows"], set(found["totals"] or ())
    columns = next(rows.columns for rows in VOCABULARY if rows.command == command)
    documented = {column.key for column in columns}
    printed = {key.removeprefix("delta_") if "delta_KEY" in documented else key for row in rows for key in row}
    assert printed
    assert sorted(printed - documented) == []
    sums = {key for key in totals if key.removeprefix("delta_") in documented} if command in SUMMED else set()
    told = {column.key for column in TOTALS.get(command, ())}
    assert sorted(totals - sums - told) == []
    assert sorted(told - totals - set(SOMETIMES.get(command, ()))) == []


def test_totals_are_of_commands_that_there_are() -> None:
    assert sorted({*TOTALS, *SUMMED, *SOMETIMES} - {rows.command for rows in VOCABULARY}) == []


def test_every_command_for_programs_is_documented() -> None:
    documented = {rows.command.partition(" -")[0] for rows in VOCABULARY}
    own = {"fleet sql"}  # whose columns are those of the query
    assert set(with_option("style")) - documented == own


@pytest.mark.parametrize("rows", VOCABULARY, ids=[rows.command for rows in VOCABULARY])
def test_each_key_is_there_once_and_explained(rows: Rows) -> None:
    for columns in (rows.columns, TOTALS.get(rows.command, ())):
        keys = [column.key for column in columns]
        assert len({*keys}) == len(keys)
        assert [column.key for column in columns if not column.help] == []


def test_a_key_has_one_unit_everywhere() -> None:
    assert list(clashes()) == []

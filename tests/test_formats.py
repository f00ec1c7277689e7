"""Every mode of every command honours -f or refuses it: one walk over the commands and options that there are.

A command that is new needs a call in CALLS, an option that takes a value one in VALUES: the walk says so.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from asleep import wait_until_asleep
from command_tree import commands
from conftest import CAPTURES, HERE, Run
from recordings import Told, every_ten_seconds, meminfo, record

from pymemtools.cli import _call
from pymemtools.reports.totals import SUMMED, TOTALS
from pymemtools.reports.vocabulary import VOCABULARY
from pymemtools.sources.example import demo_path

pytestmark = pytest.mark.live

SMEMCAP = CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"
GROUPS = CAPTURES / "groups-6.1" / "plain.tar.gz"
FLEET = HERE / "fleet"
OOM_LOG = HERE / "oom_reports" / "own-x86_64-6.1.176-464M-100Mswap-global-r1.txt"
NO_DATA = (
    "capture",
    "completion",
    "help",
    "lab watch",
    "record",
    "fleet ingest",
    "fleet compact",
)  # lab watch: stdout is that of what it runs
CALLS = {  # a call for each command
    "cache": f"cache {OOM_LOG}",
    "drop-caches": "--demo drop-caches --dry-run",
    "faults": "--demo faults",
    "free": "--demo free",
    "groups": f"groups -S {GROUPS}",
    "info": "--demo info",
    "iomem-graph": "--demo iomem-graph",
    "ksm": "--demo ksm",
    "lab aslr": "lab aslr --samples 20",
    "lab cow": "lab cow --pages 4",
    "lab demand-paging": "lab demand-paging --pages 3",
    "lab drop-caches": "lab drop-caches --dry-run",  # it is the whole machine's
    "lab ksm": "lab ksm --dry-run",
    "lab malloc": "lab malloc 100",
    "lab mmap-vs-read": "lab mmap-vs-read --size 64K",
    "lab oom": "lab oom --limit 8M",
    "lab overcommit": "lab overcommit",
    "lab page-cache": "lab page-cache --size 1M",
    "lab segv": "lab segv null",
    "lab stack": "lab stack",
    "lab swap": "lab swap --pages 10",
    "lab watermarks": "lab watermarks --dry-run",
    "lab writeback": "lab writeback --size 1M",
    "metrics": "--demo metrics",
    "numa": "--demo numa",
    "oom-report": f"oom-report {OOM_LOG}",
    "oom-scores": "--demo oom-scores",
    "pages": "--demo pages",
    "pmap": "--demo pmap 297",
    "fleet grew": f"fleet grew -S {FLEET}",
    "fleet hosts": f"fleet hosts -S {FLEET}",
    "fleet report": f"fleet report -S {FLEET}",
    "fleet risk": f"fleet risk --within 90% -S {FLEET}",
    "fleet sql": f"fleet sql FROM/**/latest -S {FLEET}",
    "fleet top": f"fleet top -S {FLEET}",
    "fleet tunables": f"fleet tunables swappiness -S {FLEET}",
    "fleet what-if": f"fleet what-if alloc 100M -S {FLEET}",
    "report": "--demo report",
    "selftest": "--demo selftest",
    "smem": "--demo smem",
    "status": "--demo status 297",
    "swap": f"swap -S {CAPTURES / 'odd' / 'swapped'}",
    "thp": "--demo thp",
    "trend": "trend -S RECORDING",
    "tunables explain": "--demo tunables explain vm.swappiness",
    "tunables get": "--demo tunables get vm.swappiness",
    "tunables list": "--demo tunables list",
    "tunables set": "tunables set --dry-run vm.swappiness=60",
    "vgraph": "--demo vgraph 297",
    "what-if alloc": "--demo what-if alloc 100M",
    "what-if cache": "--demo what-if cache 100M",
    "what-if dirty": "--demo what-if dirty --write 100M --disk 10M",
    "what-if drop-caches": "--demo what-if drop-caches",
    "what-if fork": "--demo what-if fork 297",
    "what-if malloc": "--demo what-if malloc 100 1M",
    "what-if oom": "--demo what-if oom",
    "what-if overcommit": "--demo what-if overcommit",
    "what-if pss": "--demo what-if pss",
    "what-if watermarks": "--demo what-if watermarks",
    "wss": "wss ASLEEP --seconds 0.01",
    "zones": "--demo zones",
}
VALUES = {  # what an option that takes a value is given, where it is a mode or changes the columns
    "--by": "process", "--column": "rss", "--from": "-5m", "--to": "last",
    "--memory": "100M", "--per": "firmware", "--rows": "2", "--within": "80",
    "--after": "1", "--alloc": "1M:x", "--before": "1", "--bits": "32", "--cgroup": "/", "--color": "never",
    "--compat": "fincore",
    "--copy": "1G", "--count": "2", "--depth": "1", "--dirty": "50", "--diff": str(SMEMCAP), "--disk": "10M",
    "--file": "1G", "--find": "lib", "--glibc": "2.31", "--group": "/", "--holes": "none", "--kernel": "5.10",
    "--last": "1", "--mapfilter": "lib",
    "--limit": "100M", "--lru": "classic", "--max-size": "1G", "--method": "mmap", "--min": "1M", "--min-size": "1M",
    "--name": "lib", "--order": "low", "--pages": "4", "--pid": "297", "--private": "1M", "--processfilter": ".",
    "--ram": "1G", "--rate": "100M",
    "--range": "0,ffffffffffff", "--readers": "2", "--reads": "2", "--realmem": "1024M", "--safer-than": "278 297",
    "--scale": "log", "--set": "vm.swappiness=10", "--set-adj": "297=100", "--shared": "100K:2", "--swap": "1G",
    "--sync-timeout": "1", "--threshold": "1M", "--timeout": "5", "--top": "3",
    "--top-pad": "1M", "--touch": "read", "--userfilter": ".", "--via": "mmap",
    "--width": "80", "--with": "10M", "--write": "10M",
}  # fmt: skip
SPECIAL = {  # modes that are called in their own way
    ("cache", "--all"): "cache --pid ASLEEP",  # of as many processes as there are it takes long
    ("cache", "--demo"): "--demo cache",
    ("cache", "--pid"): "cache --pid ASLEEP",
    ("fleet grew", "--top"): f"fleet grew --top 2 -S {FLEET}",
    ("fleet grew", "--output"): f"fleet grew -o x.svg -S {FLEET}",
    ("fleet hosts", "--output"): f"fleet hosts -o x.svg -S {FLEET}",
    ("fleet risk", "--output"): f"fleet risk -o x.svg -S {FLEET}",
    ("fleet top", "--output"): f"fleet top -o x.svg -S {FLEET}",
    ("fleet tunables", "--output"): f"fleet tunables swappiness -o x.svg -S {FLEET}",
    ("fleet what-if", "--output"): f"fleet what-if alloc 100M -o x.svg -S {FLEET}",
    ("fleet report", "--output"): f"fleet report -o x.html -S {FLEET}",
    ("free", "--cgroup"): f"free --cgroup=/ -S {GROUPS}",
    ("free", "--count"): "free -s 0.01 -c 2",
    ("free", "--seconds"): "free -s 0.01 -c 2",
    ("free", "--old"): "--demo free --classic -o",
    ("free", "--width"): "--demo free --bar --width 60",
    ("status", "--width"): "--demo status --all --width 80",
    ("faults", "--compat"): "--demo faults --compat sar",
    ("faults", "--count"): "faults --every 0.01 --count 2",
    ("faults", "--every"): "faults --every 0.01 --count 2",
    ("faults", "--from"): "faults --top 1 --from -5m -S RECORDING",
    ("faults", "--to"): "faults --top 1 --to last -S RECORDING",
    ("faults", "--output"): "faults --every 0.01 --count 1 -o x.svg",
    ("faults", "--plot"): "faults --every 0.01 --count 1 --plot",
    ("metrics", "--output"): "--demo metrics -o x.prom",
    ("groups", "--columns"): f"groups -S {GROUPS} --columns limit",
    ("groups", "--sort"): f"groups -S {GROUPS} -s limit",
    ("lab aslr", "--samples"): "lab aslr --samples 21",
    ("lab oom", "--output"): "lab oom --limit 8M -o x.svg --force",
    ("lab drop-caches", "--size"): "lab drop-caches --dry-run --size 1M",
    ("lab mmap-vs-read", "--size"): "lab mmap-vs-read --size 128K",
    ("lab watermarks", "--output"): "lab watermarks --dry-run -o x.svg",
    ("lab writeback", "--output"): "lab writeback --size 64K -o x.svg --force",
    ("lab writeback", "--size"): "lab writeback --size 64K",
    ("lab ksm", "--pages"): "lab ksm --dry-run --pages 2048",
    ("lab swap", "--pages"): "lab swap --pages 20",
    ("lab stack", "--depth"): "lab stack --depth 1M",
    ("lab oom", "--limit"): "lab oom --limit 9M",
    ("lab oom", "--within"): "lab oom --limit 8M --within addresses",
    ("lab page-cache", "--size"): "lab page-cache --size 64K",
    ("iomem-graph", "--diff"): "--demo iomem-graph --diff DEMO",
    ("iomem-graph", "--output"): "--demo iomem-graph -o x.svg",
    ("ksm", "--estimate"): "ksm --estimate -p ASLEEP",
    ("ksm", "--whole"): "ksm --estimate --whole -p ASLEEP",
    ("wss", "--method"): "wss ASLEEP --seconds 0.01 --method referenced",
    ("wss", "--seconds"): "wss ASLEEP --seconds 0.01,0.02",
    ("oom-scores", "--group"): f"oom-scores -S {GROUPS} --group /",
    ("oom-scores", "--sort"): "--demo oom-scores -s rss",
    ("oom-scores", "--wide"): "oom-scores --wide --top 3",
    ("pages", "--flags"): f"pages --flags -S {CAPTURES / 'odd' / 'frames'}",
    ("pages", "--pid"): "pages --pid ASLEEP",
    ("pmap", "--columns"): "--demo pmap --columns size,rss 297",
    ("pmap", "--diff"): "--demo pmap --diff DEMO 297",
    ("pmap", "--group"): "--demo pmap --group kind 297",
    ("pmap", "--sort"): "--demo pmap -s rss 297",
    ("smem", "--bar"): "--demo smem --bar command",
    ("smem", "--columns"): "--demo smem -c pid,pss",
    ("smem", "--group"): "--demo smem -g command",
    ("smem", "--output"): "--demo smem --pie command -o x.svg",
    ("smem", "--pie"): "--demo smem --pie command",
    ("smem", "--sort"): "--demo smem -s pss",
    ("status", "--all"): "--demo status --all",
    ("report", "--diff"): "--demo report --diff DEMO",
    ("report", "--fail-on"): "--demo report --fail-on critical",
    ("report", "--from"): "report -S RECORDING --from first",
    ("report", "--to"): "report -S RECORDING --to last",
    ("report", "--output"): "--demo report -o x.html",
    ("trend", "--output"): "trend -S RECORDING -o x.svg",
    ("vgraph", "--csv"): "--demo vgraph --csv - 297",
    ("vgraph", "--diff"): "--demo vgraph --diff DEMO 297",
    ("vgraph", "--output"): "--demo vgraph -o x.svg 297",
    ("vgraph", "--pages"): "vgraph --pages PROGRAM ASLEEP",
    ("what-if alloc", "--group"): f"what-if alloc 100M -S {GROUPS} --group /",
    ("what-if cache", "--group"): f"what-if cache 100M -S {GROUPS} --group /",
    ("what-if fork", "--group"): f"what-if fork 1 -S {GROUPS} --group /",
    ("what-if oom", "--group"): f"what-if oom -S {GROUPS} --group /",
    ("what-if dirty", "--output"): "--demo what-if dirty --write 100M --disk 10M -o x.svg --force",
    ("zones", "--ram"): "zones --ram 1G",
    ("zones", "--table"): "zones --table",
}
NO_MODES = {  # options that choose no other data
    "--dmesg": "this machine's log may be root's",
    "--force": "it replaces files",
    "--from": "another way to say what to set",
    "--persist": "it writes a file",
    "--kernel FILE": "smem: an image of the kernel",
    "--source": "it is in every call",
    "--at": "it needs a recording: tests/test_recording_replay.py has calls",
    "--version": "it is for people",
    "--format": "it is what is tested",
}
ENDLESS = ("--watch",)
TIMED = ("lab writeback", "lab oom", "lab watermarks")  # samples come while a program works


COMMANDS = dict(commands())


# An image that is not there, a layout of procps's, fincore's own JSON, and two captures of one machine.
NOT_WALKED = (("faults", "--diff"), ("smem", "--kernel"), ("pmap", "--width"), ("cache", "--compat"))


def modes(name: str) -> Iterator[str]:
    """Give the calls of a command: without options, and with each of them."""
    yield CALLS[name]
    for option in (param for param in COMMANDS[name].params if isinstance(param, click.Option)):
        long = max(option.opts, key=len)
        if long in NO_MODES or (name, long) in NOT_WALKED or long in ENDLESS:
            continue
        if (name, long) in SPECIAL:
            yield SPECIAL[name, long]
        elif option.is_flag or option.count:
            yield f"{CALLS[name]} {long}"
        else:
            assert long in VALUES, f"{name} {long}: say in VALUES or SPECIAL how it is called"
            yield f"{CALLS[name]} {long} {VALUES[long]}"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Record five minutes of a process that grows."""
    grown = Told(7, "grown", lambda number: 1000 + 10 * number)
    path = str(tmp_path_factory.mktemp("recording") / "a.rec")
    return record(path, [grown], every_ten_seconds(30, lambda number: {"meminfo": meminfo(4_000_000)}))


@pytest.fixture(scope="module")
def asleep() -> Iterator[str]:
    """Start a process whose files, mappings and pages stay what they are between two calls."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        wait_until_asleep(process.pid)
        yield str(process.pid)
        process.kill()


@pytest.fixture
def ask(  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: str, asleep: str
):
    """Give a function that calls the program in this process: status, output and errors."""

    monkeypatch.chdir(tmp_path)

    program = Path(f"/proc/{asleep}/maps").read_text().partition("-")[0]

    def run(call: str, style: str) -> tuple[int, str, str]:
        call = call.replace("DEMO", demo_path()).replace("RECORDING", recording)
        call = call.replace("PROGRAM", f"0x{program}").replace("ASLEEP", asleep)
        monkeypatch.setattr(sys, "argv", ["pymemtools", *call.split(), "-f", style])
        status = _call()
        return (status, *capsys.readouterr())

    return run


def test_every_command_is_called_here() -> None:
    assert sorted(COMMANDS) == sorted([*CALLS, *(name for name in NO_DATA if name in COMMANDS)])


@pytest.mark.parametrize("name", CALLS)
def test_format_is_honoured_or_refused(name: str, ask) -> None:  # type: ignore[no-untyped-def]
    if name == "tunables set" and os.geteuid():
        pytest.skip("whether a tunable can be set is checked first, and only root can")
    for call in modes(name):
        status, out, err = ask(call, "json")
        if status == 2:
            assert (out, "--format" in err) == ("", True), f"{call}: {err}"
            assert ask(call, "jsonl")[:2] == ask(call, "csv")[:2] == (2, "") or "jsonl" in err, call
            continue
        if name.startswith("lab ") and status == 3:
            pytest.skip(err)
        assert status == (3 if "--strict" in call and status else 0) or (name, status) == ("selftest", 1), (
            f"{call}: {status} {err}"
        )
        rows = the_rows(call, out)
        totals = {key.removeprefix("delta_") for key in json.loads(out)["totals"] or {}}
        assert sorted(totals - documented_totals(name)) == [], call
        lines = [json.loads(line) for line in ask(call, "jsonl")[1].splitlines()]
        keys = [sorted(line) for line in lines], [sorted(row) for row in rows]
        if name in TIMED:  # each call is an experiment of its own, with as many samples as it takes time
            keys = keys[0][:1], keys[1][:1]
        assert keys[0] == keys[1], call
        check_table(call, ask(call, "csv")[1], rows, is_timed=name in TIMED)


def documented_totals(name: str) -> set[str]:
    """Give the totals that docs/json.md has for a command, in any of its ways: sums of columns, and others."""
    if name == "fleet sql":
        return {"rows"}
    rows = [rows for rows in VOCABULARY if rows.command == name or rows.command.startswith(f"{name} ")]
    sums = (column for each in rows if each.command in SUMMED for column in each.columns)
    return {column.key for column in (*sums, *(each for row in rows for each in TOTALS.get(row.command, ())))}


def the_rows(call: str, text: str) -> list[dict[str, object]]:
    """Take the rows of a document, which has the keys of schema 2."""
    document = json.loads(text)
    assert list(document) == ["schema", "command", "source", "rows", "totals", "unreadable", "notes"], call
    assert document["schema"] == 2
    assert document["source"] == {} or "kind" in document["source"], call  # zones --table is of no machine
    rows: list[dict[str, object]] = document["rows"]
    assert all(isinstance(row, dict) for row in rows), call
    return rows


def check_table(call: str, text: str, rows: list[dict[str, object]], *, is_timed: bool = False) -> None:
    """A header of the rows' keys, but for those of what is nested, and a line a row."""
    header, *lines = csv.reader(io.StringIO(text))
    assert len({*header}) == len(header), call
    assert len(lines) == len(rows) or is_timed, call
    assert all(len(line) == len(header) for line in lines), call
    assert all({*header} <= {*row} for row in rows), call
    nested = {key for row in rows for key, value in row.items() if value is None or isinstance(value, (dict, list))}
    assert all({*row} - {*header} <= nested for row in rows), call


@pytest.mark.parametrize("style", ["json", "github"])
@pytest.mark.parametrize(
    "call",
    [
        "free -s 1",
        "groups --watch 1",
        "zones --watch 1",
        "status --all --watch 1",
        "swap --watch 1",
        "thp --watch 1",
        "numa --watch 1",
        "free --watch 1",
        "smem --watch 1",
        "oom-scores --watch 1",
        "pmap --watch 1 1",
        "vgraph --watch 1 1",
        "cache --watch 1 /",
        "wss --watch 1 1",
    ],
)
def test_modes_that_repeat_are_no_document(call: str, style: str, ask) -> None:  # type: ignore[no-untyped-def]
    status, out, err = ask(call, style)
    assert (status, out) == (2, "")
    assert f"not one document of {style}: use --format jsonl" in err


def test_modes_that_repeat_are_known() -> None:
    found = {name for name, command in COMMANDS.items() for param in command.params if {*ENDLESS} & {*param.opts}}
    assert found == {
        *("free", "groups", "smem", "oom-scores", "pmap", "vgraph", "status", "zones", "swap", "thp", "numa"),
        *("ksm", "pages", "cache", "wss"),
    }


@pytest.mark.parametrize("command", ["pmap", "vgraph", "cache -p", "wss --seconds 0.05"])
def test_rows_of_samples_have_their_moment(command: str) -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        call = [sys.executable, "-m", "pymemtools", *command.split(), str(child.pid), "--watch", "0.2", "-f", "jsonl"]
        env = os.environ | {"PYTHONPATH": str(HERE.parent)}
        with subprocess.Popen(call, env=env, stdout=subprocess.PIPE) as watcher:
            assert watcher.stdout is not None
            lines = [watcher.stdout.readline()]
            child.kill()
            child.wait()  # else it is a zombie, and still there
            lines += watcher.stdout
    rows = [json.loads(line) for line in lines]
    assert all(next(iter(row)) == "read_at" and row["read_at"].endswith("Z") for row in rows)


def test_a_dry_run_says_that_it_is_one(pymemtools: Run, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("whether a tunable can be set is checked first, and only root can")
    done = pymemtools("tunables", "set", "--dry-run", "vm.swappiness=61", "-f", "json")
    assert json.loads(done.stdout)["notes"] == ["a dry run: nothing was set"]

"""Metrics: both parsers of prometheus_client read them, promtool's rules hold, a file is there whole or not at all."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import CAPTURES, HERE, Run
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as by_openmetrics
from prometheus_client.parser import text_string_to_metric_families as by_prometheus
from trees import Map, Proc, write_tree

from pymemtools.cli.new_file import replace_file
from pymemtools.reports.metrics.families import COUNTER, FAMILIES

pytestmark = pytest.mark.live

GROUPS = CAPTURES / "groups-6.1" / "plain.tar.gz"


def families(text: str) -> dict[str, Metric]:
    """Read with both parsers, which must say the same: name, type, help and samples of each metric."""
    one, other = ({metric.name: metric for metric in parse(text)} for parse in (by_prometheus, by_openmetrics))
    assert one.keys() == other.keys()
    for name, metric in one.items():
        assert (metric.type, metric.documentation) == (other[name].type, other[name].documentation)
        assert metric.samples == other[name].samples
        assert all(sample.timestamp is None for sample in metric.samples)
    return other


TREE = (
    Proc(1, "/sbin/init", (Map("[heap]", 100),), comm="init"),
    Proc(7, "/bin/worker", (Map("[heap]", 3000, swap=40),), comm="worker"),
    Proc(8, "/bin/worker", (Map("[heap]", 1000),), comm="worker"),
    Proc(9, "/bin/x", (Map("[heap]", 20),), comm='say "hi"\\n'),
    Proc(10, "/bin/x", (Map("[heap]", 30),), comm="BAD"),
    Proc(11, "/bin/x", (Map("[heap]", 5),), comm="other"),
)
VMSTAT = "pgfault 100\npgmajfault 1\npgpgin 8\npswpin 2\noom_kill 3\npgscan_kswapd 5\npgsteal_kswapd 4\n"
TEXT = r"""# HELP pymemtools_processes Processes with memory.
# TYPE pymemtools_processes gauge
pymemtools_processes 6
# HELP pymemtools_processes_unreadable Processes whose memory could not be read, and is missing in all sums.
# TYPE pymemtools_processes_unreadable gauge
pymemtools_processes_unreadable 0
# HELP pymemtools_minor_faults_total Page faults that no disk had to be waited for.
pymemtools_minor_faults_total 99
# HELP pymemtools_major_faults_total Page faults that waited for a disk or for swap.
pymemtools_major_faults_total 1
# HELP pymemtools_paged_in_bytes_total Read from disks.
pymemtools_paged_in_bytes_total 8192
# HELP pymemtools_swapped_in_bytes_total Of that read from swap.
pymemtools_swapped_in_bytes_total 8192
# HELP pymemtools_scanned_pages_total Pages looked at in search of memory, by whomever.
pymemtools_scanned_pages_total 5
# HELP pymemtools_stolen_pages_total Pages taken back, each counted once.
pymemtools_stolen_pages_total 4
# HELP pymemtools_oom_kills_total Processes killed for want of memory.
pymemtools_oom_kills_total 3
# HELP pymemtools_some_stalled_seconds_total Time in which some process waited for memory.
pymemtools_some_stalled_seconds_total 2.5
# HELP pymemtools_command_processes Processes of this name.
# TYPE pymemtools_command_processes gauge
pymemtools_command_processes{command="worker"} 2
pymemtools_command_processes{command="init"} 1
pymemtools_command_processes{command="\\x1b[2J\\x0a\\xe9"} 1
pymemtools_command_processes{command="say \"hi\"\\n"} 1
pymemtools_command_processes{command="other"} 1
# HELP pymemtools_command_pss_bytes Memory of processes of this name, each page divided by its users.
# TYPE pymemtools_command_pss_bytes gauge
# UNIT pymemtools_command_pss_bytes bytes
pymemtools_command_pss_bytes{command="worker"} 4096000
pymemtools_command_pss_bytes{command="init"} 102400
pymemtools_command_pss_bytes{command="\\x1b[2J\\x0a\\xe9"} 30720
pymemtools_command_pss_bytes{command="say \"hi\"\\n"} 20480
pymemtools_command_pss_bytes{command="other"} 5120
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_tree(tmp_path / "tree", *TREE)
    proc = tmp_path / "tree" / "proc"
    (proc / "vmstat").write_text(VMSTAT)
    bad = proc / "10" / "stat"
    bad.write_bytes(bad.read_bytes().replace(b"BAD", b"\x1b[2J\n\xe9"))
    (proc / "pressure").mkdir()
    (proc / "pressure" / "memory").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n")
    return tmp_path / "tree"


def test_the_text(tree: Path, pymemtools: Run) -> None:
    done = pymemtools("metrics", "-S", str(tree))
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    assert text.startswith(TEXT)
    assert text.endswith("\n# EOF\n")
    found = families(text)
    labels = [sample.labels["command"] for sample in found["pymemtools_command_pss_bytes"].samples]
    assert labels == ["worker", "init", r"\x1b[2J\x0a\xe9", r'say "hi"\n', "other"]


def test_the_rest_is_summed_up(tree: Path, pymemtools: Run) -> None:
    found = families(pymemtools("metrics", "--top", "1", "-S", str(tree)).stdout.decode())
    samples = found["pymemtools_command_pss_bytes"].samples
    assert {sample.labels["command"]: sample.value for sample in samples} == {
        "worker": 4000 << 10,
        "other": 155 << 10,  # with the process that is called so
    }
    everything = families(pymemtools("metrics", "--top", "0", "-S", str(tree)).stdout.decode())
    assert [sample.value for sample in everything["pymemtools_command_swap_bytes"].samples] == [40 << 10]


@pytest.mark.parametrize("source", [GROUPS, CAPTURES / "x86_64-7.2" / "selftest.tar.gz", CAPTURES / "sosreport"])
@pytest.mark.parametrize("top", ["2", "1000"])
def test_captures(source: Path, top: str, pymemtools: Run) -> None:
    found = families(pymemtools("metrics", "-S", str(source), "--top", top).stdout.decode())
    check_rules(found)
    for metric in found.values():
        assert len(metric.samples) <= int(top) + 1
        assert len({tuple(sample.labels.items()) for sample in metric.samples}) == len(metric.samples)


def test_a_machine_that_runs(pymemtools: Run) -> None:
    found = families(pymemtools("metrics").stdout.decode())
    check_rules(found)
    assert {"pymemtools_processes", "pymemtools_command_rss_bytes"} <= found.keys()


def test_groups_are_those_without_groups_in_them(pymemtools: Run) -> None:
    """So they may be added up."""
    found = families(pymemtools("metrics", "-S", str(GROUPS), "--top", "1000").stdout.decode())
    paths = [sample.labels["cgroup"] for sample in found["pymemtools_cgroup_current_bytes"].samples]
    assert paths
    assert [path for path in paths if any(other.startswith(f"{path}/") for other in paths)] == []


def test_what_is_summed_up_has_no_counters(pymemtools: Run) -> None:
    """They would fall when a group ends, or gets among the largest."""
    found = families(pymemtools("metrics", "-S", str(GROUPS), "--top", "0").stdout.decode())
    assert [sample.labels for sample in found["pymemtools_cgroup_current_bytes"].samples] == [{"cgroup": "other"}]
    assert "pymemtools_cgroup_oom_kills_total" not in found


_ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}
_OTHER_UNITS = ("milli", "micro", "nano", "kilo", "kibi", "mega", "mebi", "giga", "gibi", "minutes", "hours", "percent")


def check_rules(found: dict[str, Metric]) -> None:
    """Apply what `promtool check metrics` looks for (promlint of client_golang, 1.14)."""
    for name, metric in found.items():
        assert re.fullmatch("[a-z][a-z0-9_]*", name), "no capitals, no colon"
        assert metric.documentation, f"{name}: no help"
        words = name.split("_")
        assert not {*words} & (_ABBREVIATED | {"gauge", "counter", "untyped", "histogram", "summary"}), name
        assert not name.endswith(("_count", "_sum", "_bucket")), name
        assert not any(word.startswith(_OTHER_UNITS) for word in words), name
        assert (metric.type == "gauge") != name.endswith("_total"), name
        assert all(not {*sample.labels} - {"command", "cgroup"} for sample in metric.samples), name


def test_counters_are_those_that_are_called_so() -> None:
    assert all(family.name.endswith("_total") == (family.kind == COUNTER) for family in FAMILIES)
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_as_rows(tree: Path, pymemtools: Run) -> None:
    rows = json.loads(pymemtools("metrics", "-S", str(tree), "-f", "json").stdout)["rows"]
    assert rows[0] == {
        "metric": "pymemtools_processes",
        "metric_type": "gauge",
        "metric_unit": None,
        "label": None,
        "label_value": None,
        "metric_value": 6,
        "metric_help": "Processes with memory.",
    }


# The file


def test_a_file_is_replaced_and_anybody_may_read_it(tree: Path, tmp_path: Path, pymemtools: Run) -> None:
    path = tmp_path / "out" / "memory.prom"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o600)
    mask = os.umask(0o077)
    try:
        done = pymemtools("metrics", "-S", str(tree), "-o", str(path))
    finally:
        os.umask(mask)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert path.read_bytes() == pymemtools("metrics", "-S", str(tree)).stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in path.parent.iterdir()] == ["memory.prom"]


def test_what_cannot_be_read_leaves_the_old_file(tmp_path: Path, pymemtools: Run) -> None:
    path = tmp_path / "memory.prom"
    path.write_text("old")
    done = pymemtools("metrics", "-S", str(tmp_path / "none"), "-o", str(path))
    assert (done.returncode, path.read_text()) == (1, "old")
    done = pymemtools("metrics", "--demo", "-o", str(tmp_path / "none" / "x.prom"))
    assert (done.returncode, done.stderr.decode()) == (
        1,
        f"pymemtools: {tmp_path}/none/x.prom: No such file or directory\n",
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(["-o", "x.txt"], "reads files in .prom alone"), (["-o", "x.prom", "-f", "json"], "it has no --format")],
)
def test_what_makes_no_sense(options: list[str], complaint: str, tmp_path: Path, pymemtools: Run) -> None:
    done = pymemtools("--demo", "metrics", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (2, b"", [])
    assert complaint in done.stderr.decode()


def test_what_one_that_was_killed_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """In a container each has the number of the one before."""
    path = tmp_path / "memory.prom"
    left = tmp_path / f"memory.prom.{os.getpid()}.tmp"
    left.write_bytes(b"half")
    replace_file(str(path), b"whole", mode=0o644)
    assert (path.read_bytes(), left.read_bytes()) == (b"whole", b"half")


def test_readers_see_a_whole_file_whenever_the_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "memory.prom"
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    for step in range(12):
        call = [sys.executable, "-m", "pymemtools", "--demo", "metrics", "-o", str(path)]
        with subprocess.Popen(call, env=environment, stderr=subprocess.DEVNULL) as writer:
            time.sleep(0.05 * step)
            writer.send_signal(signal.SIGKILL)
        if path.exists():
            assert path.read_bytes().endswith(b"\n# EOF\n")
    call = [sys.executable, "-m", "pymemtools", "--demo", "metrics", "-o", str(path)]
    subprocess.run(call, env=environment, check=True)
    assert path.read_bytes().endswith(b"\n# EOF\n")
    assert all(each.suffix in (".prom", ".tmp") for each in tmp_path.iterdir())

"""``faults -S FILE`` of what ``sadf -j`` printed: a day as rows and as a picture, in any order, and from anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import Run
from sar_oracle import START, Snapshot, recorded, sadf, why_not

from pymemtools.errors import ParseError
from pymemtools.readings.sadf import parse_sadf

# Two intervals as sadf 12.6.1 prints them, with the means of PSI that it adds for -q MEM.
RECORD = """\
{"timestamp": {"date": "2026-11-29", "time": "00:10:01", "utc": 1, "interval": 600},
 "psi": {"psi-mem": {"some_avg10": 0.00, "some_avg60": 0.10, "some_avg300": 0.20, "some_avg": 1.50, "full_avg": 0.5}},
 "swap-pages": {"pswpin": 10.50, "pswpout": 0.25},
 "paging": {"pgpgin": 100.00, "pgpgout": 2.00, "fault": 300.50, "majflt": 0.50, "pgfree": 9.00, "pgscank": 40.00, \
"pgscand": 10.00, "pgsteal": 80.00, "vmeff-percent": 160.00}}"""
NEWER = RECORD.replace(', "vmeff-percent": 160.00', "").replace("00:10:01", "00:20:01").replace("80.00", "40.00")


def document(*records: str, restarts: str = "", release: str = "6.1.0", **facts: str) -> str:
    host = {"nodename": "vm", "sysname": "Linux", "release": release, "machine": "x86_64", **facts}
    head = json.dumps(host)[:-1]
    return f'{{"sysstat": {{"hosts": [{head}, "statistics": [{", ".join(records)}], "restarts": [{restarts}]}}]}}}}'


def rows(pymemtools: Run, path: Path) -> dict[str, Any]:
    done = pymemtools("faults", "-S", str(path), "-f", "json")
    assert (done.returncode, done.stderr) == (0, b"")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_interval(tmp_path: Path, pymemtools: Run) -> None:
    found = rows(pymemtools, written(tmp_path / "day.json", document(RECORD, release="4.19.0")))
    assert found["source"] == {
        "kind": "sadf",
        "path": str(tmp_path / "day.json"),
        "kernel": "4.19.0",
        "page_size": 4096,
        "taken_at": None,
    }
    assert found["rows"] == [
        {
            "read_at": "2026-11-29T00:10:01Z",
            "interval_seconds": 600.0,
            "minor_faults_per_second": 300.0,
            "major_faults_per_second": 0.5,
            "paged_in_bytes_per_second": 102400.0,
            "paged_out_bytes_per_second": 2048.0,
            "swapped_in_bytes_per_second": 43008.0,
            "swapped_out_bytes_per_second": 1024.0,
            "scanned_pages_per_second": 50.0,
            "kswapd_scanned_pages_per_second": 40.0,
            "direct_scanned_pages_per_second": 10.0,
            "stolen_pages_per_second": 80.0,
            "stolen_percent": 160.0,
            "refaulted_pages_per_second": None,
            "direct_reclaims_per_second": None,
            "some_stalled_percent": 1.5,
            "full_stalled_percent": 0.5,
            "oom_kills": None,
        }
    ]


def test_pages_that_sysstat_counted_twice_are_left_out(tmp_path: Path, pymemtools: Run) -> None:
    found = rows(pymemtools, written(tmp_path / "x", document(RECORD)))
    assert found["rows"][0]["stolen_pages_per_second"] is None
    assert found["notes"] == ["sysstat counted stolen pages twice on Linux 5.9 and newer: they are left out"]
    assert rows(pymemtools, written(tmp_path / "x", document(NEWER)))["rows"][0]["stolen_percent"] == 80.0


def day(restart_at: int = 60) -> list[str]:
    """Make a day of ten-minute intervals with a busy hour, and a hole of two hours before the machine is started."""
    records = []
    for number in range(1, 144):
        if restart_at - 12 < number <= restart_at:
            continue
        minutes = 10 * number
        busy = 40 if 100 <= number < 106 else 1
        record = RECORD.replace("00:10:01", f"{minutes // 60:02}:{minutes % 60:02}:01")
        records.append(record.replace('"majflt": 0.50', f'"majflt": {busy / 2}'))
    return records


RESTART = '{"boot": {"date": "2026-11-29", "time": "09:55:00", "utc": 1, "cpu_count": 2}}'


def test_order_is_not_trusted(tmp_path: Path, pymemtools: Run) -> None:
    records = day()
    straight = rows(pymemtools, written(tmp_path / "day", document(*records)))
    Random(1).shuffle(records)
    assert rows(pymemtools, written(tmp_path / "day", document(*records))) == straight
    assert [row["read_at"] for row in straight["rows"]] == sorted(row["read_at"] for row in straight["rows"])


def test_a_day_as_a_picture_in_characters(tmp_path: Path, pymemtools: Run) -> None:
    path = written(tmp_path / "day", document(*day(), restarts=RESTART))
    done = pymemtools("faults", "-S", str(path), "--plot", "--ascii", "--width", "72")
    lines = done.stdout.decode().splitlines()
    assert lines[15:] == [
        "major faults: at most 20, in the mean 1.39 a second",
        "       20 |                        :                ####",
        "          |                        :                ####",
        "          |.....................   :................####...............",
        "        0 +------------------------------------------------------------",
        "           00:00                       11:55                      23:50",
        "           : machine started",
    ]


def test_a_day_as_svg(tmp_path: Path, pymemtools: Run) -> None:
    path = written(tmp_path / "day", document(*day(), restarts=RESTART, nodename="<vm>"))
    output = tmp_path / "day.svg"
    done = pymemtools("faults", "-S", str(path), "-o", str(output))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    text = output.read_text()
    assert text.count("<polyline") == 8  # four courses, each in two pieces: before the hole and after it
    assert text.count('class="start"') == 3
    assert "<title>Paging and page faults of &lt;vm&gt;, Linux 6.1.0, 2026-11-29</title>" in text
    assert "major faults: at most 20, in the mean 1.39 a second</desc>" in text
    again = pymemtools("faults", "-S", str(path), "-o", str(output))
    assert (again.returncode, again.stderr.decode()) == (
        1,
        f"pymemtools: {output}: exists already (--force replaces it)\n",
    )


def test_from_standard_input(pymemtools: Run) -> None:
    done = pymemtools("faults", "-S", "-", input=document(NEWER).encode())
    assert done.stdout.decode() == (
        "time      minor major     in    out    si    so   scan  steal refault stall  psi\n"
        "00:20:01    300   0.5    100      2    42     1     50     40       -     -  1.5\n"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "line 1: not JSON, or cut short"),
        (document(RECORD)[:-40], "line 4: not JSON, or cut short"),
        ('{"a": ' * 100_000, "JSON nested too deeply"),
        ('{"sysstat": 1e999}', "not what sadf -j prints: no sysstat.hosts"),
        ('{"sysstat": {"hosts": "vm"}}', "not what sadf -j prints: no sysstat.hosts"),
        ('{"sysstat": {"hosts": {"vm": 1}}}', "not what sadf -j prints: no sysstat.hosts"),
        ('{"sysstat": {"hosts": []}}', "of 0 machines, and not of one"),
        ('{"sysstat": {"hosts": [{"nodename": "a"}, {"nodename": "b"}]}}', "of 2 machines, and not of one"),
        (document(), "no paging in it: sadf -j FILE -- -B -W"),
        (document(RECORD.replace('"date": "2026-11-29"', '"date": "\\u001b[2J"')), "no paging in it"),
    ],
)
def test_what_is_no_day(text: str, complaint: str, tmp_path: Path, pymemtools: Run) -> None:
    path = written(tmp_path / "x.json", text)
    done = pymemtools("faults", "-S", str(path))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith(f"pymemtools: {path}: {complaint}")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("number", ["NaN", "-1", "1e400", "18446744073709551615", "true", '"7"', "[]", "9" * 4000])
def test_what_is_no_rate_is_unknown(number: str) -> None:
    (interval,) = parse_sadf(document(RECORD.replace("300.50", number)).encode(), "x").intervals
    assert interval.paging["fault"] is None
    assert interval.paging["majflt"] == 0.5


def test_more_digits_than_a_number_has() -> None:
    with pytest.raises(ParseError, match="not JSON"):
        parse_sadf(document(RECORD.replace("300.50", "9" * 5000)).encode(), "x")


@pytest.mark.parametrize("options", ["--top 3", "1", "--compat sar", "--every 2", "--diff x"])
def test_what_a_day_of_sadf_cannot_tell(options: str, tmp_path: Path, pymemtools: Run) -> None:
    done = pymemtools("faults", "-S", str(written(tmp_path / "x", document(RECORD))), *options.split())
    assert (done.returncode, done.stdout) == (2, b"")
    assert "sadf tells" in done.stderr.decode()


def test_a_file_of_sadc(tmp_path: Path, pymemtools: Run) -> None:
    (tmp_path / "sa29").write_bytes(b"\x96\xd5\x75\x21")
    done = pymemtools("faults", "-S", str(tmp_path / "sa29"))
    assert done.stderr.decode() == (f"pymemtools: {tmp_path}/sa29: a file of sadc's: give what sadf -j makes of it\n")


def test_what_sysstat_itself_writes(tmp_path: Path, pymemtools: Run) -> None:
    reason = why_not(tmp_path)
    if reason:
        pytest.skip(reason)
    counters: Mapping[str, int] = {"pgpgin": 8, "pgfault": 40, "pgmajfault": 4, "pswpin": 2}
    vmstat = ["".join(f"{name} {count * factor}\n" for name, count in counters.items()) for factor in (1, 2)]
    day = [Snapshot(vmstat[0], "10.00 1.00\n"), Snapshot(vmstat[1], "12.00 1.00\n")]
    path = tmp_path / "day.json"
    path.write_bytes(sadf(recorded(tmp_path, [*day, START, *day]), "-B", "-W"))
    found = [list(row.values())[1:8] for row in rows(pymemtools, path)["rows"]]
    assert found == [[2.0, 18.0, 2.0, 4096.0, 0.0, 4096.0, 0.0]] * 2
    assert len(parse_sadf(path.read_bytes(), "x").starts) == 1

"""trend: what it says of recordings whose truth is known."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from conftest import Run
from recordings import EVERY_S, START, Sample, Told, every_ten_seconds, meminfo, record

from pymemtools.errors import Missing, UsageProblem
from pymemtools.models.trend import FALL, GROWTH, SAWTOOTH, SHORT, STEADY, STEP
from pymemtools.readings.series import SampleTimes
from pymemtools.report import Report
from pymemtools.reports.trend.report import TrendRequest, trend_report
from pymemtools.sources import open_source
from pymemtools.sources.recording import open_recording

HALF_AN_HOUR = 180  # samples
GROUP = "/sys/fs/cgroup/web.slice/"


def scattered(seed: int) -> Callable[[int], int]:
    """Give each sample a scatter of some hundred KiB, its own and the same each time."""
    return lambda number: round(Random(f"{seed} {number}").gauss(0, 300))


LEAKY = Told(501, "/usr/bin/leaky --serve", lambda i: 200_000 + 100 * i + scattered(1)(i), "/web.slice/leaky.service")
CALM = Told(502, "/usr/bin/calm -x", lambda i: 150_000 + scattered(2)(i), "/web.slice/calm.service", 1000)
FILLED = Told(503, "/usr/bin/calm -y", lambda i: 50_000 + (i >= 60) * 80_000 + scattered(3)(i), uid=1000)
SLEEP = Told(504, "sleep 1d", lambda i: 300)
BRIEF = Told(505, "brief", lambda i: 300 + i if i < 10 else None)
HOSTILE = Told(506, "\x1b[31mevil\n<b>name", lambda i: 100_000 - 20 * i)
ALL = (LEAKY, CALM, FILLED, SLEEP, BRIEF, HOSTILE)


def machine(number: int) -> Mapping[str, bytes]:
    """RAM goes as the leak does; the group that leaks has a limit of 400 MB, and 230,000 KiB."""
    return {
        "meminfo": meminfo(4_000_000 - 100 * number, CommitLimit=6_000_000, Committed_AS=5_000_000),
        "sys/vm/overcommit_memory": b"2\n",
        "/sys/fs/cgroup/cgroup.controllers": b"memory\n",
        f"{GROUP}memory.max": b"%d\n" % (400_000 << 10),
        f"{GROUP}memory.current": b"%d\n" % (230_000 << 10),
        f"{GROUP}memory.stat": b"anon 0\nfile 0\n",
        f"{GROUP}leaky.service/memory.max": b"max\n",
        f"{GROUP}leaky.service/memory.current": b"%d\n" % (210_000 << 10),
    }


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("trend") / "a.rec"
    return record(str(path), ALL, every_ten_seconds(HALF_AN_HOUR, machine))


def asked(path: str, last: str | None = None, **request: object) -> Report:
    return trend_report(open_source(path, at=last), TrendRequest(**request))  # type: ignore[arg-type]


def verdicts(report: Report, key: str) -> dict[object, object]:
    return {row[key]: row["trend"] for row in report.table.rows()}


PAGE = """\
pss from 2026-11-18 12:06:40 +0100 to 2026-11-18 12:36:30 +0100, 180 samples

    PID Name                Last  an hour     95 % interval Verdict   Course
    501 leaky             213.1M    34.9M      33.9M..36.2M growth    ▁▂▂▄▄▅▆▆▇█
        if it goes on, /web.slice is full in 4.6 to 4.9 h, no memory is promised
            any more in 1.1 to 1.2 days, RAM is used up in 4.5 to 4.8 days
    503 calm              126.5M     1.7M       -2.2M..5.6M step      ▁▁▁███████
    502 calm              146.6M  -392.1K       -2.7M..1.1M noise     ▁▂▂▂▁▁▂▂▁▂
    505 brief               gone        -                 - too short
    504 sleep             300.0K        0                   steady    ▁▁▁▁▁▁▁▁▁▁
    506 \\x1b[31mevil       94.1M    -7.0M      -7.0M..-7.0M fall      █▇▆▆▅▄▃▃▂▁

RAM available: 3.8 GiB, which falls by 35.2M an hour: none is left in about 4.6
    days, if it goes on
"""


def test_a_page_of_it(recording: str, pymemtools: Run) -> None:
    assert pymemtools("trend", "-S", recording, "--width", "80").stdout.decode() == PAGE


def test_processes_are_judged(recording: str) -> None:
    report = asked(recording)
    assert verdicts(report, "pid") == {
        501: GROWTH,
        503: STEP,
        505: SHORT,
        504: STEADY,
        502: "noise",
        506: FALL,
    }
    leaky = next(report.table.rows())
    assert (leaky["name"], leaky["command"], leaky["user"]) == ("leaky", "/usr/bin/leaky --serve", "root")
    assert leaky["cgroup"] == "/web.slice/leaky.service"
    assert leaky["rise_per_hour_low"] < 36_000 << 10 < leaky["rise_per_hour_high"]  # 100 KiB in 10 s
    assert leaky["rise_per_hour"] == pytest.approx(36_000 << 10, rel=0.05)


def test_growth_says_how_long_there_is_room(recording: str) -> None:
    """RAM has 3,982,100 KiB left, promises 1,000,000, the group 170,000; the rate is 10 KiB a second."""
    row = next(asked(recording).table.rows())
    assert row["full_group"] == "/web.slice"
    for what, seconds in (("ram", 398_210), ("commit", 100_000), ("group", 17_000)):
        low, high = row[f"{what}_full_in_seconds_low"], row[f"{what}_full_in_seconds_high"]
        assert 0.9 * seconds < low < seconds < high < 1.1 * seconds


def test_only_growth_uses_memory_up(recording: str) -> None:
    _, *others = asked(recording).table.rows()
    keys = [key for key in others[0] if "full" in key]
    assert [row[key] for row in others for key in keys] == [None] * len(others) * len(keys)


def test_ram_as_a_whole_is_judged(recording: str) -> None:
    totals = asked(recording).totals
    assert totals is not None
    assert (totals["available"], totals["available_trend"]) == (3_982_100 << 10, FALL)
    assert totals["ram_full_in_seconds_low"] <= 398_210 <= totals["ram_full_in_seconds_high"]
    assert totals["commit_left"] == 1_000_000 << 10
    assert (totals["from"], totals["to"], totals["samples"]) == ("2026-11-18T11:06:40Z", "2026-11-18T11:36:30Z", 180)


def test_without_a_limit_on_promises_there_is_none(tmp_path: Path) -> None:
    samples = every_ten_seconds(60, lambda i: {**machine(i), "sys/vm/overcommit_memory": b"0\n"})
    row = next(asked(record(str(tmp_path / "a.rec"), [LEAKY], samples)).table.rows())
    assert (row["trend"], row["commit_full_in_seconds_low"]) == (GROWTH, None)


def test_what_is_gone_uses_nothing_up(tmp_path: Path) -> None:
    gone = LEAKY._replace(size=lambda i: LEAKY.size(i) if i < 100 else None)
    row = next(asked(record(str(tmp_path / "a.rec"), [gone, CALM], every_ten_seconds(120, machine))).table.rows())
    assert (row["pid"], row["trend"], row["last_size"]) == (501, GROWTH, None)
    assert row["ram_full_in_seconds_low"] is None


def test_sums_by_command_group_and_user(recording: str) -> None:
    by_command = asked(recording, by="command")
    assert verdicts(by_command, "name")["leaky"] == GROWTH
    assert {row["name"]: row["processes"] for row in by_command.table.rows()}["calm"] == 2
    sizes = {row["user"]: row["last_size"] for row in asked(recording, by="user").table.rows()}
    assert CALM.size(180) is not None and FILLED.size(180) is not None
    assert sizes["ada"] == (CALM.size(180) + FILLED.size(180)) << 10  # type: ignore[operator]
    groups = asked(recording, by="cgroup")
    assert verdicts(groups, "cgroup") == {
        "/web.slice/leaky.service": GROWTH,
        "/": STEP,
        "/web.slice/calm.service": "noise",
    }
    assert next(groups.table.rows())["full_group"] == "/web.slice"


def test_workers_that_come_and_go_are_one_sum(tmp_path: Path) -> None:
    """Each lives for a tenth of the time; together they are as large as ever."""

    def living_in(begin: int) -> Callable[[int], int | None]:
        return lambda number: 10_000 if begin < number <= begin + 18 else None

    workers = [Told(600 + each, "/bin/worker", living_in(18 * each)) for each in range(10)]
    path = record(str(tmp_path / "a.rec"), workers, every_ten_seconds(HALF_AN_HOUR, machine))
    (row,) = asked(path, by="command").table.rows()
    assert (row["name"], row["processes"], row["trend"]) == ("worker", 10, STEADY)
    assert row["last_size"] == 10_000 << 10


def test_a_number_used_again_is_another_process(tmp_path: Path) -> None:
    first = Told(700, "/bin/first", lambda i: 10_000 if i <= 90 else None)
    second = Told(700, "/bin/second", lambda i: None if i <= 90 else 50_000, start=90_000)
    path = record(str(tmp_path / "a.rec"), [first, second], every_ten_seconds(HALF_AN_HOUR, machine))
    assert verdicts(asked(path), "command") == {"/bin/first": STEADY, "/bin/second": STEADY}


def stopped(after: int, seconds: float, boot: str) -> list[Sample]:
    """Record half an hour with a gap in it."""
    whole = every_ten_seconds(HALF_AN_HOUR, machine)
    return [*whole[:after], *(Sample(s.at_s + seconds, s.files, boot) for s in whole[after:])]


@pytest.mark.parametrize("boot", ["first", "second"])
def test_what_rose_while_nobody_recorded_is_not_growth(tmp_path: Path, boot: str) -> None:
    rising = Told(1, "x", lambda i: 100_000 + 50_000 * ((i - 1) // 45) + scattered(4)(i))
    whole = every_ten_seconds(HALF_AN_HOUR, machine)
    samples = [Sample(s.at_s + 3600 * (i // 45), s.files, boot if i >= 90 else "first") for i, s in enumerate(whole)]
    report = asked(record(str(tmp_path / "a.rec"), [rising], samples), by="command")
    (row,) = report.table.rows()
    assert row["trend"] == "noise"
    assert [len(stretch["medians"]) for stretch in row["course"]] == [30, 30, 30, 30]
    assert report.notes == ("recording stopped 3 times, or the machine did: what rose meanwhile is not counted",)


def test_growth_goes_on_after_a_gap(tmp_path: Path) -> None:
    path = record(str(tmp_path / "a.rec"), [LEAKY], stopped(90, 7200, "first"))
    report = asked(path)
    (row,) = report.table.rows()
    assert report.notes == ("recording stopped once, or the machine did: what rose meanwhile is not counted",)
    assert row["trend"] == GROWTH
    assert row["rise_per_hour"] == pytest.approx(36_000 << 10, rel=0.1)


def test_a_clock_that_is_set_back_changes_no_rate(pymemtools: Run, tmp_path: Path) -> None:
    kept = every_ten_seconds(HALF_AN_HOUR, machine)
    moved = [sample._replace(set_s=-7200 if number >= 90 else 0) for number, sample in enumerate(kept)]
    paths = [record(str(tmp_path / name), [LEAKY], samples) for name, samples in (("a", kept), ("b", moved))]
    texts = [pymemtools("trend", "-S", path).stdout.decode().splitlines() for path in paths]
    assert texts[1][1] == "(the clock was set back by 2.0 h meanwhile: rates go by one that nobody sets)"
    assert texts[0][1:] == texts[1][2:]


def test_a_course_goes_by_the_clock_as_it_was_last(tmp_path: Path) -> None:
    """Boards begin in 1970, and are set then; 1970 of a machine that was never set is before what came next."""
    whole = every_ten_seconds(60, machine)
    recording = open_recording(
        record(
            str(tmp_path / "a.rec"),
            [LEAKY],
            [
                *(sample._replace(boot="never set", set_s=60 - START) for sample in whole[:20]),
                *(sample._replace(boot="set", set_s=60 - START) for sample in whole[20:40]),
                *(sample._replace(boot="set") for sample in whole[40:]),
            ],
        )
    )
    times = SampleTimes(recording.moments)
    since_end = [when - times.when[-1] for when in times.when]
    assert since_end[20:] == [EVERY_S * (number - 59) for number in range(20, 60)]
    up_s = recording.moments[20].boottime_s  # the one before had to end by then
    assert since_end[:20] == [EVERY_S * (number - 19) - 390 - up_s for number in range(20)]
    assert times.when[-1] == START + 590


def test_a_clock_that_is_set_bends_no_picture(pymemtools: Run, tmp_path: Path) -> None:
    whole = every_ten_seconds(HALF_AN_HOUR, machine)

    def drawn(name: str, *, set_s: float) -> bytes:
        samples = [sample._replace(set_s=set_s if number < 90 else 0) for number, sample in enumerate(whole)]
        return pymemtools("trend", "--plot", "-S", record(str(tmp_path / name), [LEAKY], samples)).stdout

    kept = drawn("kept", set_s=0)
    assert kept.startswith(b"501 leaky, growth: at most 213, in the mean 204 MiB")
    assert [drawn("back", set_s=3600), drawn("first", set_s=60 - START)] == [kept, kept]


def test_where_there_are_few_samples_all_of_them_are_looked_at(tmp_path: Path) -> None:
    """What is looked at of a day is less than each of its samples; medians of an hour or two are of all."""
    rising = Told(1, "x", lambda number: 100_000 + 30 * number)
    collecting = Told(2, "y", lambda number: 100_000 + 5_000 * (number % 24))
    (first, second) = asked(
        record(str(tmp_path / "a.rec"), [rising, collecting], every_ten_seconds(600, machine))
    ).table.rows()
    (stretch,) = first["course"]
    assert stretch["medians"] == [(100_000 + 30 * number) << 10 for number in range(3, 601, 5)]
    assert (first["trend"], first["rise_per_hour"]) == (GROWTH, 10_800 << 10)
    assert (second["trend"], second["period_seconds"]) == (SAWTOOTH, 250)


def test_one_late_sample_is_no_gap(tmp_path: Path) -> None:
    """On a busy machine the recorder lets some go: it never takes more than a tenth of a processor."""
    path = record(str(tmp_path / "a.rec"), [LEAKY], stopped(90, 8 * EVERY_S, "first"))
    assert asked(path).notes == ()


def test_what_could_not_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    kthreadd = CALM._replace(pid=2, is_thread=True)  # has no memory: nothing of it is left out
    told = [LEAKY, CALM._replace(is_refused=True), kthreadd]
    path = record(str(tmp_path / "a.rec"), told, every_ten_seconds(60, machine))
    report = asked(path)
    assert [row["pid"] for row in report.table.rows()] == [501]
    assert report.notes == ("1 process is left out: its pss could not be read",)
    with pytest.raises(Missing, match="no process of which uss is known"):
        asked(path, figure="uss")


def test_a_kernel_of_32_bits_leaves_huge_pages_out_of_pss(tmp_path: Path) -> None:
    def of_32_bits(number: int) -> Mapping[str, bytes]:
        return {**machine(number), "meminfo": meminfo(4_000_000, VmallocTotal=245_760, AnonHugePages=38_912)}

    path = record(str(tmp_path / "a.rec"), [LEAKY], every_ten_seconds(60, of_32_bits))
    says = "this kernel, of 32 bits, leaves huge pages out of PSS: what grows in them shows with --column uss"
    assert (asked(path).notes, asked(path, figure="rss").notes) == ((says,), ())


def test_a_part_of_the_time(recording: str) -> None:
    totals = asked(recording, first="-10m", last="last").totals
    assert totals is not None and (totals["samples"], totals["from"]) == (61, "2026-11-18T11:26:30Z")
    earlier = asked(recording, last="59")
    assert verdicts(earlier, "pid")[503] == "noise"  # before its jump
    assert earlier.totals is not None and earlier.totals["to"] == "2026-11-18T11:16:20Z"
    with pytest.raises(Missing, match="1 sample from 2026-11-18 12:36:30"):
        asked(recording, first="last")


def test_the_n_on_top(recording: str) -> None:
    report = asked(recording, top=2)
    assert [row["pid"] for row in report.table.rows()] == [501, 503]
    assert report.answer.others == {"fall": 1, "noise": 1, "steady": 1, "too short": 1}


def test_a_capture_is_no_recording(pymemtools: Run) -> None:
    with pytest.raises(UsageProblem, match="this machine is no recording"):
        asked(None)  # type: ignore[arg-type]
    done = pymemtools("--demo", "trend")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().endswith("is no recording: -S FILE names one, which pymemtools record makes\n")


def test_formats_have_all_of_it(recording: str, pymemtools: Run) -> None:
    document = json.loads(pymemtools("trend", "-S", recording, "-f", "json").stdout)
    row = document["rows"][0]
    assert (row["pid"], row["trend"], row["period_seconds"]) == (501, GROWTH, None)
    (stretch,) = row["course"]
    assert (stretch["start"], stretch["step_seconds"], len(stretch["medians"])) == ("2026-11-18T11:06:35Z", 15.0, 120)
    (still,) = next(row["course"] for row in document["rows"] if row["trend"] == STEADY)
    assert (still["medians"], still["step_seconds"]) == ([300 << 10], 1800.0)
    table = list(csv.DictReader(pymemtools("trend", "-S", recording, "-f", "csv").stdout.decode().splitlines()))
    assert "course" not in table[0]


def test_names_are_escaped_everywhere(recording: str, pymemtools: Run, tmp_path: Path) -> None:
    assert "\\x1b[31mevil" in pymemtools("trend", "-S", recording).stdout.decode()
    for name in ("a.svg", "a.html"):
        pymemtools("trend", "-S", recording, "--top", "6", "-o", str(tmp_path / name))
        text = (tmp_path / name).read_text()
        assert "evil" in text and "\x1b" not in text and "<b>" not in text


def test_pictures(recording: str, pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    pymemtools("trend", "-S", recording, "-o", str(path))
    root = ElementTree.fromstring(path.read_text())
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "501 leaky, growth" in texts
    assert "502 calm, noise" not in texts
    refused = pymemtools("trend", "-S", recording, "-o", str(path))
    assert refused.returncode == 1 and b"--force" in refused.stderr
    assert pymemtools("trend", "-S", recording, "-o", "a.png").returncode == 2
    plot = pymemtools("trend", "-S", recording, "--plot", "--ascii", "--width", "40").stdout.decode().splitlines()
    assert plot[:2] == ["501 leaky, growth: at most 213, in the", "    mean 204 MiB"]
    assert all(len(line) <= 40 for line in plot)


def test_lines_fit_eighty_columns(recording: str, pymemtools: Run) -> None:
    for by in ("process", "command", "cgroup", "user"):
        for flags in ([], ["--ascii"]):
            done = pymemtools("trend", "-S", recording, "--by", by, "--width", "80", *flags)
            assert max(map(len, done.stdout.decode().splitlines())) <= 80

"""What ``report`` says of a recording: what grows, what happened on the way, and the curves of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import pytest
from conftest import Run
from on_terminal import on_terminal
from recordings import EVERY_S, Sample, Told, every_ten_seconds, meminfo, record

from pymemtools.readings.recorded import Recorded
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.recorded import RULES
from pymemtools.reports.findings.report import findings_report
from pymemtools.sources import open_source
from pymemtools.sources.recording.replay import Replay

NAMES = {rule.id for rule in RULES}
STILL = Told(8, "/bin/still", lambda number: 50000)
HOURS = 400  # samples: a little more than an hour


def leak(kib: int, group: str = "/") -> Told:
    """Give a process that grows by so many KiB each time, and wanders a little."""
    chance = Random(3)
    return Told(7, "/bin/leak", lambda number: 100000 + number * kib + chance.randrange(500), group)


def files(number: int, **changed: bytes) -> Mapping[str, bytes]:
    """Give what a machine at ease says."""
    calm = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
    usual = {"meminfo": meminfo(6 << 20), "vmstat": b"oom_kill 0\n", "pressure/memory": calm}
    return usual | {name.replace("pressure", "pressure/memory"): text for name, text in changed.items()}


def found(path: str, first: str | None = None) -> dict[str, list[tuple[str, str]]]:
    """Give severity and figure of what the rules over a span find, by rule."""
    source = open_source(path)
    assert isinstance(source, Replay)
    told: dict[str, list[tuple[str, str]]] = {}
    for row in findings_report(Evidence(source, recorded=Recorded(source, first))).table.rows():
        if row["id"] in NAMES:
            told.setdefault(row["id"], []).append((row["severity"], row["figure"]))
    return told


def recording(tmp_path: Path, told: Sequence[Told] = (STILL,), samples: Sequence[Sample] | None = None) -> str:
    """Record a machine at ease, or what else it did."""
    return record(str(tmp_path / "a.rec"), told, samples or every_ten_seconds(HOURS, files))


def test_of_a_machine_at_ease_nothing(tmp_path: Path) -> None:
    assert found(recording(tmp_path)) == {}


@pytest.mark.parametrize(("kib", "severity"), [(2900, "critical"), (500, "warning")])
def test_a_leak(tmp_path: Path, kib: int, severity: str) -> None:
    """A machine with 6 GiB left: at a GiB an hour it has hours, at 176 MiB more than a day."""
    told = found(recording(tmp_path, (leak(kib), STILL)))
    assert [each[0] for each in told["leak"]] == [severity]
    assert re.fullmatch(r".* more each hour: RAM is used up in (about |[0-9.]+ h to )[0-9.]+ h", told["leak"][0][1])


def test_a_leak_names_the_group_that_it_fills(tmp_path: Path) -> None:
    group = {"cgroup.controllers": b"memory\n", "web.slice/memory.max": b"1000000000\n"}
    group |= {"web.slice/memory.current": b"900000000\n", "web.slice/memory.stat": b"anon 900000000\nfile 0\n"}
    told = {f"/sys/fs/cgroup/{name}": text for name, text in group.items()}
    samples = every_ten_seconds(HOURS, lambda number: {**files(number), **told})
    (seen,) = found(recording(tmp_path, (leak(2900, "/web.slice"),), samples))["leak"]
    assert re.search(r": its group /web.slice is full in about [0-9]+ min$", seen[1])


def test_a_leak_is_named_once(tmp_path: Path) -> None:
    """Not as the process, its command and its group; but a group that grows by its many processes is."""
    assert len(found(recording(tmp_path, (leak(2900, "/a.slice"), STILL)))["leak"]) == 1


def test_kills_on_the_way(tmp_path: Path) -> None:
    samples = every_ten_seconds(HOURS, lambda number: files(number, vmstat=b"oom_kill %d\n" % (2 * (number > 250))))
    assert found(recording(tmp_path, samples=samples)) == {
        "kill-recorded": [("warning", "2 kills, the last by 2026-11-18 12:48:30 +0100")]
    }


def test_kills_before_the_recording_are_old_news(tmp_path: Path) -> None:
    samples = every_ten_seconds(HOURS, lambda number: files(number, vmstat=b"oom_kill %d\n" % (3 + (number > 250))))
    path = recording(tmp_path, samples=samples)

    def counted(first: str) -> list[str]:
        source = open_source(path)
        assert isinstance(source, Replay)
        rows = findings_report(Evidence(source, recorded=Recorded(source, first))).table.rows()
        return [row["severity"] for row in rows if row["id"] == "oom-kill-counted"]

    assert (counted("first"), counted("-5m")) == (["warning"], ["notice"])


def test_the_command_names_the_moment(tmp_path: Path) -> None:
    """Of the kills it is the last before them; what looks at no span is asked at the moment that is described."""
    samples = every_ten_seconds(HOURS, lambda number: files(number, vmstat=b"oom_kill %d\n" % (2 * (number > 250))))
    source = open_source(recording(tmp_path, samples=samples), at="300")
    assert isinstance(source, Replay)
    commands = {row["id"]: row["command"] for row in findings_report(_span(source)).table.rows()}
    path = source.facts.path
    assert commands["kill-recorded"] == f"pymemtools report --at 251 -S {path}"
    assert commands["oom-kill-counted"] == "journalctl -k | pymemtools oom-report -"
    assert commands["incomplete"] == f"pymemtools info -S {path}"


def _span(source: Replay) -> Evidence:
    return Evidence(source, recorded=Recorded(source, None))


def test_the_last_kill_of_a_long_recording_is_placed_exactly(tmp_path: Path) -> None:
    """Though of 2,500 counters only every third is looked at."""
    samples = every_ten_seconds(
        2500, lambda number: files(number, vmstat=b"pgfault %d\noom_kill %d\n" % (number, number > 1234))
    )
    source = open_source(recording(tmp_path, samples=samples))
    assert isinstance(source, Replay)
    ((_, moment, times),) = Recorded(source, None).kills
    assert (moment.number, times) == (1236, 1)


def test_from_before_the_first_sample_is_all_of_it(pymemtools: Run, tmp_path: Path) -> None:
    """As of a look at the last hour, in the first one."""
    samples = every_ten_seconds(HOURS, lambda number: files(number, vmstat=b"oom_kill %d\n" % (2 * (number > 250))))
    path = recording(tmp_path, samples=samples)
    assert found(path, "-2h") == found(path, "first") != {}
    trends = [pymemtools("trend", "-S", path, "--from", begin).stdout for begin in ("first", "-2h")]
    assert trends[0] == trends[1] != b""


def test_the_least_that_was_left(tmp_path: Path) -> None:
    samples = every_ten_seconds(HOURS, lambda number: files(number, meminfo=meminfo((3 if number == 90 else 60) << 17)))
    assert found(recording(tmp_path, samples=samples)) == {
        "available-least": [("critical", "384.0 MiB, 5 % of RAM, at 2026-11-18 12:21:40 +0100")]
    }


def test_the_worst_wait(tmp_path: Path) -> None:
    def wait(number: int) -> bytes:
        return b"".join(b"%s avg10=0.00 avg60=%d.00 avg300=0.00 total=1\n" % (kind, 9 * (number == 90))
                        for kind in (b"some", b"full"))  # fmt: skip

    samples = every_ten_seconds(HOURS, lambda number: files(number, pressure=wait(number)))
    path = recording(tmp_path, samples=samples)
    assert found(path) == {"pressure-peak": [("warning", "9.0 % of a minute, at 2026-11-18 12:21:40 +0100")]}
    assert found(path, "12:30") == {}


def test_a_wait_between_two_looks(tmp_path: Path) -> None:
    """No look came within a minute after all had waited for one of 200 s."""

    def wait(number: int) -> bytes:
        waited_us = 0 if number < 10 else 60 * 10**6
        return b"".join(
            b"%s avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n" % (kind, waited_us) for kind in (b"some", b"full")
        )

    samples = [Sample(200 * n, files(n, pressure=wait(n))) for n in range(20)]
    [(severity, figure)] = found(recording(tmp_path, samples=samples))["pressure-peak"]
    assert severity == "critical"
    assert re.fullmatch(r"30\.0 % of 3 min, to 2026-.*", figure)


def test_a_restart(tmp_path: Path) -> None:
    samples = [Sample(EVERY_S * n, files(n), "first" if n < 200 else "second") for n in range(HOURS)]
    assert found(recording(tmp_path, samples=samples)) == {
        "restarted": [("notice", "once, last seen to be up again at 2026-11-18 12:40:00 +0100")]
    }


def test_the_curves(pymemtools: Run, tmp_path: Path) -> None:
    """All that a machine's memory did, with what happened marked, in a picture that is told to who does not see it."""
    samples = [
        Sample(EVERY_S * n, files(n, vmstat=b"oom_kill %d\n" % (90 < n < 200)), "first" if n < 200 else "second")
        for n in range(HOURS)
    ]
    path = recording(tmp_path, (leak(900), Told(9, "<b>x</b>", lambda number: 9000)), samples)
    page = tmp_path / "a.html"
    done = pymemtools("report", "-S", path, "-o", str(page), "--to", "-5m")
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    text = page.read_text()
    (section,) = re.findall('<section id="course">(.*?)</section>', text, re.DOTALL)
    assert 'role="img"' in section and "<desc>available: at most 6144, in the mean 6144 MiB; swap used: " in section
    assert re.findall("<li>(.*?)</li>", section) == [
        "2026-11-18 12:21:50 +0100: by then the kernel had killed for want of memory",
        "2026-11-18 12:40:00 +0100: the machine was up again",
    ]
    assert section.count(">kill</text>") == section.count(">restart</text>") == 5
    assert "370 samples from 2026-11-18 12:06:40 +0100" in section


def test_who_grows_has_a_curve_beside_the_largest(pymemtools: Run, tmp_path: Path) -> None:
    large = tuple(STILL._replace(pid=20 + n, command=f"/bin/large{n}", size=lambda number: 900000) for n in range(6))
    page = tmp_path / "a.html"
    assert pymemtools("report", "-S", recording(tmp_path, (*large, leak(900))), "-o", str(page)).returncode == 0
    assert re.findall(r">MiB of PSS: \d+ (\w+), (\w+)", page.read_text()) == [
        ("leak", "growth"),
        *((f"large{n}", "steady") for n in range(4)),
    ]


def test_an_end_that_is_near_certain_is_one_figure(tmp_path: Path) -> None:
    exact = Told(7, "/bin/leak", lambda number: 100000 + 100 * number)
    (seen,) = found(recording(tmp_path, (exact,)))["leak"]
    assert re.search(r": RAM is used up in about [0-9.]+ days$", seen[1])


def test_who_came_last_has_no_empty_curve(pymemtools: Run, tmp_path: Path) -> None:
    late = Told(9, "/bin/late", lambda number: 60000 if number == HOURS - 1 else None)
    done = pymemtools("report", "-S", recording(tmp_path, (STILL, late)), "-o", str(tmp_path / "a.html"))
    assert done.returncode == 0
    page = (tmp_path / "a.html").read_text()
    assert re.findall(r">MiB of PSS: (\d+ \w+)", page) == ["8 still"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "12:00"), "report: --from is for a recording: -S FILE names one"),
        (("--to", "12:00"), "report: --to is for a moment of a recording: say which with -S FILE"),
    ],
)
def test_what_is_for_recordings(pymemtools: Run, arguments: tuple[str, ...], says: str) -> None:
    done = pymemtools("report", *arguments)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", f"pymemtools: {says}\n")


@pytest.mark.parametrize("command", ["report", "trend"])
def test_the_moment_is_named_once(pymemtools: Run, tmp_path: Path, command: str) -> None:
    path = recording(tmp_path)
    says = f"{command}: --to names the moment that is described, as --at does: give one of them"
    for arguments in (("-S", path, "--at", "3"), ("-S", f"{path}@3")):
        done = pymemtools(command, *arguments, "--to", "12:10")
        assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", f"pymemtools: {says}\n")


def test_two_moments(pymemtools: Run, tmp_path: Path) -> None:
    path = recording(tmp_path, (leak(2900),))
    done = pymemtools("report", "-S", path, "--diff", f"{path}@12:10", "-f", "csv")
    assert b"process-growth,warning,Process 7 (leak) has grown," in done.stdout


def test_a_recording_on_a_terminal(tmp_path: Path) -> None:
    """What tells who waits there does not hide that it is a recording."""
    path = recording(tmp_path, (leak(2900),))
    for command in ("report", "trend"):
        assert "growth" in on_terminal(command, "-S", path, columns=80, with_stderr=True)


def test_the_first_sample_alone(tmp_path: Path) -> None:
    """Of one moment there is no span to tell of, which is no error."""
    assert found(f"{recording(tmp_path)}@first") == {}

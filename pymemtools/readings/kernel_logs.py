"""The reports of the OOM killer in logs: in files, in the ring buffer, in all that was left beside a /proc."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.kernel_log.oom_report import OomReport
from pymemtools.kernel_log.scan import oom_reports
from pymemtools.procfs.uptime import parse_uptime
from pymemtools.sources.base import Source, since_1970
from pymemtools.sources.left_behind import logs_of
from pymemtools.sources.log_file import log_pieces, unpacked

# Who else kills for lack of memory, by words that only they write; those are of user space, and explain themselves.
_OTHERS = {
    "Android's low memory killer": (b"lowmemorykiller: Kill", b"lmkd    : Kill '", b"lmkd    : Reclaim '"),
    "systemd-oomd": (b"systemd-oomd killed ",),
    "earlyoom": (b"sending SIGTERM to process ", b"sending SIGKILL to process "),
}
_PIECE = 24 << 10  # bytes: with the rest of a line below 30,000, where CPython searches faster


class Logged(NamedTuple):
    """A report, and the log that tells most of it."""

    log: str
    report: OomReport
    started_at: float | None = None  # since 1970: the machine, from whose start the times of a ring buffer count


def reports_in_files(names: Sequence[str], max_bytes: int, damages: list[str]) -> Iterator[Logged]:
    """Read one log after the other, and note what is wrong with any: that keeps none of the others back."""
    for name in names:
        for report in oom_reports(_until_damage(name, max_bytes, damages)):
            yield Logged(name, report)


def _until_damage(name: str, max_bytes: int, damages: list[str]) -> Iterator[bytes]:
    """Read a log as far as it can be read, and note what keeps us from the rest."""
    try:
        yield from log_pieces(name, max_bytes)
    except MemtoolsError as error:
        damages.append(str(error))


def others_that_killed(names: Sequence[str], max_bytes: int) -> list[str]:
    """Look once more through logs without a report for who else killed processes; standard input is gone by then."""
    found: set[str] = set()
    for name in names:
        for piece in _until_damage(name, max_bytes, []) if name != "-" else ():
            found |= {other for other, words in _OTHERS.items() if any(word in piece for word in words)}
    return [other for other in _OTHERS if other in found]


def reports_in_ring(name: str, text: bytes, kernel: str | None, started_at: float | None = None) -> Iterator[Logged]:
    """Read the ring buffer of a kernel that is known; the beginning of a report, which names it, may be gone."""
    for report in oom_reports([text]):
        yield Logged(name, report._replace(kernel=report.kernel or kernel), started_at)


def started_at(source: Source) -> float | None:
    """Tell when the machine of a capture was started, in seconds since 1970; None where it does not tell."""
    taken_at = source.facts.taken_at
    try:
        return None if taken_at is None else since_1970(taken_at) - parse_uptime(source.read("uptime")) / 100
    except MemtoolsError:
        return None


def reports_of_capture(source: Source, max_bytes: int, damages: list[str]) -> tuple[Iterable[Logged], bool]:
    """Read the logs of a capture, and tell whether reports come from several of them. Raises Missing for no log."""
    path, kernel = source.facts.path, source.facts.kernel
    logs = whole_logs(source)
    if not logs:
        raise Missing(
            f"oom-report: no kernel log in {path}: neither dmesg nor journalctl, messages, syslog or kern.log"
        )
    if logs == [["dmesg"]]:
        return reports_in_ring(str(path), source.read("dmesg"), kernel, started_at(source)), False
    found, start = reports_beside(source, logs, max_bytes, damages), started_at(source)
    known = [
        each._replace(report=each.report._replace(kernel=each.report.kernel or kernel), started_at=start)
        if is_ring_buffer(each.log)
        else each
        for each in found
    ]
    return known, len({each.log for each in known}) > 1


def reports_beside(source: Source, logs: Sequence[Sequence[str]], max_bytes: int, damages: list[str]) -> list[Logged]:
    """Read logs, and note what is wrong with any; rotated ones are read as the one log that they were.

    The same kill is in messages, in the journal and in dmesg: the first counts, or the one that tells more. What one
    log has several times was so often: a group that is killed again and again looks the same but for the time.
    """
    found: dict[object, Logged] = {}
    for parts in logs:
        name = parts[-1].lstrip("/")
        times: Counter[object] = Counter()
        for report in oom_reports(_pieces(source, parts, max_bytes, damages)):
            kill = _kill_of(report)
            times[kill] += 1
            key = kill, times[kill]
            if key not in found or _fullness(report) > _fullness(found[key].report):
                found[key] = Logged(name, report)
    return list(found.values())


def whole_logs(source: Source) -> list[list[str]]:
    """Group the logs beside a /proc: with each the older ones that were rotated away from it, the oldest first.

    The one in it, as our own captures have it, comes last, and is called ``dmesg``.
    """
    groups: dict[str, list[str]] = {}
    for path, stem in logs_of(source):
        groups.setdefault(stem, []).append(path)
    if "dmesg" in source.names(""):
        groups.pop("/dmesg", None)  # of a /proc that is not below anything, it is the same file
        groups["dmesg"] = ["dmesg"]
    return list(groups.values())


def is_ring_buffer(log: str) -> bool:
    """Tell a log of the running kernel alone: others have those of earlier boots, too, with whatever kernel."""
    return log.rpartition("/")[2].startswith("dmesg") and not log.startswith("var/")


def _pieces(source: Source, parts: Sequence[str], max_bytes: int, damages: list[str]) -> Iterator[bytes]:
    for path in parts:
        try:
            chunks = source.chunks_beside(path) if path.startswith("/") else iter((source.read(path),))
            for chunk in unpacked(chunks, max_bytes):
                yield from (chunk[at : at + _PIECE] for at in range(0, len(chunk), _PIECE))
        except Missing:  # a folder of that name, or a link to a log that is found by its own
            continue
        except MemtoolsError as error:
            damages.append(f"{path.lstrip('/')}: {str(error).removeprefix(f'{path}: ')}")
        yield b"\n"


def _kill_of(report: OomReport) -> object:
    """Tell a kill from others: by its victims and their memory, or else by who asked and who was weighed."""
    kills = tuple((kill.pid, kill.name, *sorted(kill.sizes.items())) for kill in report.kills)
    return kills or (report.invoker, report.invoker_pid, report.told_pid, report.chosen_pid, tuple(report.tasks))


def _fullness(report: OomReport) -> tuple[bool, int, int]:
    return not report.is_headless, len(report.tasks), len(report.zones)

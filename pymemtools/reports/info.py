"""What a source is, and which questions it can answer: the report of ``info``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.cgroup import parse_cgroup, unit_of
from pymemtools.procfs.iomem import is_hidden, parse_iomem
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.frames import HISTOGRAM, has_frame_flags
from pymemtools.readings.processes import count_processes
from pymemtools.readings.tmpfs import TMPFS, tells_tmpfs
from pymemtools.report import Column, Report, table_of
from pymemtools.sources.base import ProcessFiles, Source, utc
from pymemtools.sources.left_behind import host_of, logs_of, machine_of

if TYPE_CHECKING:
    from pymemtools.sources.recording.recording import Recording, Summary


class Studied(NamedTuple):
    """What is known of the machine studied; sizes in bytes."""

    kind: str  # of source: live, directory, archive or recording
    path: str | None
    kernel: str | None
    page_size: int | None
    taken_at: str | None
    host: str | None
    machine: str | None
    tool: str | None
    mem_total: int | None
    swap_total: int | None
    processes: int
    kernel_threads: int
    unreadable: int  # processes whose memory could not be read


class Answer(NamedTuple):
    """How far the source answers one command."""

    question: str
    answer: str  # "yes", "partly" or "no"
    missing: tuple[str, ...]  # for the whole answer, and no process, or not the machine, has: files, page_size, log ...


class Info(NamedTuple):
    """What the source is, and what it answers; of a recording, at the moment chosen."""

    studied: Studied
    answers: list[Answer]
    recorded: Summary | None = None


COLUMNS = (
    Column("question", "Command", "a command of this program", "text", right=False),
    Column("answer", "Answer", "yes, partly (something is left out or derived) or no", "text", right=False),
    Column(
        "missing",
        "Without",
        "the files, page_size, unit, log or recording that the whole answer lacks",
        "list",
        right=False,
    ),
)
_OF_THE_SOURCE = ("kind", "path", "kernel", "page_size", "taken_at", "host", "machine", "tool")
_COUNTS = ("mem_total", "swap_total", "processes", "kernel_threads")


class Needs(NamedTuple):
    """What a command needs of a source."""

    question: str
    files: tuple[str, ...]  # all of them, or no answer; PID/NAME is a file of any process, A|B is any of them
    more: tuple[str, ...] = ()  # for the whole answer


_PAGE_SIZE = "page_size"  # no file, but what a smaps or the manifest tells; it is assumed where none does
_FRAMES = HISTOGRAM  # or, of a live machine, kpageflags, which is never read whole for that
_FILL = TMPFS  # or, of a live machine, what its file systems say
_UNIT = "unit"  # of systemd's, in a cgroup: a machine without systemd has none
_LOG = "log"  # the kernel's: the ring buffer, or any that was left beside a copy
_RECORDING = "recording"
QUESTIONS = (
    Needs("free", ("meminfo",)),
    Needs("free --cgroup", ("/sys/fs/cgroup/",)),
    Needs("groups", ("/sys/fs/cgroup/",), ("PID/cgroup", "PID/smaps_rollup|PID/smaps")),
    Needs("smem", ("PID/smaps|PID/smaps_rollup",), ("PID/smaps", "PID/cmdline")),
    Needs("smem --rollup", ("PID/smaps_rollup|PID/smaps",), ("PID/smaps_rollup", "PID/cmdline")),
    Needs("smem -g unit", ("PID/smaps", "PID/cgroup", _UNIT)),
    Needs("smem -w", ("meminfo",)),
    Needs("pmap", ("PID/maps|PID/smaps",), ("PID/cmdline",)),
    Needs("pmap -x", ("PID/smaps",), ("PID/cmdline",)),
    Needs("status", ("PID/status|PID/smaps",), ("PID/status", "sys/vm/max_map_count")),
    Needs(
        "oom-scores",
        ("meminfo", "PID/oom_score|PID/stat|PID/status|PID/smaps"),
        ("PID/stat", "PID/status", "PID/oom_score", "PID/oom_score_adj", "PID/cmdline", _PAGE_SIZE),
    ),
    Needs("oom-report", (_LOG,)),
    Needs("swap", ("meminfo", "PID/smaps_rollup|PID/smaps"), ("swaps", "PID/status", "PID/cmdline")),
    Needs("cache", ("PID/smaps",), ("PID/stat|PID/cmdline", "meminfo")),
    Needs(
        "thp",
        ("/sys/kernel/mm/transparent_hugepage/|vmstat|buddyinfo",),
        ("/sys/kernel/mm/transparent_hugepage/", "vmstat", "buddyinfo", _PAGE_SIZE),
    ),
    Needs("pages", (f"{_FRAMES}|meminfo",), (_FRAMES, "meminfo", "zoneinfo", _PAGE_SIZE)),
    Needs("pages --unexplained", ("meminfo",), ("zoneinfo", "vmstat", "vmallocinfo", "net/sockstat", _PAGE_SIZE)),
    Needs("faults", ("vmstat", "uptime"), ("pressure/memory", _PAGE_SIZE)),
    Needs("faults --top", ("PID/stat", "uptime"), ("PID/cmdline", _PAGE_SIZE)),
    Needs(
        "metrics",
        ("vmstat|PID/smaps_rollup|PID/smaps|/sys/fs/cgroup/",),
        ("vmstat", "pressure/memory", "PID/smaps_rollup|PID/smaps", "/sys/fs/cgroup/", "PID/cgroup", _PAGE_SIZE),
    ),
    Needs("trend", (_RECORDING,)),
    Needs("numa", ("/sys/devices/system/node/|zoneinfo",), ("/sys/devices/system/node/",)),
    Needs("numa PID", ("PID/numa_maps",), (_PAGE_SIZE,)),
    Needs(
        "ksm",
        ("/sys/kernel/mm/ksm/", "PID/smaps"),
        ("PID/ksm_stat", "PID/status", "PID/cmdline", _PAGE_SIZE),
    ),
    Needs("zones", ("zoneinfo",), ("buddyinfo", "sys/vm/min_free_kbytes", _PAGE_SIZE)),
    Needs(
        "tunables",
        ("sys/vm/|/sys/kernel/mm/",),
        ("sys/vm/", "/sys/kernel/mm/ksm/", "/sys/kernel/mm/transparent_hugepage/", "meminfo", "zoneinfo", _PAGE_SIZE),
    ),
    Needs(
        "vgraph",
        ("PID/maps|PID/smaps",),
        ("PID/cmdline", "PID/status", "sys/vm/mmap_min_addr", "sys/vm/max_map_count"),
    ),
    Needs(
        "report",
        ("meminfo|vmstat|zoneinfo|PID/stat|PID/status|PID/smaps",),
        (
            *("meminfo", "vmstat", "zoneinfo", "buddyinfo", "swaps", "pressure/memory", "mounts", _FILL, "sys/vm/"),
            *("PID/stat", "PID/status", "PID/smaps", "PID/oom_score", "PID/oom_score_adj", "PID/cmdline", "PID/cgroup"),
            *(_PAGE_SIZE, _LOG),
        ),
    ),
    Needs(
        "selftest",
        ("meminfo|vmstat|zoneinfo|PID/smaps|PID/status",),
        (
            *("meminfo", "vmstat", "zoneinfo", "buddyinfo", "swaps", "sys/vm/"),
            *("PID/stat", "PID/status", "PID/statm", "PID/smaps", "PID/smaps_rollup", "PID/oom_score", _PAGE_SIZE),
        ),
    ),
    Needs("iomem-graph", ("iomem",)),
    Needs("what-if alloc", ("meminfo",), ("zoneinfo", "sys/vm/", _PAGE_SIZE)),
    Needs("what-if cache", ("meminfo",), ("zoneinfo", _PAGE_SIZE)),
    Needs("what-if dirty", ("meminfo",), ("vmstat", "sys/vm/", _PAGE_SIZE)),
    Needs("what-if drop-caches", ("meminfo",), (_PAGE_SIZE,)),
    Needs(
        "what-if fork",
        ("meminfo", "PID/smaps|PID/status"),
        ("PID/smaps", "PID/stat", "PID/status", "sys/vm/", _PAGE_SIZE),
    ),
    Needs(
        "what-if oom",
        ("meminfo", "PID/oom_score|PID/stat|PID/status|PID/smaps"),
        ("PID/stat", "PID/status", "PID/oom_score", "PID/oom_score_adj", "PID/cmdline", _PAGE_SIZE),
    ),
    Needs("what-if overcommit", ("meminfo",), ("PID/smaps", "PID/stat", "stat|zoneinfo", "sys/vm/", _PAGE_SIZE)),
    Needs("what-if watermarks", ("zoneinfo|meminfo",), ("zoneinfo", "meminfo", "sys/vm/", _PAGE_SIZE)),
)
_PROCESS_FILES = tuple(
    dict.fromkeys(
        path[4:]
        for needs in QUESTIONS
        for either in (*needs.files, *needs.more)
        for path in either.split("|")
        if path.startswith("PID/")
    )
)


def info_report(source: Source) -> Report:
    """Say what a source is, and which commands it answers."""
    studied = describe(source)
    recording: Recording | None = getattr(source, "recording", None)
    recorded = None if recording is None else recording.summary()
    found, known = Info(studied, answers(source), recorded), studied._asdict()
    return Report(
        "info",
        table_of(COLUMNS, found.answers),
        found,
        totals={key: known[key] for key in _COUNTS},
        facts={key: known[key] for key in _OF_THE_SOURCE} | ({} if recorded is None else _as_facts(recorded)),
        unreadable=studied.unreadable,
    )


def _as_facts(recorded: Summary) -> dict[str, Any]:
    """Give what a recording holds and what it cost: bytes, seconds, a share of one processor."""
    return {
        "samples": recorded.moments,
        "first_sample": recorded.first.number,
        "first_taken_at": utc(int(recorded.first.taken_at)),
        "last_sample": recorded.last.number,
        "last_taken_at": utc(int(recorded.last.taken_at)),
        "boots": recorded.boots,
        "every_s": recorded.every_s,
        "cpu_share": recorded.cpu_share,
        "size": recorded.size,
    }


def describe(source: Source) -> Studied:
    """Say what the source is, and count its processes as all commands do."""
    try:
        meminfo = read_meminfo(source).meminfo
    except MemtoolsError:
        meminfo = {}
    count = count_processes(source)
    manifest = source.manifest
    return Studied(
        *source.facts,
        host=host_of(source),
        machine=machine_of(source),
        tool=None if manifest is None else manifest.tool,
        mem_total=meminfo.get("MemTotal"),
        swap_total=meminfo.get("SwapTotal"),
        processes=count.alive,
        kernel_threads=count.kernel_threads,
        unreadable=count.unreadable,
    )


def answers(source: Source) -> list[Answer]:
    """Say which commands the source answers."""
    process_files = _process_files(source)
    found = []
    for needs in QUESTIONS:
        missing = _lacking(source, needs.files, process_files)
        more = _lacking(source, needs.more, process_files)
        answer = "no" if missing else "partly" if more else "yes"
        found.append(Answer(needs.question, answer, tuple(dict.fromkeys((*missing, *more)))))
    return found


def _lacking(source: Source, wanted: Iterable[str], process_files: set[str]) -> list[str]:
    """Name what is not there of what is wanted; of alternatives all, when there is none of them."""
    each = [either.split("|") for either in wanted]
    return [path for either in each if not any(_has(source, path, process_files) for path in either) for path in either]


def _has(source: Source, path: str, process_files: set[str]) -> bool:
    if path == _PAGE_SIZE:
        return source.facts.page_size is not None
    if path == _FRAMES:
        return has_frame_flags(source)
    if path == _FILL:
        return tells_tmpfs(source)
    if path == _LOG:
        return _has_log(source)
    if path == _RECORDING:
        return hasattr(source, "recording")
    if path == _UNIT:
        return _UNIT in process_files or "cgroup" not in process_files  # which is named as missing itself
    if path.startswith("PID/"):
        return path[4:] in process_files
    if path.endswith("/"):
        return bool(source.names(path.rstrip("/")))
    try:
        text = source.read(path)
        return bool(text) and not (path == "iomem" and is_hidden(parse_iomem(text)))
    except MemtoolsError:
        return False


def _has_log(source: Source) -> bool:
    """Tell whether the kernel's messages are there, and may be read."""
    if not source.is_live:
        return bool(logs_of(source)) or "dmesg" in source.names("")
    from pymemtools.sources.kernel_log import read_kernel_log

    try:
        return bool(read_kernel_log())
    except MemtoolsError:
        return False


def _process_files(source: Source) -> set[str]:
    """Name the files that at least one process has, with something in it that can be used."""
    found: set[str] = set()
    for pid in source.pids():
        wanted = [name for name in (*_PROCESS_FILES, _UNIT) if name not in found]
        if not wanted:
            break
        try:
            with source.process(pid) as files:
                found.update(name for name in wanted if _is_there(files, name))
        except MemtoolsError:
            continue
    return found


def _is_there(files: ProcessFiles, name: str) -> bool:
    try:
        if name == _UNIT:
            return unit_of(parse_cgroup(files.read("cgroup"))) is not None
        if name == "cgroup":  # empty where no hierarchy is mounted
            files.read(name)
            return True
        return any(files.chunks(name))
    except MemtoolsError:
        return False

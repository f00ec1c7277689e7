"""The tables of a dataset: each field said once, with its kind and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pymemtools.errors import MemtoolsError

if TYPE_CHECKING:
    import pyarrow

FORMAT = 1


class Field(NamedTuple):
    """One column of a table; what is unknown is null."""

    name: str
    kind: str  # text bytes count score percent ratio seconds time bool texts amounts steps
    help: str


_WHOSE = (
    Field("capture_id", "text", "the capture: the start of the SHA-256 of its file"),
    Field("host", "text", "the machine's name"),
    Field("taken_at", "time", "when it was taken, UTC; where its clock cannot be right, when it arrived"),
)
_OF_A_PROCESS = (
    Field("pid", "count", "process number"),
    Field("starttime_ticks", "count", "when it was started, in clock ticks since the machine was"),
    Field("name", "text", "the kernel's name of the process"),
)
CAPTURE = (
    *_WHOSE,
    Field("content_id", "text", "the same for the same moment of the same machine, however it is packed"),
    Field("file", "text", "the name of the file it came in, and the moment of a recording"),
    Field("clock", "text", "ok, ahead, not set or none: how far the machine's own clock is believed"),
    Field("clock_at", "time", "when it was taken, by that clock"),
    Field("labels", "texts", "what was said of it when it was ingested, firmware=1.2"),
    Field("kernel", "text", "the kernel's release"),
    Field("machine", "text", "the architecture, as uname -m has it"),
    Field("page_size", "bytes", "the size of a page"),
    Field("boot_id", "text", "which start of the machine"),
    Field("uptime", "seconds", "how long it had been running"),
    Field("processes", "count", "processes with memory"),
    Field("unreadable", "count", "of these, whose memory could not be read"),
    Field("mem_total", "bytes", "MemTotal"),
    Field("mem_free", "bytes", "MemFree"),
    Field("mem_available", "bytes", "MemAvailable"),
    Field("swap_total", "bytes", "SwapTotal"),
    Field("swap_free", "bytes", "SwapFree"),
    Field("commit_limit", "bytes", "CommitLimit"),
    Field("committed_as", "bytes", "Committed_AS"),
    Field("overcommit_memory", "count", "vm.overcommit_memory"),
    Field("some_avg60", "percent", "of the last minute, in which a process waited for memory"),
    Field("full_avg60", "percent", "of the last minute, in which all did"),
    Field("headroom_least", "bytes", "what a new process could surely touch before somebody is killed"),
    Field("headroom_most", "bytes", "and at the most"),
    Field("largest_mmap_mode_0", "bytes", "the largest mapping granted to others than root in overcommit mode 0"),
    Field("largest_mmap_mode_2", "bytes", "and in mode 2"),
    Field("victim_pid", "count", "who would be killed next"),
    Field("victim_name", "text", "its name"),
    Field("victim_score", "score", "its oom_score"),
    Field(
        "alloc", "steps", "what becomes of a request for memory: from which size on which outcome, and who is killed"
    ),
    Field("meminfo", "amounts", "all of meminfo: bytes, and pages for HugePages_*"),
    Field("vmstat", "amounts", "all of vmstat, as the kernel counts"),
)
TABLES: dict[str, tuple[Field, ...]] = {
    "capture": CAPTURE,
    "process": (
        *_WHOSE,
        *_OF_A_PROCESS,
        Field("ppid", "count", "its parent"),
        Field("command", "text", "its command line, the first 1000 characters"),
        Field("user", "text", "its owner's name, or number"),
        Field("cgroup", "text", "its control group"),
        Field("mappings", "count", "how many it has"),
        Field("vss", "bytes", "virtual set size"),
        Field("rss", "bytes", "resident set size"),
        Field("pss", "bytes", "proportional set size"),
        Field("uss", "bytes", "unique set size"),
        Field("swap", "bytes", "what is swapped out"),
        Field("oom_score", "score", "the kernel's score, or the computed one"),
        Field("oom_score_adj", "score", "what was added to it"),
        Field("badness_pages", "count", "points of the OOM killer"),
    ),
    "mapping": (
        *_WHOSE,
        *_OF_A_PROCESS,
        Field("path", "text", "the file, or what the kernel calls it; [anon] for memory without a name"),
        Field("mappings", "count", "how many of that name"),
        Field("rss", "bytes", "resident"),
        Field("pss", "bytes", "its share of that"),
        Field("swap", "bytes", "swapped out"),
    ),
    "zone": (
        *_WHOSE,
        Field("node", "count", "NUMA node"),
        Field("zone", "text", "its name"),
        Field("state", "text", "against its watermarks"),
        Field("free", "bytes", "free"),
        Field("min", "bytes", "watermark"),
        Field("low", "bytes", "watermark"),
        Field("high", "bytes", "watermark"),
        Field("managed", "bytes", "managed by the allocator"),
    ),
    "tunable": (
        *_WHOSE,
        Field("tunable", "text", "as sysctl names it"),
        Field("value", "text", "the kernel's text"),
        Field("is_default", "bool", "whether it is the kernel's own value"),
    ),
    "cgroup": (
        *_WHOSE,
        Field("cgroup", "text", "path of the memory group"),
        Field("state", "text", "near its limit, or full of what can be reclaimed"),
        Field("current", "bytes", "charged to it"),
        Field("limit", "bytes", "its limit"),
        Field("headroom", "bytes", "what the limits on the way up leave"),
        Field("anonymous", "bytes", "anonymous memory charged to it"),
        Field("page_cache", "bytes", "page cache charged to it"),
        Field("swap", "bytes", "what it has in swap"),
        Field("oom_kills", "count", "processes killed in it"),
    ),
    "oom_event": (
        *_WHOSE,
        Field("logged_at", "text", "the log's time"),
        Field("killed_pid", "count", "who was killed"),
        Field("killed_name", "text", "its name"),
        Field("cgroup", "text", "whose limit was met"),
        Field("predicted_pid", "count", "whom the model would have chosen"),
        Field("freed", "bytes", "what that freed"),
    ),
    "finding": (
        *_WHOSE,
        Field("id", "text", "the rule, as pymemtools report --list has it"),
        Field("severity", "text", "critical, warning or notice"),
        Field("title", "text", "in words"),
        Field("figure", "text", "with units"),
        Field("amount", "ratio", "the same figure, in its unit"),
        Field("unit", "text", "bytes, percent, count, pages or seconds"),
    ),
    "rejected": (
        Field("capture_id", "text", "the start of the SHA-256 of the file"),
        Field("taken_at", "time", "when it arrived"),
        Field("file", "text", "its name"),
        Field("reason", "text", "why it is no capture, in one line"),
    ),
}
_SQL = {
    **dict.fromkeys(("text",), "VARCHAR"),
    **dict.fromkeys(("bytes", "count", "score"), "BIGINT"),
    **dict.fromkeys(("percent", "ratio", "seconds"), "DOUBLE"),
    "time": "TIMESTAMPTZ",
    "bool": "BOOLEAN",
    "texts": "MAP(VARCHAR, VARCHAR)",
    "amounts": "MAP(VARCHAR, BIGINT)",
    "steps": "STRUCT(size BIGINT, outcome VARCHAR, victim_pid BIGINT, victim_name VARCHAR)[]",
}


def sql_type(field: Field) -> str:
    """Name the type that DuckDB has for a field."""
    return _SQL[field.kind]


def arrow_schema(table: str) -> pyarrow.Schema:
    """Make the schema of a table's files."""
    pa = needed("pyarrow")
    integer, text = pa.int64(), pa.string()
    step = pa.struct([("size", integer), ("outcome", text), ("victim_pid", integer), ("victim_name", text)])
    types = {
        **dict.fromkeys(("bytes", "count", "score"), integer),
        **dict.fromkeys(("percent", "ratio", "seconds"), pa.float64()),
        "text": text,
        "time": pa.timestamp("us", tz="UTC"),
        "bool": pa.bool_(),
        "texts": pa.map_(text, text),
        "amounts": pa.map_(text, integer),
        "steps": pa.list_(step),
    }
    return pa.schema([(field.name, types[field.kind]) for field in TABLES[table]])


_EXTRAS = {"pyarrow": "fleet", "duckdb": "fleet", "distributed": "cluster"}


def needed(module: str) -> Any:
    """Import what an extra brings. Raises MemtoolsError where it is not installed."""
    from importlib import import_module

    try:
        if module == "pyarrow":
            import_module("pyarrow.parquet")
        return import_module(module)
    except ImportError:
        raise MemtoolsError(f"fleet: {module} is not installed: pip install 'pymemtools[{_EXTRAS[module]}]'") from None

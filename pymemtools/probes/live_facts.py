"""What htop would show of a process of this machine, by psutil."""

from __future__ import annotations

from typing import NamedTuple


class LiveFacts(NamedTuple):
    """How a process runs; what is gone or not allowed is None."""

    ppid: int | None = None
    threads: int | None = None
    nice: int | None = None
    cpu_seconds: int | None = None
    memory_percent: float | None = None
    read_bytes: int | None = None
    write_bytes: int | None = None


def live_facts(pid: int) -> LiveFacts:
    """Ask for what may be known of a process; of one that does not exist that is nothing."""
    import psutil

    facts = LiveFacts()
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            facts = facts._replace(ppid=process.ppid(), threads=process.num_threads(), nice=process.nice())
            times = process.cpu_times()
            facts = facts._replace(cpu_seconds=int(times.user + times.system))
            facts = facts._replace(memory_percent=round(process.memory_percent(), 1))
            counters = process.io_counters()
            facts = facts._replace(read_bytes=counters.read_bytes, write_bytes=counters.write_bytes)
    except (psutil.Error, ValueError):
        pass
    return facts

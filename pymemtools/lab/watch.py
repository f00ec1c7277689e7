"""Run a command, and look at the machine's memory until it ends."""

from __future__ import annotations

import errno
import math
import os
import select
import signal
from collections.abc import Mapping
from typing import Any

from pymemtools.errors import MemtoolsError
from pymemtools.lab.experiment import Experiment, nothing_in_the_way
from pymemtools.lab.stage import Stage
from pymemtools.reports.free import read_memory
from pymemtools.reports.lab.ending import exit_status_of
from pymemtools.reports.lab.plan import Plan
from pymemtools.reports.lab.watch import COLUMNS, WatchRequest, watch_report
from pymemtools.sources.base import Source

_PIPE = 4096
_GRACE = 1.0  # seconds between SIGTERM and SIGKILL for the command, when we are ended


class _NotStarted(MemtoolsError):
    """Say why a command cannot be run, with the status that shells give."""

    def __init__(self, command: str, error: OSError) -> None:
        name = command or "''"
        super().__init__(f"lab watch: {name}: {os.strerror(error.errno or 0)}")
        self.exit_status = 127 if isinstance(error, FileNotFoundError) else 126


def _plan(source: Source, request: WatchRequest) -> Plan:
    happens = (
        "The command runs as it would without us, and what free tells is looked at before, meanwhile, and after.",
        "All of ours goes to stderr; its output is its own, and its status is ours.",
    )
    return Plan(happens, 0, seconds=math.inf)


def _run(request: WatchRequest, stage: Stage) -> Mapping[str, Any]:
    _sample(stage)
    started = stage.seconds
    try:
        defaults = [signal.SIGINT, signal.SIGPIPE]
        if not request.command[0]:  # which Python refuses in words of its own
            raise FileNotFoundError(errno.ENOENT, "")
        pid = os.posix_spawnp(request.command[0], list(request.command), os.environ, setsigdef=defaults)
    except OSError as error:
        raise _NotStarted(request.command[0], error) from None
    ends, told = os.pipe()  # a pipe that a signal's number is written to as a child ends
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(told)
    while (found := os.waitpid(pid, os.WNOHANG))[0] == 0:
        if select.select([ends], [], [], request.interval)[0]:
            os.read(ends, _PIPE)  # it may have been stopped, or go on
        else:
            _sample(stage)
    ended = stage.seconds
    _sample(stage)
    code = os.waitstatus_to_exitcode(found[1])
    return {
        "command": list(request.command),
        "code": code,
        "status": exit_status_of(code),
        "started": started,
        "ended": ended,
    }


def _sample(stage: Stage) -> None:
    found = read_memory(stage.source)
    memory, swap = found.mem, found.swap
    stage.row(
        seconds=stage.seconds,
        total=memory.total,
        used=memory.used,
        free=memory.free,
        shared=memory.shared,
        buff_cache=memory.buff_cache,
        available=memory.available,
        swap_used=swap.used,
    )


EXPERIMENT = Experiment(
    "watch", COLUMNS, nothing_in_the_way, _plan, _run, watch_report, patient=True, grace=_GRACE, on_stderr=True
)

"""Start one program many times, and see where the kernel puts it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import Any

from pymemtools.errors import MemtoolsError
from pymemtools.lab.experiment import Experiment
from pymemtools.lab.stage import Stage
from pymemtools.models.aslr import HEAP, LIBRARIES, PROGRAM, REGIONS, STACK, Layout
from pymemtools.models.release import parse_release
from pymemtools.procfs.maps import parse_maps
from pymemtools.reports.lab.aslr import COLUMNS, AslrRequest, aslr_report, region_row
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.sources.base import Source

_MARGIN = 16 << 20
_STILL = 5  # programs that are started without randomisation: one address each is all that is to be seen
_ADDR_NO_RANDOMIZE, _AS_IT_IS = 0x0040000, 0xFFFFFFFF  # include/uapi/linux/personality.h
_ELF64, _ET_DYN = 2, 3


def _cat() -> str:
    """Give the path of cat, or nothing without one; shutil, which would search for it, brings four compressors."""
    return next((path for path in ("/bin/cat", "/usr/bin/cat") if os.access(path, os.X_OK)), "")


def _obstacle(source: Source) -> str:
    return "" if _cat() else "there is no program cat"


def _plan(source: Source, request: AslrRequest) -> Plan:
    happens = (
        f"The program cat is started {request.samples} times, to print its own mappings, and {_STILL} times with "
        "ADDR_NO_RANDOMIZE.",
        "The kernel puts program, heap, libraries and stack to places that nobody can guess: each by bits of its own. "
        "Of how many places it chooses among, the distance between the lowest and the highest tells; how often one "
        "comes twice tells little, as among many places none does.",
    )
    return Plan(happens, _MARGIN)


def _run(request: AslrRequest, stage: Stage) -> Mapping[str, Any]:
    program = os.path.realpath(_cat())
    layout = _layout(stage.source, program)
    for randomized, count in ((True, request.samples), (False, _STILL)):
        if not _randomize(randomized):
            if randomized:
                raise CannotRun("lab aslr: cannot run here: personality(2) is refused (seccomp?)")
            stage.note("personality(2) is refused (seccomp?): nothing was seen without randomisation")
            continue
        seen = [_places(program) for _ in range(count)]
        for region in REGIONS:
            addresses = [places[region] for places in seen if region in places]
            if len(addresses) == count:
                stage.row(**region_row(region, addresses, layout, randomized=randomized))
    if layout.mmap_bits is None:
        stage.note("vm.mmap_rnd_bits is root's: nothing is known to be promised of program and libraries")
    return {"randomize_va_space": layout.randomize}


def _randomize(wanted: bool) -> bool:
    """Have what we start be placed at random, or not; tell whether that was possible."""
    libc = ctypes.CDLL(None)
    libc.personality.argtypes = (ctypes.c_ulong,)
    now = libc.personality(_AS_IT_IS)
    then = now & ~_ADDR_NO_RANDOMIZE if wanted else now | _ADDR_NO_RANDOMIZE
    return bool(now >= 0 and (then == now or libc.personality(then) >= 0))


def _layout(source: Source, program: str) -> Layout:
    with open(program, "rb") as file:
        head = file.read(20)
    machine = os.uname().machine if head[4:5] == bytes([_ELF64]) else "32 bits"
    return Layout(
        machine,
        source.facts.page_size or 4096,
        _number(source, "sys/kernel/randomize_va_space") or 0,
        _number(source, "sys/vm/mmap_rnd_bits"),
        head[16:18] in (bytes([_ET_DYN, 0]), bytes([0, _ET_DYN])),
        parse_release(source.facts.kernel),
    )


def _number(source: Source, path: str) -> int | None:
    try:
        return int(source.read(path))
    except (MemtoolsError, ValueError):
        return None


def _places(program: str) -> dict[str, int]:
    """Start the program, and give where its regions are."""
    found: dict[str, int] = {}
    for mapping in parse_maps(_mappings_of(program)):
        if mapping.name == os.fsencode(program):
            found.setdefault(PROGRAM, mapping.start)
        elif mapping.name == b"[stack]":
            found[STACK] = mapping.end
        elif mapping.name == b"[heap]" and PROGRAM in found:
            found[HEAP] = mapping.start - found[PROGRAM]
        elif mapping.inode:
            found[LIBRARIES] = mapping.start  # of the highest, which was mapped first: that of the loader
    if LIBRARIES not in found:
        found.pop(HEAP, None)  # of programs without a loader it is elsewhere
    return found


def _mappings_of(program: str) -> bytes:
    """Have the program print its mappings. Raises MemtoolsError."""
    end, into = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, into, 1)]
    pid = os.posix_spawn(program, ["cat", "/proc/self/maps"], {}, file_actions=actions)
    os.close(into)
    with os.fdopen(end, "rb") as file:
        text = file.read()
    if status := os.waitpid(pid, 0)[1]:
        raise MemtoolsError(f"{program}: exit status {os.waitstatus_to_exitcode(status)}")
    return text


EXPERIMENT = Experiment("aslr", COLUMNS, _obstacle, _plan, _run, aslr_report)

"""One process: who it is, whether it lives, and what was read of it; decided here, once for all commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pymemtools.errors import Denied, Missing
from pymemtools.procfs.stat import Stat
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.units import signed_number

if TYPE_CHECKING:
    from pymemtools.procfs.ksm import KsmStat
    from pymemtools.procfs.smaps.accounted import Accounted

ALIVE = "alive"
KERNEL = "kernel"  # a kernel thread
ZOMBIE = "zombie"  # dead, its memory gone, its parent not told yet
EMPTY = "empty"  # alive, but without memory any more, or yet: on its way out
UNKNOWN_NAME = "?"
_MAX_CMDLINE = 1 << 20


class Process(NamedTuple):
    """One process at one moment; sizes in bytes, None or nothing where the source does not tell or was not asked."""

    pid: int
    ppid: int | None
    starttime_ticks: int | None  # since boot: tells a PID's users apart
    uid: int | None
    user: str | None
    name: str  # the kernel's comm
    command: str  # the command line, else [name]
    sums: dict[str, int | None]  # by the kernel's names: of smaps or smaps_rollup, and of status
    by_name: dict[bytes, list[int]]  # name of mapping -> [mappings, bytes of each field wanted]
    life: str = ALIVE
    state: str | None = None  # the letter of stat
    maps: int | None = None  # mappings; None: the sums are those of smaps_rollup
    accounted: Accounted | None = None  # what Committed_AS counts; None where smaps has no VmFlags
    status: dict[str, int] | None = None  # sizes; None: no status
    capabilities: int | None = None  # effective, as bits
    address_space: int | None = None
    resident_pages: int | None = None  # as stat tells, up to 64 pages a thread late
    minor_faults: int | None = None  # since its start
    major_faults: int | None = None
    cgroup: str | None = None
    cgroups: dict[str, str] | None = None  # path by controller of v1; "" is v2's
    oom_score: int | None = None
    oom_score_adj: int | None = None
    refused: str | None = None  # why its memory could not be read; then the figures of smaps are missing
    has_pss: bool = False
    is_cut_short: bool = False  # smaps ended within a line
    is_without_smaps: bool = False  # a copy has none of it, and smaps_rollup had to do
    is_in_exec: bool = False
    rollup: dict[str, int] | None = None  # the sums of smaps_rollup, where it was read beside smaps
    ksm: KsmStat | None = None  # None: no ksm_stat
    mergeable: int | None = None  # anonymous memory that may be merged; None where smaps has no VmFlags

    def has_capability(self, bit: int) -> bool:
        """Tell whether it may what a capability lets it; where status does not tell, root may."""
        return self.uid == 0 if self.capabilities is None else bool(self.capabilities >> bit & 1)

    @property
    def owner(self) -> str:
        """Name the owner: by the studied machine's name, else its number; ``?`` when nobody knows."""
        return UNKNOWN_NAME if self.uid is None else self.user or str(self.uid)


def life_of(stat: Stat | None) -> str:
    """Tell a kernel thread and a zombie from a process that has memory; without stat it is taken for one."""
    if stat is None:
        return ALIVE
    return KERNEL if stat.is_kernel_thread else ZOMBIE if stat.is_dead else ALIVE


def identify(files: ProcessFiles, stat: Stat | None) -> Process:
    """Say which process it is, but for its owner. A kernel thread's cmdline is not read: it has none."""
    life = life_of(stat)
    name = UNKNOWN_NAME if stat is None else text_of(stat.comm)
    command = f"[{name}]" if life == KERNEL else command_of(files, name)
    if stat is None:
        return Process(files.pid, None, None, None, None, name, command, {}, {})
    ppid, start = stat.ppid, stat.starttime_ticks
    return Process(
        *(files.pid, ppid, start, None, None, name, command, {}, {}, life, stat.state),
        address_space=stat.vsize,
        resident_pages=stat.rss_pages,
        minor_faults=stat.minor_faults,
        major_faults=stat.major_faults,
    )


def with_owner(process: Process, source: Source, files: ProcessFiles) -> Process:
    """Look its owner up, which loads the machine's users."""
    uid = files.uid()
    return process if uid is None else process._replace(uid=uid, user=source.user_name(uid))


def command_of(files: ProcessFiles, name: str) -> str:
    """Give the command line with blanks for NULs; a process without one, or that emptied it, is shown by its name."""
    try:
        cmdline = files.read("cmdline")[:_MAX_CMDLINE]
    except Missing:
        return UNKNOWN_NAME if name == UNKNOWN_NAME else f"[{name}]"
    except Denied:
        cmdline = b""
    cmdline = cmdline[:-1] if cmdline.endswith(b"\0") else cmdline
    return text_of(cmdline.replace(b"\0", b" ")) if cmdline.strip(b"\0") else f"[{name}]"


def program_of(command: str) -> str:
    """Name the program: the first word of a command line, without directories and what titles and shells add.

    >>> program_of("/usr/sbin/nginx -g daemon"), program_of("nginx: worker process"), program_of("-bash")
    ('nginx', 'nginx', 'bash')
    """
    words = command.split(None, 1)
    program = words[0].rstrip("/").rpartition("/")[2] if words else ""
    return program.removeprefix("-").removesuffix(":")


def text_of(name: bytes) -> str:
    """Decode what may be no UTF-8."""
    return name.decode("utf-8", "surrogateescape")


def small_number(text: bytes) -> int | None:
    """Read a score or an adjustment; None for what is none."""
    word = text.strip()
    return signed_number(word) if len(word) < 8 else None


def packed(process: Process | None) -> tuple[Any, ...] | None:
    """Make plain tuples of a process, to be sent from one of our own processes to the other."""
    if process is None:
        return None
    accounted, ksm = process.accounted, process.ksm
    if accounted is None and ksm is None:
        return tuple(process)
    return tuple(
        process._replace(
            accounted=accounted and tuple(accounted),  # type: ignore[arg-type]
            ksm=ksm and tuple(ksm),  # type: ignore[arg-type]
        )
    )


def unpacked(plain: tuple[Any, ...] | None) -> Process | None:
    """Undo packed()."""
    if plain is None:
        return None
    process = Process._make(plain)
    accounted, ksm = process.accounted, process.ksm
    if accounted is None and ksm is None:
        return process
    from pymemtools.procfs.ksm import KsmStat
    from pymemtools.procfs.smaps.accounted import Accounted

    return process._replace(accounted=accounted and Accounted._make(accounted), ksm=ksm and KsmStat._make(ksm))

"""A machine that exists in memory only: processes in groups, of which some move from one sample to the next.

What moves is what moves on a real one: of a process its faults, its time, its resident pages and with them the figures
of status and smaps_rollup; of its groups what memory.stat counts of that; of the machine most of what its files have.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager

from pymemtools.errors import Missing, NoSuchProcess
from pymemtools.sources import open_source
from pymemtools.sources.base import Facts
from pymemtools.sources.example import demo_path

_NUMBER = re.compile(rb"( *\b[0-9]+\b)")
_MOUNT = "/sys/fs/cgroup"
_COUNTERS = b"pgfault", b"pgalloc", b"pgfree", b"numa_", b"pgpg", b"nr_dirtied", b"nr_written", b"nr_free"
_STAT_KEYS = (
    *("anon", "file", "kernel", "kernel_stack", "pagetables", "sec_pagetables", "percpu", "sock", "vmalloc", "shmem"),
    *("zswap", "zswapped", "file_mapped", "file_dirty", "file_writeback", "swapcached", "anon_thp", "file_thp"),
    *("shmem_thp", "inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable", "slab_reclaimable"),
    *("slab_unreclaimable", "slab", "workingset_refault_anon", "workingset_refault_file", "workingset_activate_anon"),
    *("workingset_activate_file", "workingset_restore_anon", "workingset_restore_file", "workingset_nodereclaim"),
    *("pgscan", "pgsteal", "pgscan_kswapd", "pgscan_direct", "pgsteal_kswapd", "pgsteal_direct", "pgfault"),
    *("pgmajfault", "pgrefill", "pgactivate", "pgdeactivate", "pglazyfree", "pglazyfreed", "thp_fault_alloc"),
    "thp_collapse_alloc",
)
_ROLLUP = """\
55d0c0a00000-7ffd3a9f9000 ---p 00000000 00:00 0                          [rollup]
Rss:            {rss:8} kB
Pss:            {pss:8} kB
Pss_Dirty:      {anon:8} kB
Pss_Anon:       {anon:8} kB
Pss_File:       {file:8} kB
Pss_Shmem:             0 kB
Shared_Clean:   {shared:8} kB
Shared_Dirty:          0 kB
Private_Clean:  {clean:8} kB
Private_Dirty:  {anon:8} kB
Referenced:     {rss:8} kB
Anonymous:      {anon:8} kB
KSM:                   0 kB
LazyFree:              0 kB
AnonHugePages:         0 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:         0 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:       0 kB
Swap:                  0 kB
SwapPss:               0 kB
Locked:                0 kB
"""
_STATUS = """\
Name:\t{name}
Umask:\t0022
State:\tS (sleeping)
Tgid:\t{pid}
Ngid:\t0
Pid:\t{pid}
PPid:\t1
TracerPid:\t0
Uid:\t{uid}\t{uid}\t{uid}\t{uid}
Gid:\t{uid}\t{uid}\t{uid}\t{uid}
FDSize:\t128
Groups:\t{uid}
NStgid:\t{pid}
NSpid:\t{pid}
NSpgid:\t{pid}
NSsid:\t{pid}
Kthread:\t0
VmPeak:\t{vss:8} kB
VmSize:\t{vss:8} kB
VmLck:\t       0 kB
VmPin:\t       0 kB
VmHWM:\t{peak:8} kB
VmRSS:\t{rss:8} kB
RssAnon:\t{anon:8} kB
RssFile:\t{mapped:8} kB
RssShmem:\t       0 kB
VmData:\t{vss:8} kB
VmStk:\t     132 kB
VmExe:\t    2340 kB
VmLib:\t    9876 kB
VmPTE:\t{table:8} kB
VmSwap:\t       0 kB
HugetlbPages:\t       0 kB
CoreDumping:\t0
THP_enabled:\t1
untag_mask:\t0xffffffffffffffff
Threads:\t4
SigQ:\t0/63361
SigPnd:\t0000000000000000
ShdPnd:\t0000000000000000
SigBlk:\t0000000000000000
SigIgn:\t0000000001001000
SigCgt:\t0000000180004002
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t000001ffffffffff
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t1
Speculation_Store_Bypass:\tthread vulnerable
SpeculationIndirectBranch:\tconditional enabled
Cpus_allowed:\tff
Cpus_allowed_list:\t0-7
Mems_allowed:\t00000000,00000001
Mems_allowed_list:\t0
voluntary_ctxt_switches:\t{waits}
nonvoluntary_ctxt_switches:\t{preempted}
"""


class Moving:
    """A text of which some numbers move, each with its width."""

    def __init__(self, text: bytes, chance: random.Random, share: float) -> None:
        self._parts = _NUMBER.split(text)
        self._chance = chance
        places = [place for place in range(1, len(self._parts), 2) if int(self._parts[place]) > 100]
        self._moving = chance.sample(places, round(len(places) * share))

    def step(self) -> None:
        """Move on to the next sample."""
        parts = self._parts
        for place in self._moving:
            value, width = int(parts[place]), len(parts[place])
            if any(parts[place - 1].endswith(name) for name in _COUNTERS):
                value += self._chance.randrange(5000)
            else:
                value = max(101, value + self._chance.randrange(-60, 61) * max(1, value // 20000))
            parts[place] = b"%*d" % (width, value)

    def text(self) -> bytes:
        return b"".join(self._parts)


class SimulatedProcess:
    """One process; sizes in KiB."""

    def __init__(self, pid: int, group: str, chance: random.Random) -> None:
        self.pid, self.group = pid, group
        self._chance = chance
        self.name = f"worker-{pid % 37}"
        self.uid_ = 1000 + pid % 9
        self.anon = chance.randrange(2_000, 400_000)
        self.mapped = chance.randrange(1_000, 30_000)
        self.faults, self.majors, self.ticks, self.waits = self.anon // 3, pid % 50, pid * 7, pid * 100
        self.vss = self.anon * 3
        self.files: dict[str, bytes] = {}
        self.write()

    def step(self) -> int:
        """Move; give how many KiB of anonymous memory came."""
        pages = self._chance.choice((0, 0, 0, 1, 2, 5, 13, -3, -8, 40, 200, -150))
        self.anon = max(500, self.anon + 4 * pages)
        self.faults += max(pages, 0) + self._chance.randrange(30)
        self.ticks += self._chance.randrange(1, 90)
        self.waits += self._chance.randrange(1, 400)
        self.write()
        return 4 * pages

    def write(self) -> None:
        rss, shared = self.anon + self.mapped, self.mapped * 2 // 3
        values = {
            "name": self.name, "pid": self.pid, "uid": self.uid_, "vss": self.vss, "peak": max(rss, self.vss // 3),
            "rss": rss, "anon": self.anon, "mapped": self.mapped, "table": rss // 500 + 40, "waits": self.waits,
            "preempted": self.waits // 11, "shared": shared, "clean": self.mapped - shared,
            "file": self.mapped - shared // 2, "pss": self.anon + self.mapped - shared // 2,
        }  # fmt: skip
        stat = [
            *(1, self.pid, self.pid, 0, -1, 4194560, self.faults, 17, self.majors, 0, self.ticks, self.ticks // 3),
            *(0, 0, 20, 0, 4, 0, 1000 + self.pid, self.vss * 1024, rss // 4, 2**64 - 1, 94000000000000),
            *(94000000800000, 140720000000000, 0, 0, 0, 0, 16781312, 16386, 0, 0, 0, 17, 3, 0, 0, 0, 0, 0),
            *(94000001000000, 94000001100000, 94000020000000, 140720000000100, 140720000000200, 140720000000200),
            *(140720000000300, 0),
        ]
        self.files = {
            "stat": f"{self.pid} ({self.name}) S {' '.join(map(str, stat))}\n".encode(),
            "status": _STATUS.format(**values).encode(),
            "cmdline": f"/usr/lib/{self.name}\0--listen\0/run/{self.name}.sock\0--workers={self.pid}\0".encode(),
            "cgroup": f"0::{self.group}\n".encode(),
            "oom_score": b"%d\n" % (666 + rss // 40000),
            "oom_score_adj": b"0\n",
            "statm": b"%d %d %d 585 0 %d 0\n" % (self.vss // 4, rss // 4, self.mapped // 4, self.vss // 4),
            "smaps_rollup": _ROLLUP.format(**values).encode(),
        }

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise Missing(f"{self.pid}/{name}: no such file")
        return self.files[name]

    def chunks(self, name: str) -> Iterator[bytes]:
        return iter((self.read(name),))

    def uid(self) -> int | None:
        return self.uid_


class SimulatedMachine:
    """A source, as the writer of a recording wants it; step() moves on to the next sample."""

    is_live = True
    facts = Facts("live", None, "6.12.0", 4096, None)
    manifest = None
    commands_from = None

    def __init__(self, processes: int, groups: int, share: float = 0.12, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._share = share
        example = open_source(demo_path())
        settings = {f"sys/vm/{name}": example.read(f"sys/vm/{name}") for name in example.names("sys/vm")}
        texts = {name: example.read(name) for name in ("meminfo", "vmstat", "zoneinfo", "buddyinfo", "swaps")}
        pressure = b"".join(
            b"%b avg10=0.00 avg60=0.21 avg300=0.10 total=8812734\n" % kind for kind in (b"some", b"full")
        )
        texts |= {f"pressure/{name}": pressure for name in ("memory", "io", "cpu")}
        shares = {"meminfo": 0.6, "vmstat": 0.5, "zoneinfo": 0.5, "buddyinfo": 0.9, "swaps": 0.0}
        self._moving = {name: Moving(text, self._chance, shares.get(name, 0.4)) for name, text in texts.items()}
        self._fixed = settings | {"version": example.read("version"), "sys/kernel/random/boot_id": b"5eed\n"}
        paths = [f"/system.slice/service-{number}.service" for number in range(groups - 2)]
        self._groups = dict.fromkeys(("/", "/system.slice", *paths), 0)
        self._stats = {path: dict.fromkeys(_STAT_KEYS, self._chance.randrange(1 << 28)) for path in self._groups}
        pids = range(700, 700 + 3 * processes, 3)
        self._processes = {pid: SimulatedProcess(pid, paths[pid % len(paths)], self._chance) for pid in pids}

    def step(self) -> None:
        """Move on to the next sample."""
        for moving in self._moving.values():
            moving.step()
        for process in self._chance.sample(list(self._processes.values()), round(len(self._processes) * self._share)):
            self._charge(process.group, process.step())

    def _charge(self, group: str, kib: int) -> None:
        for path in ("/", "/system.slice", group):
            stat = self._stats[path]
            stat["anon"] = stat["active_anon"] = max(0, stat["anon"] + 1024 * kib)
            stat["inactive_file"] += 4096 * self._chance.randrange(9)
            stat["file"] += 4096 * self._chance.randrange(9)
            stat["kernel"] += 512 * self._chance.randrange(9)
            stat["slab"] = stat["slab_reclaimable"] = stat["slab"] + 512 * self._chance.randrange(9)
            stat["pgfault"] += self._chance.randrange(300)

    def read(self, path: str) -> bytes:
        if path in self._moving:
            return self._moving[path].text()
        if path in self._fixed:
            return self._fixed[path]
        pid, _, name = path.partition("/")
        if pid.isdigit() and int(pid) in self._processes:
            return self._processes[int(pid)].read(name)
        group, _, name = path.removeprefix(_MOUNT).rpartition("/")
        if path.startswith(_MOUNT) and (group or "/") in self._stats:
            return self._group_file(group or "/", name)
        raise Missing(path)

    def _group_file(self, group: str, name: str) -> bytes:
        stat = self._stats[group]
        if name == "memory.stat":
            return "".join(f"{key} {value}\n" for key, value in stat.items()).encode()
        if name == "memory.current":
            return b"%d\n" % (stat["anon"] + stat["file"] + stat["kernel"])
        if name in ("memory.max", "memory.high", "memory.swap.max"):
            return b"max\n"
        if name == "memory.events":
            return b"low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n"
        if name == "memory.pressure":
            return (
                b"some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                % (stat["pgfault"] // 7)
            )
        if name in ("memory.swap.current", "memory.min", "memory.low", "memory.oom.group"):
            return b"0\n"
        raise Missing(name)

    def names(self, path: str) -> list[str]:
        if path == "sys/vm":
            return sorted(name.removeprefix("sys/vm/") for name in self._fixed if name.startswith("sys/vm/"))
        return []

    def pids(self) -> list[int]:
        return list(self._processes)

    @contextmanager
    def process(self, pid: int) -> Iterator[SimulatedProcess]:
        if pid not in self._processes:
            raise NoSuchProcess(pid)
        yield self._processes[pid]

    def user_name(self, uid: int) -> str | None:
        return f"user{uid}"

    def beside(self) -> list[str]:
        return []

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        raise Missing(path)

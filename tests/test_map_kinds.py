"""Kinds of mappings: each case is a piece of a real map, kinds first."""

import pytest

from pymemtools.models.map_kinds import KINDS, kinds_of
from pymemtools.procfs.maps import Mapping, Mappings, parse_maps
from pymemtools.reports.map_diff import pair

CASES = {
    "a program and its library, linked as today": """\
rodata 55717f7c0000-55717f7c1000 r--p 00000000 00:03 23 /bin/labd
text   55717f7c1000-55717f7c2000 r-xp 00001000 00:03 23 /bin/labd
rodata 55717f7c2000-55717f7c3000 r--p 00002000 00:03 23 /bin/labd
relro  55717f7c3000-55717f7c4000 r--p 00002000 00:03 23 /bin/labd
data   55717f7c4000-55717f7c5000 rw-p 00003000 00:03 23 /bin/labd
bss    55717f7c5000-55717f8c5000 rw-p 00000000 00:00 0
heap   5571a0000000-5571a0021000 rw-p 00000000 00:00 0 [heap]
anon   7f6578d4e000-7f6578d51000 rw-p 00000000 00:00 0
vdso   7f6578f49000-7f6578f4d000 r--p 00000000 00:00 0 [vvar]
vdso   7f6578f4f000-7f6578f51000 r-xp 00000000 00:00 0 [vdso]
stack  7ffc94d2a000-7ffc94d4b000 rw-p 00000000 00:00 0 [stack]
vdso   ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
""",
    "a 32-bit program, text first": """\
text  00010000-00145000 r-xp 00000000 00:02 18 /bin/busybox
relro 00145000-00149000 r--p 00134000 00:02 18 /bin/busybox
data  00149000-0014b000 rw-p 00138000 00:02 18 /bin/busybox
bss   0014b000-0014f000 rw-p 00000000 00:00 0
heap  00ae6000-00b08000 rw-p 00000000 00:00 0 [heap]
vdso  beff4000-beff5000 r-xp 00000000 00:00 0 [sigpage]
vdso  ffff0000-ffff1000 r-xp 00000000 00:00 0 [vectors]
""",
    "separate code but no relro": """\
rodata 00400000-00401000 r--p 00000000 fe:00 9 /x
text   00401000-00402000 r-xp 00001000 fe:00 9 /x
rodata 00402000-00403000 r--p 00002000 fe:00 9 /x
data   00403000-00404000 rw-p 00003000 fe:00 9 /x
""",
    "a malloc arena, then a thread's guard and stack": """\
malloc arena 7e6310000000-7e6310021000 rw-p 00000000 00:00 0
malloc arena 7e6310021000-7e6314000000 ---p 00000000 00:00 0
thread stack 7e6314c2f000-7e6314c30000 ---p 00000000 00:00 0
thread stack 7e6314c30000-7e6315430000 rw-p 00000000 00:00 0
""",
    "two arenas side by side, the first one full": """\
malloc arena 7e6310000000-7e6314021000 rw-p 00000000 00:00 0
malloc arena 7e6314021000-7e6318000000 ---p 00000000 00:00 0
""",
    "a 32-bit arena is 1 MiB": """\
malloc arena b5c00000-b5c21000 rw-p 00000000 00:00 0
malloc arena b5c21000-b5d00000 ---p 00000000 00:00 0
vdso         ffff0000-ffff1000 r-xp 00000000 00:00 0 [vectors]
""",
    "a reservation beside memory in use is no guard": """\
reserve 7e6400001000-7e6410000000 ---p 00000000 00:00 0
anon    7e6410000000-7e6410001000 rw-p 00000000 00:00 0
""",
    "names that glibc and Android give": """\
heap         7e0000000000-7e0000001000 rw-p 00000000 00:00 0 [anon: glibc: malloc]
malloc arena 7e0000003000-7e0000004000 rw-p 00000000 00:00 0 [anon: glibc: malloc arena]
thread stack 7e0000006000-7e0000007000 rw-p 00000000 00:00 0 [anon: glibc: pthread stack: 77]
thread stack 7e0000008000-7e0000009000 rw-p 00000000 00:00 0 [stack:1234]
thread stack 7e0000018000-7e0000019000 ---p 00000000 00:00 0
thread stack 7e0000019000-7e000001a000 rw-p 00000000 00:00 0 [anon:stack_and_tls:9]
anon         7e000001c000-7e000001d000 rw-p 00000000 00:00 0 [anon:dalvik-main space]
""",
    "shared memory, huge pages, devices": """\
shm     7f6321d16000-7f6321d1d000 rw-s 00000000 00:01 23 /SYSV00000000 (deleted)
shm     7f6321d1d000-7f6321d26000 rw-s 00000000 00:01 1057 /dev/zero (deleted)
shm     7f6321d2b000-7f6321d2d000 rw-s 00000000 00:1a 3 /dev/shm/ring
shm     7f6321e8b000-7f6321e8f000 rw-s 00000000 00:01 1056 /memfd:zoo/with slash (deleted)
shm     7f6321e90000-7f6321e91000 rw-s 00000000 00:01 1057 [anon_shmem:x]
hugetlb 7f6322000000-7f6322200000 rw-p 00000000 00:0f 77 /anon_hugepage (deleted)
device  7f6322300000-7f6322301000 rw-s 00000000 00:06 5 /dev/dri/card0
device  7f6322301000-7f6322302000 rw-s 00000000 00:0e 12 anon_inode:[perf_event]
data    7f6322400000-7f6322401000 rw-s 00000000 fe:00 12 /var/lib/db
rodata  7f6322500000-7f6322501000 r--s 00000000 fe:00 12 /usr/lib/locale/C.utf8/LC_CTYPE
""",
    "private memory of /dev/zero, and what Android calls its own": """\
anon 7f6322300000-7f6322302000 rw-p 00000000 00:06 5 /dev/zero
bss  7f6322400000-7f6322402000 rw-p 00000000 00:00 0 [anon:.bss]
heap 7f6322500000-7f6322502000 rw-p 00000000 00:00 0 [anon: glibc: loader malloc]
shm  7f6322600000-7f6322602000 rw-s 00000000 00:04 7 /dev/ashmem/dalvik-main space (deleted)
""",
    "memory beside a mapped file is no bss: Java's heap, and the archive that it starts with": """\
anon fc000000-ffe00000 rw-p 00000000 00:00 0
data ffe00000-ffe75000 rw-p 00bc6000 fe:00 9 /jvm/classes.jsa
anon ffe75000-fff00000 rw-p 00000000 00:00 0
""",
    "the heap of Go looks like an arena": """\
anon    c000000000-c000400000 rw-p 00000000 00:00 0
reserve c000400000-c004000000 ---p 00000000 00:00 0
""",
    "a file named like the heap is a file": "data 00400000-00401000 rw-p 00000000 fe:00 9 /tmp/[heap]\n",
}


@pytest.mark.parametrize("case", CASES)
def test_kinds(case: str) -> None:
    lines = CASES[case].splitlines()
    kinds = [
        next(kind for kind in sorted(KINDS, key=len, reverse=True) if line.startswith(f"{kind} ")) for line in lines
    ]
    maps = "".join(f"{line.removeprefix(kind).lstrip()}\n" for line, kind in zip(lines, kinds))
    assert kinds_of(parse_maps(maps.encode())) == kinds


def area(start: int, end: int, name: bytes = b"", perms: bytes = b"rw-p", flags: bytes = b"") -> Mapping:
    return Mapping(start << 12, end << 12, perms, 0, b"00:00", 0, name, flags)


def told(*mappings: Mapping, stack: int | None = None) -> list[str]:
    return kinds_of(Mappings.of(mappings), stack)


def test_flags_tell_what_neighbours_cannot() -> None:
    assert told(area(1, 2, flags=b"rd wr gu")) == ["guard region"]
    assert told(area(1, 2, flags=b"rd wr gu ac nh")) == ["thread stack"]
    free = area(1, 2, perms=b"---p", flags=b"mr mw me nr")
    assert told(free, area(2, 3, flags=b"rd wr ac")) == ["reserve", "anon"]
    assert told(free._replace(vmflags=b"mr mw me nh"), area(2, 3)) == [
        "thread stack",
        "thread stack",
    ]
    assert told(area(1, 2, b"/srv/huge", flags=b"rd wr ht")) == ["hugetlb"]
    assert told(area(1, 2, b"/x", flags=b"rd wr pf io")) == ["device"]
    assert told(area(1, 2, b"/x", b"r--p", b"rd mr mw me"), area(2, 3, b"/x")) == ["rodata", "data"]
    assert told(area(1, 2, b"/x", b"r--p", b"rd mr mw me ac"), area(2, 3, b"/x")) == [
        "relro",
        "data",
    ]


def test_the_main_stack_is_told_by_its_address() -> None:
    assert told(area(1, 2), area(3, 4), stack=0x3800) == ["anon", "stack"]


def test_no_mappings_no_kinds() -> None:
    assert told() == []


def test_pairs() -> None:
    before = [area(1, 2), area(4, 6, b"[stack]"), area(8, 9, b"/lib/a"), area(10, 11, b"/gone"), area(20, 21)]
    after = [area(1, 3), area(3, 6, b"[stack]"), area(12, 13, b"/lib/a"), area(14, 15, b"/new"), area(30, 31)]
    assert sorted(pair(before, after), key=str) == [(0, 0), (1, 1), (2, 2), (3, None), (4, None), (None, 3), (None, 4)]


def test_the_same_twice_is_not_taken_for_the_same() -> None:
    twice = [area(1, 2, b"/lib/a"), area(3, 4, b"/lib/a")]
    moved = [area(11, 12, b"/lib/a"), area(13, 14, b"/lib/a")]
    assert pair(twice, moved) == [(0, None), (1, None), (None, 0), (None, 1)]

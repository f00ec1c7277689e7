"""A process that dies or calls exec while it is read is given whole or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from pymemtools.errors import Missing
from pymemtools.procfs.stat import Stat
from pymemtools.readings.mappings import read_maps
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.base import Facts, ProcessFiles

MAPS = b"00400000-00401000 r-xp 00000000 fe:00 18 /x\n"


def stat(state: str = "S", start: int = 5, code: int = 0x400000, vsize: int = 4096, flags: int = 0) -> bytes:
    """Write the fields that tell processes apart: state, flags, starttime, vsize, startcode, startstack."""
    middle = b"1 1 1 0 -1 %d" % flags + b" 0" * 12
    return b"7 (x) %b %b %d %d 1 0 %d 0 99" % (state.encode(), middle, start, vsize, code) + b" 0" * 24


class Scripted:
    """A live source with one process, whose files say one thing after the other; None: it is gone."""

    is_live = True
    facts = Facts("live", None, None, 4096, None)

    def __init__(self, looks: Sequence["bytes | None"], maps: Sequence[bytes] = (MAPS,) * 20) -> None:
        self.looks, self.maps = list(looks), list(maps)
        self.pid = 7

    @contextmanager
    def process(self, pid: int) -> Iterator["Scripted"]:
        yield self

    def read(self, name: str) -> bytes:
        found = self.looks.pop(0) if name == "stat" else self.maps.pop(0) if name == "maps" else None
        if found is None:
            raise Missing(f"7/{name}: gone")
        return found

    def chunks(self, name: str) -> Iterator[bytes]:
        yield self.read(name)


def names(source: Scripted) -> list[bytes]:
    return [mapping.name for mapping in read_maps(source, 7).mappings]  # type: ignore[arg-type]


def test_a_quiet_process_is_read_once() -> None:
    assert names(Scripted([stat(), stat()])) == [b"/x"]


@pytest.mark.parametrize(
    "looks",
    [
        [stat(), None],
        [stat(), stat("Z")],
        [stat(), stat("X")],
        [None, stat()],
        [stat(), stat(start=6), stat(), stat(start=6)],
    ],
    ids=["gone", "zombie", "dead", "only just there", "calls exec again and again"],
)
def test_a_process_that_ends_while_it_is_read_is_none(looks: "list[bytes | None]") -> None:
    with pytest.raises(Missing, match=r"7: no such process|7/stat: gone"):
        names(Scripted(looks))


def test_a_process_that_calls_exec_is_read_again() -> None:
    after = MAPS.replace(b"/x", b"/y")
    source = Scripted([stat(), stat(code=0x500000), stat(code=0x500000), stat(code=0x500000)], [MAPS, after])
    assert names(source) == [b"/y"]


def test_a_new_program_is_read_when_it_is_all_mapped() -> None:
    first, more, all_of_it = MAPS.replace(b"/x", b"[stack]"), MAPS.replace(b"/x", b"/ld"), MAPS.replace(b"/x", b"/new")
    source = Scripted([stat(code=0)] * 3 + [stat()] * 3, [first, more, all_of_it])
    assert names(source) == [b"/new"]


def test_a_new_program_that_never_gets_mapped_is_shown_as_far_as_it_is() -> None:
    assert names(Scripted([stat(code=0)] * 40, [MAPS] * 20)) == [b"/x"]


@pytest.mark.parametrize("vsize", [4096, 0], ids=["memory still counted", "memory given back, not yet a zombie"])
def test_empty_maps_are_those_of_a_process_on_its_way_out(vsize: int) -> None:
    with pytest.raises(Missing):
        names(Scripted([stat(vsize=vsize), stat(vsize=vsize)], [b""]))


def test_a_kernel_thread_is_looked_at_once() -> None:
    def read(files: ProcessFiles, found: "Stat | None") -> bool:
        assert found is not None
        return found.is_kernel_thread

    assert read_steadily(Scripted([stat(vsize=0, flags=0x200000)]), 7, read)  # type: ignore[arg-type]

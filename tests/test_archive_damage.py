"""Archives that were cut or changed on their way: nothing is shown of them, unless it is asked for."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from archives import (
    BLOCK,
    END,
    MEMINFO,
    SMAPS,
    SOUND,
    busybox_member,
    busybox_process,
    machine,
    member,
    opened,
    packed,
    pax,
    process,
    rows,
)
from conftest import Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pymemtools.errors import ArchiveError

USTAR = member(b"meminfo", MEMINFO, magic=b"ustar\x0000") + process(7, magic=b"ustar\x0000")
GNU = member(b"meminfo", MEMINFO, magic=b"ustar  \0") + process(7, magic=b"ustar  \0")
PAX = b"".join(pax((b"mtime", b"1.5")) + one for one in (member(b"meminfo", MEMINFO), member(b"7/smaps", SMAPS)))
WHOLE = {
    "Debian's smemcap": SOUND[: -len(END)],
    "busybox's smemcap": busybox_member(b"meminfo", MEMINFO) + busybox_process(7, 0) + busybox_process(8, 33),
    "ustar": USTAR + END,
    "GNU tar": GNU + END,
    "pax": PAX + END,
}


@pytest.mark.parametrize("maker", WHOLE)
def test_a_cut_archive_is_refused_or_has_whole_processes(tmp_path: Path, maker: str) -> None:
    """smemcap writes no end mark, so its archives may end after any process; others end with a mark of two blocks."""
    whole = WHOLE[maker]
    processes = rows(opened(tmp_path, whole))
    found = {}
    for end in range(0, len(whole), BLOCK // 4):
        try:
            found[end] = rows(opened(tmp_path, whole[:end]))
        except ArchiveError as error:
            assert re.search("truncated archive: |: not a tar archive$|: no process and no file", str(error))
    assert all(each == processes[: len(each)] for each in found.values())
    if "smemcap" in maker:
        assert sorted(len(each) for each in found.values()) == [0] * (1 + whole.count(b"Linux version")) + [1]
    else:
        assert min(found) == len(whole) - BLOCK
        assert all(each == processes for each in found.values())


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_cut_compressed_archive_is_refused(tmp_path: Path, kind: str) -> None:
    data = packed(SOUND, kind)
    for end in range(len(data)):
        with pytest.raises(ArchiveError, match=r"truncated archive: |: not a tar archive$|: no process and no file"):
            opened(tmp_path, data[:end])


def test_partial_shows_what_was_whole(pymemtools: Run, tmp_path: Path) -> None:
    cut = machine() + process(7) + process(8)[: 3 * BLOCK]
    (tmp_path / "cut.tar").write_bytes(cut)
    (tmp_path / "cut.gz").write_bytes(packed(cut, "gz"))
    for name in ("cut.tar", "cut.gz"):
        done = pymemtools("smem", "-H", "-S", str(tmp_path / name), "--partial")
        assert done.returncode == 3
        assert done.stdout == b"    7 0        prog                               0      100      100      100 \n"
        assert done.stderr.decode().splitlines() == [
            f"pymemtools: {tmp_path}/{name}: truncated archive: in the data of member 8; showing what was complete "
            "before that"
        ]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(["flip", "cut", "delete", "insert"]),
            st.integers(0, len(SOUND)),
            st.binary(min_size=1, max_size=12),
        ),
        min_size=1,
        max_size=4,
    ),
    kind=st.sampled_from(["", "gz"]),
)
def test_any_damage_gives_rows_or_one_error(tmp_path: Path, edits: list[tuple[str, int, bytes]], kind: str) -> None:
    data = packed(SOUND, kind) if kind else SOUND
    for what, at, some in edits:
        place = at % (len(data) + 1)
        if what == "cut":
            data = data[:place]
        elif what == "delete":
            data = data[:place] + data[place + len(some) :]
        elif what == "insert":
            data = data[:place] + some + data[place:]
        else:
            data = data[:place] + some[: len(data) - place] + data[place + len(some) :]
    started = time.process_time()
    for partial in (False, True):
        try:
            source = opened(tmp_path, data, partial=partial)
        except ArchiveError as error:
            assert "\n" not in str(error)
        else:
            rows(source)
    assert time.process_time() - started < 1

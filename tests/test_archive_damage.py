"""Archives that were cut or changed on their way: nothing is shown of them, unless it is asked for."""

from __future__ import annotations

import re
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
    header,
    machine,
    member,
    opened,
    packed,
    padded,
    pax,
    process,
    rows,
)
from conftest import Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pymemtools.errors import ArchiveError, Missing

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
        except (ArchiveError, Missing) as error:
            assert re.search("truncated archive: |: not a tar archive$|: is empty$|: no process", str(error))
    assert all(each == processes[: len(each)] for each in found.values())
    if "smemcap" in maker:
        assert [len(each) for each in found.values()] == [1]
    else:
        assert min(found) == len(whole) - BLOCK
        assert all(each == processes for each in found.values())


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_cut_compressed_archive_is_refused(tmp_path: Path, kind: str) -> None:
    data = packed(SOUND, kind)
    for end in range(len(data)):
        with pytest.raises(ArchiveError, match=r"truncated archive: |: not a tar archive$|: is empty$"):
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


def test_what_shows_the_rest_of_a_cut_archive_is_said(pymemtools: Run, tmp_path: Path) -> None:
    """As of a transfer over a line that broke."""
    (tmp_path / "cut.tar").write_bytes(machine() + process(7) + process(8)[: 3 * BLOCK])
    done = pymemtools("smem", "-S", str(tmp_path / "cut.tar"))
    assert (done.returncode, done.stdout) == (1, b"")
    said = "truncated archive: in the data of member 8; --partial shows what was complete before that"
    assert done.stderr.decode() == f"pymemtools: {tmp_path}/cut.tar: {said}\n"


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
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
    for partial in (False, True):
        try:
            rows(opened(tmp_path, data, partial=partial))
        except (ArchiveError, Missing) as error:
            assert "\n" not in str(error)


BODIES = st.sampled_from([b"", SMAPS, MEMINFO, b"12 path=7/smaps\n", b"10 size=9\n", b"7/smaps\0", b"x" * 700])
HEADERS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(
            [
                b"meminfo",
                b"7",
                b"7/smaps",
                b"8/stat",
                b"proc/7/smaps",
                b"a/proc/7/smaps",
                b"../x",
                b"pymemtools-capture",
            ]
        ),
        "size": st.sampled_from([None, b"0", b"00000000001", b"77777777777", b"-1", b"\x80" + b"\xff" * 11, b"", b"9"]),
        "kind": st.sampled_from([bytes([kind]) for kind in b"\x00001234567DgKLMNSVXxz"]),
        "magic": st.sampled_from([b"", b"ustar\x0000", b"ustar  \0"]),
        "uid": st.sampled_from([b"0000000", b"1750", b"\xff" * 8, b"77777777"]),
        "mtime": st.sampled_from([b"15300675506", b"\x80" * 12, b"777777777777", b""]),
        "prefix": st.sampled_from([b"", b"7", b"\xff"]),
    }
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    members=st.lists(st.tuples(HEADERS, BODIES), min_size=1, max_size=5),
    end=st.sampled_from([b"", END, END[:100], bytes(BLOCK) + SOUND]),
)
def test_headers_that_say_anything_give_rows_or_one_error(
    tmp_path: Path, members: list[tuple[dict[str, bytes], bytes]], end: bytes
) -> None:
    """With right checksums, unlike what damage leaves."""
    data = b"".join(
        header(fields["name"], fields["size"] or len(body), **_but(fields, "name", "size")) + padded(body)
        for fields, body in members
    )
    for partial in (False, True):
        try:
            source = opened(tmp_path, machine() + data + end, partial=partial)
            rows(source)
        except (ArchiveError, Missing) as error:
            assert "\n" not in str(error)
        else:
            assert source.facts.kernel == "6.12.0"
            assert all(source.user_name(uid) is None for uid in (0, 1000))


def _but(fields: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: value for name, value in fields.items() if name not in names}

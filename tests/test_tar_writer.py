"""What ustar cannot hold goes into pax records, which tarfile reads back."""

import io
import tarfile

import pytest

from pymemtools.capture.body import keep
from pymemtools.capture.tar_writer import END, Member, encode


def read_back(member: Member, *, v7: bool = False) -> tarfile.TarInfo:
    written = b"".join(encode(member, v7=v7)) + END
    with tarfile.open(fileobj=io.BytesIO(written)) as tar:
        (info,) = tar.getmembers()
        file = tar.extractfile(info)
        assert file is not None
        assert file.read() == b"text"
    return info


@pytest.mark.parametrize(
    "member",
    [
        Member("7/maps", keep([b"text"])),
        Member("sys/" + "x" * 96, keep([b"text"])),
        Member("sys/" + "x" * 97, keep([b"text"])),  # a record whose length has three digits
        Member("y" * 5000, keep([b"text"])),
        Member("sys/é/日", keep([b"text"])),
        Member("7/maps", keep([b"text"]), uid=0o7777777, mtime=1_800_000_000),
        Member("7/maps", keep([b"text"]), uid=0o7777777 + 1),
        Member("z" * 85, keep([b"text"]), uid=4_000_000_000),
    ],
    ids=lambda member: f"{member.name[:9]}-{len(member.name)}-{member.uid}",
)
def test_members_come_back(member: Member) -> None:
    info = read_back(member)
    assert (info.name, info.uid, info.mtime) == (member.name, member.uid, member.mtime)


@pytest.mark.parametrize("length", [*range(80, 106), *range(980, 1010)])
def test_the_length_of_a_record_counts_its_own_digits(length: int) -> None:
    name = "é" * (length // 2) + "x" * (length % 2)
    assert read_back(Member(name, keep([b"text"]))).name == name


def test_smemcaps_headers_have_no_extension() -> None:
    info = read_back(Member("sys/" + "x" * 100, keep([b"text"]), uid=4_000_000_000), v7=True)
    assert (info.name, info.uid) == ("sys/" + "x" * 96, 0o7777777)

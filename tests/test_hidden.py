"""A mount of /proc with hidepid keeps processes out of the listing; that can be known, not whom."""

from types import SimpleNamespace

import pytest

from pymemtools.errors import Missing
from pymemtools.readings.hidden import hiding_option

PTRACE = "0000000000080000"
NOTHING = "0000000000000000"


def source(*options: str, capabilities: str = NOTHING, groups: str = "100 24", is_live: bool = True) -> SimpleNamespace:
    """Give a source whose /proc was mounted with these options, one over the other."""
    lines = "".join(f"{number} 1 0:22 / /proc rw,nosuid - proc proc {each}\n" for number, each in enumerate(options))
    files = {
        "self/mountinfo": f"21 1 8:1 / / rw - ext4 /dev/sda1 rw\n{lines}22 1 0:5 / /mnt rw - proc proc rw,hidepid=2\n",
        "self/status": f"Name:\tx\nGid:\t100\t100\t100\t7\nCapEff:\t{capabilities}\nGroups:\t{groups} \n",
    }

    def read(path: str) -> bytes:
        if path not in files:
            raise Missing(path)
        return files[path].encode()

    return SimpleNamespace(read=read, is_live=is_live, files=files)


@pytest.mark.parametrize(
    ("options", "hiding"),
    [
        (("rw",), None),
        (("rw,hidepid=0",), None),
        (("rw,hidepid=1",), None),  # listed, and then refused
        (("rw,hidepid=noaccess",), None),
        (("rw,hidepid=2",), "hidepid=2"),
        (("rw,hidepid=invisible",), "hidepid=invisible"),
        (("rw,gid=99,hidepid=invisible",), "hidepid=invisible"),
        (("rw,gid=24,hidepid=invisible",), None),  # our group may see
        (("rw,gid=7,hidepid=2",), None),  # so may the file system's
        (("rw,gid=24,hidepid=ptraceable",), "hidepid=ptraceable"),  # which knows no group
        (("rw,hidepid=4",), "hidepid=4"),
        (("rw,hidepid=2", "rw"), None),  # the last mount is on top
        (("rw", "rw,hidepid=2"), "hidepid=2"),
        ((), None),
    ],
)
def test_hiding_option(options: tuple[str, ...], hiding: str | None) -> None:
    assert hiding_option(source(*options)) == hiding
    assert hiding_option(source(*options, capabilities=PTRACE)) is None
    assert hiding_option(source(*options, is_live=False)) is None


@pytest.mark.parametrize("file", ["self/mountinfo", "self/status"])
def test_not_to_be_known(file: str) -> None:
    blind = source("rw,hidepid=2")
    del blind.files[file]
    assert hiding_option(blind) is None

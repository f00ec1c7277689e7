"""All settings or none, on files that behave like the kernel's; those of this machine are in test_tunables.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from pymemtools.control import settings as control
from pymemtools.control.settings import NotPutBack, PutBack, Setting, apply
from pymemtools.errors import Denied, MemtoolsError


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make files that take values as the kernel's do: dirty_bytes no 0, pairs one at a time, and ``few`` at most 5."""
    values = {"swappiness": "60", "dirty_ratio": "20", "dirty_bytes": "0", "few": "0", "bad": "1"}
    for name, value in values.items():
        (tmp_path / name).write_text(value)

    def write(name: str, path: str, value: str) -> None:
        file = Path(path)
        if name == "bad" or (name == "dirty_bytes" and int(value) < 8192):
            raise MemtoolsError(f"cannot set {name}: Invalid argument")
        is_change = file.read_text() != value
        file.write_text(str(min(int(value), 5)) if name == "few" else value)
        twin = {"dirty_bytes": "dirty_ratio", "dirty_ratio": "dirty_bytes"}.get(name)
        if twin and is_change:
            (tmp_path / twin).write_text("0")

    monkeypatch.setattr(control, "write_text", write)
    return tmp_path


def setting(folder: Path, name: str, value: str, *, may_fail: bool = False) -> Setting:
    twin = {"dirty_bytes": "dirty_ratio", "dirty_ratio": "dirty_bytes"}.get(name)
    return Setting(name, str(folder / name), value, (twin, str(folder / twin)) if twin else None, may_fail=may_fail)


def values(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("ratio", "size", "name", "value"),
    [
        ("20", "0", "dirty_bytes", "16384"),
        ("20", "0", "dirty_ratio", "30"),
        ("0", "16384", "dirty_ratio", "30"),
        ("0", "16384", "dirty_bytes", "8192"),
        ("0", "0", "dirty_bytes", "16384"),
        ("0", "0", "dirty_ratio", "30"),
    ],
)
def test_pairs_are_put_back(kernel: Path, ratio: str, size: str, name: str, value: str) -> None:
    (kernel / "dirty_ratio").write_text(ratio)
    (kernel / "dirty_bytes").write_text(size)
    before = values(kernel)
    reason = r"^cannot set bad: Invalid argument; nothing was changed$"
    with pytest.raises(PutBack, match=reason):
        apply([setting(kernel, "swappiness", "9"), setting(kernel, name, value), setting(kernel, "bad", "2")])
    assert values(kernel) == before


def test_what_the_kernel_makes_less_of_is_put_back(kernel: Path) -> None:
    with pytest.raises(PutBack, match=r"^cannot set few: the kernel made 5 of 9; nothing was changed$"):
        apply([setting(kernel, "few", "9")])
    assert values(kernel)["few"] == "0"


def test_what_may_fail_leaves_the_others(kernel: Path) -> None:
    failed = apply(
        [
            setting(kernel, "bad", "2", may_fail=True),
            setting(kernel, "swappiness", "9"),
            setting(kernel, "few", "9", may_fail=True),
        ]
    )
    assert failed == {
        "bad": "cannot set bad: Invalid argument",
        "few": "cannot set few: the kernel made 5 of 9",
    }
    assert (values(kernel)["swappiness"], values(kernel)["few"]) == ("9", "0")


def test_what_another_changed_meanwhile_is_left_alone(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = control.write_text

    def write_with_another(name: str, path: str, value: str) -> None:
        if name == "bad":
            (kernel / "swappiness").write_text("77")
        write(name, path, value)

    monkeypatch.setattr(control, "write_text", write_with_another)
    reason = r"could not be put back: swappiness \(changed by another meanwhile\)$"
    with pytest.raises(NotPutBack, match=reason):
        apply([setting(kernel, "swappiness", "9"), setting(kernel, "few", "3"), setting(kernel, "bad", "2")])
    assert (values(kernel)["swappiness"], values(kernel)["few"]) == ("77", "0")


def test_nothing_is_written_when_one_file_is_not_there(kernel: Path) -> None:
    before = values(kernel)
    with pytest.raises(Denied, match=r"^cannot set gone: No such file or directory$"):
        apply([setting(kernel, "swappiness", "9"), setting(kernel, "gone", "1")])
    assert values(kernel) == before


def test_an_action_is_neither_read_nor_put_back(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = control.current
    asked = []

    def current(path: str) -> str:
        asked.append(Path(path).name)
        return read(path)

    monkeypatch.setattr(control, "current", current)
    (kernel / "action").write_text("")
    with pytest.raises(PutBack):
        apply([Setting("action", str(kernel / "action"), "1", is_action=True), setting(kernel, "bad", "2")])
    assert set(asked) == {"bad"}
    assert values(kernel)["action"] == "1"

"""Work shared with a forked copy gives what one process alone would give, whatever happens to the copy."""

import os
import signal
from pathlib import Path

import pytest
from descriptors import descriptors

from pymemtools.sources.share import share_out

pytestmark = pytest.mark.live

ITEMS = list(range(101))
ME = os.getpid()


def test_results_are_in_order_and_of_two_processes() -> None:
    results = share_out(ITEMS, lambda item: (item, os.getpid() == ME))
    assert [item for item, _ in results] == ITEMS
    assert {is_ours for _, is_ours in results} == {True, False}


@pytest.mark.parametrize("items", [[], [7], [7, 8]])
def test_few(items: list[int]) -> None:
    assert share_out(items, lambda item: (item, None, "é\udcff", b"\xff", {1: 2.5}, [None])) == [
        (item, None, "é\udcff", b"\xff", {1: 2.5}, [None]) for item in items
    ]


def test_large_results_do_not_stop_the_pipe() -> None:
    assert share_out(ITEMS, lambda item: "x" * 100_000) == ["x" * 100_000] * len(ITEMS)


def in_the_copy(do: object) -> object:
    return lambda item: do(item) if os.getpid() != ME else item  # type: ignore[operator]


@pytest.mark.parametrize(
    "trouble",
    [
        lambda item: 1 / 0,
        lambda item: object(),  # cannot be handed over
        lambda item: os.kill(os.getpid(), signal.SIGKILL),
        lambda item: os._exit(0),
    ],
    ids=["error", "not plain", "killed", "ended"],
)
def test_what_the_copy_cannot_do_is_done_here(trouble: object) -> None:
    assert share_out(ITEMS, in_the_copy(trouble)) == ITEMS  # type: ignore[arg-type]


def children() -> str:
    """Give what this process has started and not buried: the program that waits to fork for other tests, or nothing."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def test_our_own_error_is_raised_and_the_copy_is_buried() -> None:
    before = children()
    with pytest.raises(ZeroDivisionError):
        share_out(ITEMS, lambda item: 1 // (item - 50))
    assert children() == before


def test_nothing_is_left_behind() -> None:
    before, beside = descriptors(), children()
    for trouble in (lambda item: item, lambda item: 1 / 0):
        share_out(ITEMS, in_the_copy(trouble))  # type: ignore[arg-type]
    assert descriptors() <= before
    assert children() == beside


def test_sigchld_ignored() -> None:
    """As a parent may leave it; then there is no status to wait for."""
    kept = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert share_out(ITEMS, lambda item: item) == ITEMS
    finally:
        signal.signal(signal.SIGCHLD, kept)


@pytest.mark.parametrize("refusing", ["fork", "pipe"])
def test_no_second_process_to_be_had(monkeypatch: pytest.MonkeyPatch, refusing: str) -> None:
    def refuse() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    before = descriptors()
    monkeypatch.setattr(os, refusing, refuse)
    assert share_out(ITEMS, lambda item: (item, os.getpid() == ME)) == [(item, True) for item in ITEMS]
    assert descriptors() <= before

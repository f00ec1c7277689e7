"""Amounts are written as procps writes them: the values of its 4.0.2 and 3.3.9, taken from the programs."""

import pytest

from pymemtools.render.free_units import classic_human, classic_scaled, human, scaled

# KiB: (3.3.9 -h, 3.3.9 -h --si, 4.0.2 -h, 4.0.2 -h --si)
HUMAN = {
    0: ("0B", "0B", "0B", "0B"),
    9: ("9K", "9K", "9.0Ki", "9.2K"),
    99: ("99K", "101K", "99Ki", "101K"),
    999: ("999K", "1.0M", "999Ki", "1.0M"),
    1000: ("1.0M", "1.0M", "1.0Mi", "1.0M"),
    1023: ("1.0M", "1.0M", "1.0Mi", "1.0M"),
    1535: ("1.5M", "1.5M", "1.5Mi", "1.6M"),
    10138: ("9.9M", "10M", "9.9Mi", "10M"),
    10189: ("9M", "10M", "9Mi", "10M"),
    10240: ("10M", "10M", "10Mi", "10M"),
    1022976: ("999M", "1.0G", "999Mi", "1.0G"),
    1024000: ("1.0G", "1.0G", "1.0Gi", "1.0G"),
    10433332: ("9G", "10G", "9Gi", "10G"),
    1073741824: ("1.0T", "1.1T", "1.0Ti", "1.1T"),
    1099511627775: ("1023T", "1099T", "1.0Pi", "1.1P"),
}


@pytest.mark.parametrize(("kib", "texts"), HUMAN.items())
def test_human(kib: int, texts: tuple[str, str, str, str]) -> None:
    size = kib * 1024
    found = (classic_human(size), classic_human(size, 1000), human(size), human(size, 1000))
    assert found == texts


def test_human_decimals_are_of_single_precision() -> None:
    """8.45 TiB and a byte: in double precision 8.5, but a float has no room for the byte."""
    assert human(int(8.45 * 1024**4) + 1) == "8.4Ti"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (-2096804 * 1024, "-1Gi"),
        (-999 * 1024, "0Mi"),
        (-5 * 1024, "-5Ki"),
        (-512 * 1024**2, "0Gi"),
    ],
)
def test_human_of_less_than_nothing(size: int, text: str) -> None:
    """A minus sign takes one of the places (Comm: when more is committed than the limit)."""
    assert human(size) == text


A = 16303456 * 1024


@pytest.mark.parametrize(
    ("size", "power", "base", "text"),
    [
        (A, 0, 1024, "16694738944"),
        (A, 0, 1000, "16694738944"),
        (A, 1, 1024, "16303456"),
        (A, 1, 1000, "16694738"),
        (A, 2, 1024, "15921"),
        (A, 2, 1000, "16694"),
        (A, 3, 1024, "15"),
        (A, 3, 1000, "16"),
        (A, 4, 1024, "0"),
        (A << 20, 4, 1000, "17505"),
        (A << 30, 5, 1024, "15921"),
        (A << 30, 5, 1000, "17925"),
        (-2096804 * 1024, 1, 1024, "-2096804"),
        (-2096804 * 1024, 2, 1024, "-2047"),
        (-1, 1, 1024, "0"),
        (1024**2 - 1, 2, 1024, "0"),
    ],
)
def test_units_cut_towards_zero(size: int, power: int, base: int, text: str) -> None:
    assert scaled(size, power, base) == text


@pytest.mark.parametrize(
    ("power", "base", "text"),
    [
        (0, 1024, "16694738944"),
        (0, 1000, "16694738944"),
        (1, 1024, "16303456"),
        (1, 1000, "16694738"),
        (2, 1024, "15921"),
        (2, 1000, "16303"),
        (3, 1024, "15"),
        (3, 1000, "16"),
        (4, 1024, "0"),
    ],
)
def test_classic_units(power: int, base: int, text: str) -> None:
    """With --si, procps up to 3.3.12 divides KiB by powers of 1000 (16303, not 16694)."""
    assert classic_scaled(A, power, base) == text


def test_unknown_is_a_dash() -> None:
    assert [write(None) for write in (scaled, human, classic_scaled, classic_human)] == ["-"] * 4

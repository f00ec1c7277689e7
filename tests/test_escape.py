"""Nothing that reaches a terminal can move its cursor, hide, turn round, break a line or pass for something else."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pymemtools.render.escape import cut, escape, pad, width

CASES = {
    "": "",
    "plain ~ text, with 'quotes' and \"more\"": None,
    "\0": r"\x00",
    "a\tb\nc\rd\be": r"a\x09b\x0ac\x0dd\x08e",
    "\x1b[31mred\x1b[0m": r"\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x7f": r"\x7f",
    "\x80\x9b31m\x9f": r"\u0080\u009b31m\u009f",
    "\x0b\x0c\x1c\x1d\x1e\x85": r"\x0b\x0c\x1c\x1d\x1e\u0085",  # where str.splitlines() splits
    "line\u2028separator\u2029": r"line\u2028separator\u2029",
    "\u202eevil\u202c": r"\u202eevil\u202c",
    "\u061c\u200e\u200f\u202a\u202b\u202d\u2066\u2067\u2068\u2069": (
        r"\u061c\u200e\u200f\u202a\u202b\u202d\u2066\u2067\u2068\u2069"
    ),
    "zero\u200bwidth\u200c\u200d\u2060\ufeff\u00ad": r"zero\u200bwidth\u200c\u200d\u2060\ufeff\u00ad",
    "\u00a0\u3000\u2003": r"\u00a0\u3000\u2003",  # blanks that are not U+0020
    "\udc80\udcff \ud800\udfff": r"\x80\xff \ud800\udfff",  # bytes that are not UTF-8; and what cannot be text at all
    "\ue000\uf8ff\U000f0000": r"\ue000\uf8ff\U000f0000",  # private use
    "\U000e0041\U000e007f": r"\U000e0041\U000e007f",  # tags: invisible ASCII
    "\u0378\uffff": r"\u0378\uffff",  # unassigned
    "café müller żółw": None,
    "日本語 한국어": None,
    "e\u0301 n\u0303": None,  # combining
    "👍 🄯": None,
    "שלום": None,  # letters may run from right to left; only the controls are refused
    # Backslashes
    "C:\\temp\\new": None,
    "\\": None,
    "a\\\\": None,
    "\\x1b": r"\\x1b",
    "\\\\x1b": r"\\\\x1b",
    "\\\x1b": r"\\\x1b",
    "\\u202e \\U": r"\\u202e \\U",
    "日本\\x": r"日本\\x",
}


@pytest.mark.parametrize(("text", "shown"), CASES.items(), ids=ascii)
def test_escape(text: str, shown: str | None) -> None:
    assert escape(text) == (text if shown is None else shown)


ANYTHING = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp", "Mn", "Me"]),
        st.sampled_from("\\xuU0a \x1b\udcff日\u0301"),
    )
)


def unescape(shown: str) -> str:
    """Read what escape() wrote: the promise is that this can be done."""

    def original(match: re.Match[str]) -> str:
        backslashes, kind, digits = match[1], match[2], match[3]
        if len(backslashes) % 2 == 0:
            return "\\" * (len(backslashes) // 2) + kind + digits
        length = {"x": 2, "u": 4, "U": 8}[kind]
        code = int(digits[:length], 16)
        code += 0xDC00 if kind == "x" and code >= 0x80 else 0
        return "\\" * (len(backslashes) // 2) + chr(code) + digits[length:]

    return re.sub(r"(\\+)([xuU])([0-9a-f]*)", original, shown)


@given(ANYTHING)
@example("\\\x1b")
@example("\\\\x1b\\")
@example("\x85\udc85")
def test_escaped_text_is_one_printable_line_and_can_be_read_back(text: str) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert unescape(shown) == text


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("ｱ", 1), ("Ａ", 2), ("👍", 2), ("é", 1), ("שלום", 4)],
)
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        *(("abcdef", 3, "abc"), ("abc", 3, "abc"), ("abc", 0, ""), ("", 3, "")),
        *(("日本語", 5, "日本"), ("日本語", 6, "日本語"), ("日本語", 1, ""), ("日本語", 0, "")),
        *(("e\u0301e\u0301", 1, "e\u0301"), ("ae\u0301\u0302b", 2, "ae\u0301\u0302"), ("é日x", 2, "é")),
    ],
    ids=ascii,
)
def test_cut(text: str, columns: int, expected: str) -> None:
    assert cut(text, columns) == expected


@pytest.mark.parametrize(
    ("text", "columns", "right", "expected"),
    [
        *(("ab", 4, False, "ab  "), ("ab", 4, True, "  ab"), ("abcdef", 4, True, "abcdef"), ("", 2, False, "  ")),
        *(("日", 3, False, "日 "), ("日", 3, True, " 日"), ("e\u0301", 2, False, "e\u0301 ")),
    ],
    ids=ascii,
)
def test_pad(text: str, columns: int, right: bool, expected: str) -> None:
    assert pad(text, columns, right=right) == expected


@given(ANYTHING, st.integers(0, 30))
def test_cut_and_padded_text_fills_its_column(text: str, columns: int) -> None:
    shown = escape(text)
    fitted = cut(shown, columns)
    assert shown.startswith(fitted)
    assert width(fitted) <= columns
    assert width(pad(fitted, columns)) == columns
    if fitted != shown:
        assert width(shown[: len(fitted) + 1]) > columns


def test_long_text_takes_no_longer_than_its_length() -> None:
    """A command line may be a mebibyte of wide characters; looking at each prefix anew would take hours."""
    text = "日" * 200_000
    assert cut(escape(text), 27) == "日" * 13
    assert len(pad(cut(escape(text), 399_999), 10)) == 199_999

"""What fincore (util-linux) and vmtouch print of files, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.probes.page_cache import PAGE
from pymemtools.readings.cached_files import CachedFile, Survey, total
from pymemtools.render.cache_table import bar
from pymemtools.render.escape import pad, width

VMTOUCH_CELLS = 60
_HINT = 5
_TITLES = ("RES", "PAGES", "SIZE", "FILE")


def fincore_lines(found: Survey) -> Iterator[str]:
    """Give fincore's table; without files there is none."""
    rows = [(*_amounts(file), _safe(file.path)) for file in found.files if file.in_cache is not None]
    if not rows:
        return
    widths = [_columns(title, max(width(row[i]) for row in rows)) for i, title in enumerate(_TITLES[:3])]
    for row in (_TITLES, *rows):
        yield " ".join((*(pad(cell, columns, right=True) for cell, columns in zip(row, widths)), row[3]))


def fincore_json(found: Survey) -> Iterator[str]:
    """Give what it prints with -J."""
    import json

    yield "{"
    yield '   "fincore": ['
    rows = []
    for file in found.files:
        res, pages, size = _amounts(file)
        path = json.dumps(file.path, ensure_ascii=False)
        pairs = (f'"res": "{res}"', f'"pages": {pages}', f'"size": "{size}"', f'"file": {path}')
        rows.append("{\n" + ",\n".join(f"         {pair}" for pair in pairs) + "\n      }")
    yield "      " + ",".join(rows) if rows else ""
    yield "   ]"
    yield "}"


def vmtouch_lines(found: Survey, seconds: float, *, has_bars: bool) -> Iterator[str]:
    """Give vmtouch's sums, with -v after two drawings of each file that is not empty."""
    sums = total(found.sums.values())
    if has_bars:
        for file in found.files:
            if file.size:
                drawn = f"\r{bar(file.cells)} {file.cached_pages}/{file.pages}"
                yield from (file.path, drawn * 2)
        yield ""
    percent = f"{100 * sums.cached / sums.pages:.3g}%" if sums.pages else ""
    sizes = f"{_whole(sums.cached * PAGE)}/{_whole(sums.pages * PAGE)}"
    yield f"           Files: {sums.files}"
    yield f"     Directories: {sums.directories}"
    yield f"  Resident Pages: {sums.cached}/{sums.pages}  {sizes}  {percent}"
    yield f"         Elapsed: {seconds:.5g} seconds"


def _columns(title: str, widest: int) -> int:
    """Give the width of a column: that of its title, else of its cells, and then no less than a hint for amounts."""
    if widest < len(title):
        return len(title)
    return max(widest, _HINT) if len(title) < _HINT else widest


def _amounts(file: CachedFile) -> tuple[str, str, str]:
    return _tenths(file.in_cache or 0), str(file.cached_pages), _tenths(file.size)


def _tenths(amount: int) -> str:
    """Write a size as fincore does: a letter, and tenths where they are not 0, cut to thousandths, then rounded.

    >>> _tenths(1000), _tenths(1500), _tenths((1 << 30) - 1)
    ('1000B', '1.5K', '1024M')
    """
    power = max((amount.bit_length() - 1) // 10, 0)
    unit = 1 << 10 * power
    tenths = amount // unit * 10 + (amount % unit * 1000 // unit + 50) // 100
    return f"{tenths // 10}{f'.{tenths % 10}' if tenths % 10 else ''}{'BKMGTPE'[power]}"


def _whole(amount: int) -> str:
    """Write a size as vmtouch does: whole units, GiB at the most.

    >>> _whole(1023), _whole(2867200), _whole(1 << 40)
    ('1023', '2M', '1024G')
    """
    for letter in ("", "K", "M"):
        if amount < 1024:
            return f"{amount}{letter}"
        amount //= 1024
    return f"{amount}G"


def _safe(path: str) -> str:
    r"""Write what is not printable, byte for byte, as ``\xNN``, as libsmartcols does.

    >>> _safe("a\n\\x\udce9")
    'a\\x0a\\x5cx\\xe9'
    """
    shown = []
    for place, letter in enumerate(path):
        is_misread = letter == "\\" and path[place + 1 : place + 2] == "x"
        if letter.isprintable() and not is_misread:
            shown.append(letter)
        else:
            shown += [f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape")]
    return "".join(shown)

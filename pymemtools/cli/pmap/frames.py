"""pmap's reports as columns: the wide layouts, several processes in one table, groups, sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from pymemtools.cells import Derived, Memo
from pymemtools.cli.pmap.columns import OWN, check_known, is_number
from pymemtools.cli.pmap.layouts import Style
from pymemtools.cli.pmap.request import DROPPED, FIGURES, ROLLUP_FIGURES, Request
from pymemtools.errors import UsageProblem
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.render.detail_table import Numbers, Texts, detail_lines
from pymemtools.render.escape import escape
from pymemtools.reports.map_frame import Frame, Value, frame_of, group, order_of

_HEAD = ("address", "perm", "offset", "device", "inode")


def frame_for(processes: Sequence[ProcessMaps], request: Request) -> Frame:
    """Make the columns that a request shows of some processes, in its order."""
    if request.rollup:
        return _rollup(processes, request)
    fields = list(request.columns or _fields(processes, request))
    if request.merge and "pid" not in fields and not request.group:
        fields.insert(0, "pid")
    if request.group:
        fields = [field for field in fields if is_number(field)]
    weight = request.weight
    helpers = [field for field in (weight, request.group) if field and field not in fields and field != "Count"]
    frame = frame_of(processes, [*fields, *helpers])
    if request.group:
        frame = group(frame, request.group, [field for field in (*fields, *helpers) if is_number(field)])
        fields = list(dict.fromkeys(["Count", *fields, request.group]))
    elif request.style.full and "mapping" in fields:
        frame.columns["mapping"] = frame_of(processes, ["path"]).columns["path"]
    check_known(frame, request.columns)
    frame = in_order(frame, request)
    return frame._replace(columns={field: frame.columns[field] for field in fields})


def in_order(frame: Frame, request: Request) -> Frame:
    """Sort and cut as asked. Raises UsageProblem when there is no such column to sort by."""
    weight = request.weight
    if weight is not None:
        if weight not in frame.columns:
            raise UsageProblem(f"pmap: these sums have no column '{weight}' to sort by")
        check_known(frame, (weight,))
        return frame.take(order_of(frame, weight, reverse=request.reverse, top=request.top))
    return frame.take(range(frame.height)[::-1]) if request.reverse else frame


def _fields(processes: Sequence[ProcessMaps], request: Request) -> list[str]:
    """Name the columns of a mode."""
    if request.mode.startswith("X"):
        return usual_fields(processes, everything=request.mode == "XX")
    numbers = ("Size", "Rss", "Dirty") if request.mode == "x" else ("Size",)
    if request.group:
        return list(numbers if request.mode else FIGURES)
    middle = ("offset", "device") if request.mode == "d" else ()
    return ["address", *numbers, "perm", *middle, "mapping"]


def usual_fields(processes: Sequence[ProcessMaps], *, everything: bool) -> list[str]:
    """Name the columns of -X, or of -XX: whatever the kernel printed."""
    keys = dict.fromkeys(key for maps in processes for key in maps.columns)
    fields = [*_HEAD, *(key for key in keys if everything or key not in DROPPED)]
    if everything and any(any(maps.mappings.vmflags) for maps in processes):
        fields.append("vmflags")
    return [*fields, "mapping"]


def _rollup(processes: Sequence[ProcessMaps], request: Request) -> Frame:
    """Sum processes as the kernel does, a row each."""
    keys = dict.fromkeys(key for maps in processes for key in maps.columns)
    every = request.mode.startswith("X")
    usual = (key for key in keys if every or key in ROLLUP_FIGURES)
    fields = tuple(dict.fromkeys(("pid", *(request.columns or usual), "command")))
    for field in (*fields, request.figure):
        if not is_number(field) and field not in ("pid", "command"):
            raise UsageProblem(f"pmap: --rollup knows no single mappings, and so no column '{field}'")
    read = [maps for maps in processes if maps.mappings]
    frame = frame_of(read, [*fields, request.figure])
    frame.columns["command"] = [maps.title.decode("utf-8", "surrogateescape") for maps in read]
    check_known(frame, request.columns)
    frame = in_order(frame, request)
    return frame._replace(columns={field: frame.columns[field] for field in fields})


def wide_lines(frame: Frame, style: Style) -> Iterator[str]:
    """Lay columns out as ``pmap -X`` does; nothing at all where there is no mapping."""
    if not frame.height:
        return iter(())
    return detail_lines([_column(frame, field) for field in frame.columns], quiet=style.quiet)


def _column(frame: Frame, field: str) -> Texts | Numbers:
    own = OWN.get(field)
    cells = frame.columns[field]
    if is_number(field):
        return Numbers(
            own.title if own else field,
            cast("Sequence[int | None]", cells),
            is_size=field not in frame.counts,
            is_signed=own is not None and own.is_signed,
        )
    assert own is not None  # noqa: S101 (what is no number is one of ours)
    if field == "address":  # hexadecimal digits, and no two the same
        return Texts(own.title, cast("Sequence[str]", cells), right=own.right)
    format = own.format
    shown: Memo[Value, str] = Memo(lambda value: "-" if value is None else escape(f"{value:{format}}"))
    return Texts(own.title, Derived(shown.__getitem__, cells), right=own.right)

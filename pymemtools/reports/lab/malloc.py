"""Where malloc() took memory from, call by call, beside what the model of glibc says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.models.malloc import DEFAULT_THRESHOLD
from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, equal
from pymemtools.reports.lab.plan import Findings, outcome
from pymemtools.reports.what_if.asked import Asked
from pymemtools.reports.what_if.malloc import Heaps, MallocRequest, malloc_report

COURSE = (8, 4084, 8, 136168, 200000)
_WITHOUT_TCACHE = (2, 25)  # a thread's cache is there already, and emptied
COLUMNS = (
    Column("request", "request", "what malloc() was called with", "bytes", 8),
    Column("from", "from", "the heap, or a mapping of its own", "text", 4, right=False),
    Column("address", "pointer", "what it gave", "address", 14),
    Column("heap_offset", "offset", "of the pointer, from where the top of the heap began", "bytes", 7),
    Column("predicted_heap_offset", "model", "the same by the model", "bytes", 7),
    Column("break_change", "break +", "by so much the break moved", "bytes", 7),
    Column("predicted_break", "model", "the same by the model", "bytes", 7),
    Column("mapped_change", "mapped +", "by so much the mappings grew", "bytes", 8),
    Column("predicted_mapped", "model", "the same by the model", "bytes", 8),
    Column("in_use_change", "", "by so much what is in use of the heap grew", "bytes"),
)


class CallsRequest(NamedTuple):
    """What malloc() is called with, in order."""

    sizes: Sequence[int] = COURSE


def predict(asked: Asked, sizes: Sequence[int], bits: int, held: int, *, is_i386: bool = False) -> Heaps:
    """Ask ``what-if malloc`` of a heap of which so much is held, and nothing free."""
    request = MallocRequest(
        sizes, bits=bits, is_i386=is_i386, glibc=_WITHOUT_TCACHE, threshold=DEFAULT_THRESHOLD, held=held
    )
    found: Heaps = malloc_report(asked, request).answer
    return found


def call_rows(calls: Sequence[Mapping[str, int]], sizes: Sequence[int], predicted: Heaps) -> list[dict[str, Any]]:
    """Make a row of each call: what it changed, and what it should have changed."""
    origin, rows = calls[0]["pointer"], []
    model_mapped = 0
    for size, before, after, model in zip(sizes, calls, calls[1:], predicted.requests):
        is_mapped = after["regions"] > before["regions"]
        rows.append(
            {
                "request": size,
                "from": "mmap" if is_mapped else "heap",
                "address": after["pointer"],
                "heap_offset": None if is_mapped else after["pointer"] - origin,
                "predicted_heap_offset": model.pointer,
                "break_change": after["break"] - before["break"],
                "predicted_break": model.break_after - model.break_before,
                "mapped_change": after["mapped"] - before["mapped"],
                "predicted_mapped": model.mapped - model_mapped,
                "in_use_change": after["in_use"] - before["in_use"],
            }
        )
        model_mapped = model.mapped
    return rows


def calls_report(found: Findings) -> Report:
    """Demand that the model was right, call by call."""
    return outcome("malloc", COLUMNS, found, laws(found), libc=found.seen["libc"])


def laws(found: Findings) -> Sequence[Law]:
    """Demand pointers, break and mappings as predicted; what is mapped has no place in the heap."""
    pairs = (
        ("pointers are where the model has them", "heap_offset", "predicted_heap_offset"),
        ("the break moves as the model has it", "break_change", "predicted_break"),
        ("mappings grow as the model has it", "mapped_change", "predicted_mapped"),
    )
    return [all_of(name, [_law(row, seen, expected) for row in found.rows]) for name, seen, expected in pairs]


def _law(row: Mapping[str, Any], seen: str, expected: str) -> Law:
    """Compare; None, of a mapping's place, is a value here."""
    words = ["mapped" if row[key] is None else row[key] for key in (expected, seen)]
    return equal(f"malloc({row['request']})", *words)

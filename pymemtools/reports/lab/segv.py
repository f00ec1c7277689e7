"""Bad accesses: what the kernel tells of each, in words, and what it must tell on this architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of
from pymemtools.reports.lab.plan import Findings, outcome

READ, WRITE, EXECUTE = "read", "write", "execute"
ALL = (READ, WRITE, EXECUTE)
SEGV, BUS = 11, 7
MAPERR, ACCERR, PKUERR, ADRERR, KERNEL = 1, 2, 4, 2, 128
COLUMNS = (
    Column("case", "case", "what is at the address", "text", 11, right=False),
    Column("access", "access", "read, write or execute", "text", 7, right=False),
    Column("address", "address", "where", "address", 18),
    Column("signal", "signal", "that the kernel sent: none where the access was allowed", "text", 7, right=False),
    Column("code", "code", "si_code", "text", 9, right=False),
    Column("told_address", "si_addr", "the address that the kernel told", "address", 18),
    Column("means", "", "the code in words", "text", right=False),
    Column("lacks", "", "why the case cannot be tried here", "text"),
)


class Case(NamedTuple):
    """A kind of address, how it is accessed, and what is to be said of it."""

    accesses: Sequence[str]
    what: str


class Told(NamedTuple):
    """What the kernel must tell: any of some codes; the address as it is, or 0 for none."""

    signal: int | None
    codes: Sequence[int] = ()
    has_address: bool = True


class SegvRequest(NamedTuple):
    """Which cases; none: all."""

    cases: Sequence[str] = ()


CASES = {
    "null": Case(ALL, "the address 0"),
    "low": Case((READ,), "an address below vm.mmap_min_addr"),
    "hole": Case(ALL, "nothing mapped"),
    "none": Case(ALL, "mapped without any access (PROT_NONE)"),
    "read-only": Case((WRITE,), "mapped to be read only"),
    "text": Case((WRITE,), "code: mapped to be read and executed"),
    "data": Case((EXECUTE,), "data: mapped to be read and written"),
    "kernel": Case(ALL, "the kernel's own memory"),
    "no-address": Case((READ, WRITE), "no address of this architecture"),
    "tagged": Case((READ,), "a good address, but for a tag in its topmost byte"),
    "beyond-eof": Case((READ, WRITE), "a mapping of a file, behind its end"),
    "below-stack": Case((READ,), "below what the stack may grow to (RLIMIT_STACK)"),
    "guard": Case((READ, WRITE), "a guard page (MADV_GUARD_INSTALL)"),
    "pkey": Case((READ, WRITE), "a page with a protection key that is switched off"),
}
_SIGNALS = {SEGV: "SIGSEGV", BUS: "SIGBUS", 4: "SIGILL", 5: "SIGTRAP"}
_CODES = {  # include/uapi/asm-generic/siginfo.h
    (SEGV, 1): ("MAPERR", "nothing is mapped there"),
    (SEGV, 2): ("ACCERR", "what is mapped there does not allow it"),
    (SEGV, 3): ("BNDERR", "a bound was passed"),
    (SEGV, 4): ("PKUERR", "a protection key forbids it"),
    (SEGV, 5): ("ACCADI", "ADI is not switched on"),
    (SEGV, 6): ("ADIDERR", "ADI: disrupting mismatch"),
    (SEGV, 7): ("ADIPERR", "ADI: precise mismatch"),
    (SEGV, 8): ("MTEAERR", "a memory tag did not fit, told later"),
    (SEGV, 9): ("MTESERR", "a memory tag did not fit"),
    (SEGV, 10): ("CPERR", "control protection"),
    (BUS, 1): ("ADRALN", "not aligned"),
    (BUS, 2): ("ADRERR", "no page of the file is there"),
    (BUS, 3): ("OBJERR", "hardware"),
}
_PLAIN = {
    "null": Told(SEGV, (MAPERR,)),
    "low": Told(SEGV, (MAPERR,)),
    "hole": Told(SEGV, (MAPERR,)),
    "none": Told(SEGV, (ACCERR,)),
    "read-only": Told(SEGV, (ACCERR,)),
    "text": Told(SEGV, (ACCERR,)),
    "beyond-eof": Told(BUS, (ADRERR,)),
    "below-stack": Told(SEGV, (MAPERR,)),
    "guard": Told(SEGV, (MAPERR, ACCERR)),
    "pkey": Told(SEGV, (PKUERR,)),
}
_MUST: Mapping[str, Mapping[str, Told]] = {
    # General protection is no page fault, and has no address. Source: arch/x86/kernel/traps.c,
    # gp_user_force_sig_segv(); of the kernel's memory nobody is told whether it is there: arch/x86/mm/fault.c,
    # do_user_addr_fault().
    "x86_64": {
        **_PLAIN,
        "data": Told(SEGV, (ACCERR,)),
        "kernel": Told(SEGV, (MAPERR,)),
        "no-address": Told(SEGV, (KERNEL,), has_address=False),
        "tagged": Told(SEGV, (KERNEL,), has_address=False),
    },
    # The topmost byte of an address is ignored. Source: arch/arm64/mm/fault.c, do_translation_fault().
    "aarch64": {
        **_PLAIN,
        "data": Told(SEGV, (ACCERR,)),
        "kernel": Told(SEGV, (MAPERR,)),
        "no-address": Told(SEGV, (MAPERR,)),
        "tagged": Told(None),
    },
}


def sighting(case: str, how: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Make a row of what the program tells of an access."""
    row = {"case": case, "access": how, "address": found.get("address"), "lacks": found.get("lacks")}
    if "lacks" in found:
        return {**row, "signal": None, "code": None, "told_address": None, "means": f"not tried: {found['lacks']}"}
    if found["signal"] is None:
        return {**row, "signal": "none", "code": None, "told_address": None, "means": "it is allowed"}
    signal, code = _SIGNALS.get(found["signal"], str(found["signal"])), _code(found["signal"], found["code"])
    return {**row, "signal": signal, "code": code[0], "told_address": found["told"], "means": code[1]}


def _code(signal: int, code: int) -> tuple[str, str]:
    if code == KERNEL:
        return "SI_KERNEL", "general protection: no page fault, so no address"
    return _CODES.get((signal, code), (str(code), "a code that this program does not know"))


def segv_report(found: Findings) -> Report:
    """Hold each access against what this architecture's kernel must tell."""
    machine = found.seen["machine"]
    return outcome("segv", COLUMNS, found, list(laws(found)), machine=machine, is_known=machine in _MUST)


def laws(found: Findings) -> Iterator[Law]:
    """Demand signal, code and address of every access that could be tried and whose answer is known."""
    must = _MUST.get(found.seen["machine"], _PLAIN)
    is_exact = found.seen["machine"] in _MUST  # s390x tells the page
    for case, told in must.items():
        rows = [row for row in found.rows if row["case"] == case and row["lacks"] is None]
        if rows:
            law = all_of(f"{case}: {CASES[case].what}", [_law(row, told, is_exact=is_exact) for row in rows])
            yield _in_words(law, told, rows) if law.holds else law


def _in_words(law: Law, told: Told, rows: Sequence[Mapping[str, Any]]) -> Law:
    """Say what all accesses of a case had to be answered with, and were."""
    if told.signal is None:
        return law._replace(expected="no signal", seen="no signal")
    codes = (row["code"] for row in rows)
    must, was = (" or ".join(dict.fromkeys(words)) for words in (_names(told), codes))
    return law._replace(expected=f"{_SIGNALS[told.signal]} {must}", seen=f"{_SIGNALS[told.signal]} {was}")


def _names(told: Told) -> list[str]:
    return [_code(told.signal or 0, code)[0] for code in told.codes]


def _law(row: Mapping[str, Any], told: Told, *, is_exact: bool) -> Law:
    name = row["access"]
    if told.signal is None:
        return Law(name, row["signal"] == "none", "no signal", row["signal"])
    codes = _names(told)
    address = row["address"] if told.has_address else 0
    seen = f"{row['signal']} {row['code']} {_hex(row['told_address'])}"
    expected = f"{_SIGNALS[told.signal]} {' or '.join(codes)} {_hex(address)}"
    holds = row["signal"] == _SIGNALS[told.signal] and row["code"] in codes
    if is_exact:
        holds = holds and row["told_address"] == address
    return Law(name, holds, expected, seen)


def _hex(address: int | None) -> str:
    return "no address" if address is None else f"{address:#x}"

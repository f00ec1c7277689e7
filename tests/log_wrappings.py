"""Ways in which a kernel's lines arrive: what dmesg, journals, container runtimes, shippers and clouds make of them."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from typing import Any

Wrapping = Callable[[Sequence[bytes]], bytes]


def text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def raw(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


def clock(number: int) -> str:
    """Write the time of a line as dmesg does."""
    return f"[{24.02 + number * 0.00031:12.6f}] "


def prefixed(write: Callable[[int], str], end: str = "", encoding: str = "utf-8") -> Wrapping:
    """Put something before each line."""
    return lambda lines: b"\n".join(
        write(number).encode(encoding) + line + end.encode() for number, line in enumerate(lines)
    )


def objects(make: Callable[[int, str], Any], **options: Any) -> Wrapping:
    """Make an object of JSON of each line, on a line of its own."""
    return lambda lines: b"\n".join(
        raw(json.dumps(make(number, text(line)), **options)) for number, line in enumerate(lines)
    )


def document(make: Callable[[list[str]], Any], **options: Any) -> Wrapping:
    """Make one document of JSON of all lines."""
    return lambda lines: raw(json.dumps(make(list(map(text, lines))), **options))


def joined(mark: bytes, begin: bytes = b"Nov  3 14:02:11 node-1 kernel: ") -> Wrapping:
    """Write what the kernel logs at once on one line, as its indented lines are."""

    def wrap(lines: Sequence[bytes]) -> bytes:
        records: list[bytes] = []
        for line in lines:
            if line.startswith(b" ") and records:
                records[-1] += mark + line
            else:
                records.append(begin + line)
        return b"\n".join(records)

    return wrap


def of_container(lines: Sequence[bytes]) -> bytes:
    """Write what kubelet does, some lines in two parts."""
    parts = []
    for number, line in enumerate(lines):
        stamp = b"2025-08-12T03:54:03.%09dZ stderr " % (number * 1237)
        if number and number % 3 == 0:
            at = (number * 7) % (len(line) + 1)
            parts += [stamp + b"P " + line[:at], stamp + b"F " + line[at:]]
        else:
            parts.append(stamp + b"F " + line)
    return b"\n".join(parts)


def coloured(lines: Sequence[bytes]) -> bytes:
    """Colour as dmesg --color=always: the time, what stands before a colon, and the rest."""
    out = []
    for number, line in enumerate(lines):
        what, colon, rest = line.partition(b": ")
        is_short = colon and b" " not in what
        ink = b"\x1b[33m%b: \x1b[0m%b" % (what, rest) if is_short else b"\x1b[1m%b\x1b[0m" % line
        out.append(b"\x1b[32m%b\x1b[0m%b" % (clock(number).encode(), ink))
    return b"\n".join(out)


def seen_by_cat(lines: Sequence[bytes]) -> bytes:
    """Write as cat -A does."""
    return b"".join(b"%b%b^M$\n" % (clock(number).encode(), line) for number, line in enumerate(lines))


def pretty_dmesg(lines: Sequence[bytes]) -> bytes:
    """Write as dmesg --json does."""
    objects = (
        f'\n         "pri": 4,\n         "time": {clock(number)[1:-2]},\n         "msg": {json.dumps(text(line))}\n'
        for number, line in enumerate(lines)
    )
    return raw('{\n   "dmesg": [\n      {' + "},{".join(objects) + "}\n   ]\n}\n")


def broken(width: int, before: str = "", *, at_blanks: bool) -> Wrapping:
    """Break lines as mail programs do, between words, or as terminals do, anywhere."""

    def wrap(lines: Sequence[bytes]) -> bytes:
        parts: list[bytes] = []
        for number, line in enumerate(lines):
            rest = clock(number).encode() + line
            while len(rest) > width:
                blank = rest.rfind(b" ", 16, width + 1) if at_blanks else -1
                at = blank if blank > 0 else rest.find(b" ", width) if at_blanks else width
                if at < 0:
                    break
                parts.append(rest[:at])
                rest = rest[at:].lstrip(b" ") if at_blanks else rest[at:]
            parts.append(rest)
        return b"\n".join(before.encode() + part for part in parts)

    return wrap


LEVELS = {b"[": "info", b"oom-kill:": "info", b"oom_reaper": "info", b"Out of": "err", b"Memory cgroup out": "err"}


def levelled(begin: str, words: Callable[[str], str] = str) -> Wrapping:
    """Write the level of each line where others write a host: what a report says is of several."""

    def level(line: bytes) -> str:
        return words(next((name for start, name in LEVELS.items() if line.startswith(start)), "warn"))

    return lambda lines: b"\n".join(
        begin.format(second=number % 60, level=level(line)).encode() + line for number, line in enumerate(lines)
    )


def encoded(encoding: str, stamp: str) -> Wrapping:
    """Save as Windows does."""
    return lambda lines: "\r\n".join(stamp + line.decode("utf-8", "replace") for line in lines).encode(encoding)


def journal(number: int, line: str) -> Any:
    """Give an object of journalctl -o json, the text as numbers where it is no UTF-8 (here: now and then)."""
    message = list(raw(line)) if number % 3 == 0 and number and "oom" not in line and len(line) > 4 else line
    return {"__REALTIME_TIMESTAMP": "1793710931123456", "_HOSTNAME": "n1", "MESSAGE": message, "PRIORITY": "4"}


def cloud(number: int, line: str) -> Any:
    """Give an object of Google's logging, its time behind the text and outside."""
    return {
        "insertId": f"x{number}",
        "jsonPayload": {"message": line, "priority": "4"},
        "labels": {"instance_name": "gke-1"},
        "timestamp": "2025-08-12T03:54:03.1Z",
    }


def loki(lines: list[str]) -> Any:
    values = [[str(1793710931123456789 + number), line] for number, line in enumerate(lines)]
    return {"data": {"resultType": "streams", "result": [{"stream": {"host": "n9"}, "values": values}]}}


def cloudwatch(lines: list[str]) -> Any:
    events = [{"timestamp": 1793710931123 + number, "message": line} for number, line in enumerate(lines)]
    return {"events": events, "nextForwardToken": "f/1"}


def azure(lines: list[str]) -> Any:
    columns = [{"name": name} for name in ("TimeGenerated", "Computer", "SyslogMessage")]
    return {"tables": [{"columns": columns, "rows": [["2025-08-12T03:54:03.1Z", "vm1", line] for line in lines]}]}


def elastic(number: int, line: str) -> Any:
    return {
        "@timestamp": "2025-08-12T03:54:03Z",
        "message": line,
        "event": {"original": f"<4>Aug 12 03:54:{number % 60:02d} n9 kernel: {line}"},
    }


def dmesg_h(number: int) -> str:
    return "[Dec11 10:48] " if number % 37 == 0 else f"[{'+0' if number % 5 else '+10':>4}.{number * 31:06d}] "


WRAPPINGS: dict[str, Wrapping] = {
    "German": prefixed(lambda number: f"[Di Aug 12 03:54:{number % 60:02d} 2025] "),
    "Japanese": prefixed(lambda number: f"[火 8月 12 03:54:{number % 60:02d} 2025] "),
    "French": prefixed(lambda number: f"août 12 03:54:{number % 60:02d} h-1 kernel: "),
    "Russian": prefixed(lambda number: f"[Вт авг 12 03:54:{number % 60:02d} 2025] "),
    "Windows-1252": prefixed(lambda number: f"[Mär 12 03:54:{number % 60:02d} 2025] ", encoding="cp1252"),
    "dmesg -H": prefixed(dmesg_h),
    "container": of_container,
    "container, with offset": prefixed(lambda number: f"2025-08-12T03:54:03.{number:09d}+08:00 stdout F <4>"),
    "RFC 5424": prefixed(
        lambda number: (
            f'<4>1 2025-08-12T03:54:03.{number:06d}Z web-1 kernel - - [meta sequenceId="{number}"][x@9 a="b"] '
        )
    ),
    "journal with unit": prefixed(lambda number: "Di 2025-08-12 03:54:03 CEST node-7 init.scope[1]: "),
    "journal, verbose": prefixed(
        lambda number: (
            f"Tue 2025-08-12 03:54:03.{number:06d} CEST [s=ab{number};i=1f]\n    _HOSTNAME=web-1\n    MESSAGE="
        )
    ),
    "journal, export": prefixed(
        lambda number: f"__CURSOR=s=ab{number};i=1f\n__REALTIME_TIMESTAMP=17937109311{number:05d}\nMESSAGE=",
        end="\n_HOSTNAME=web-1\n",
    ),
    "logcat": prefixed(lambda number: f"08-12 03:54:03.{number % 1000:03d}     0     0 {'WIE'[number % 3]}         : "),
    "console": prefixed(lambda number: f"<4>{clock(number)[:-1]}[ {'TC'[number % 2]}{number}] ", end="\r"),
    "coloured": coloured,
    "coloured journal": prefixed(lambda number: "Nov 03 14:02:11 h kernel: \x1b[0;1;38;5;185m", end="\x1b[0m"),
    "grep -n": prefixed(lambda number: f"{number + 90}:"),
    "grep -A": prefixed(lambda number: f"kern.log{':' if number == 0 else '-'}{number}{':' if number == 0 else '-'}"),
    "cat -A": seen_by_cat,
    "mail of several": prefixed(lambda number: "JD> > [Di Aug 12 03:54:03 2025] "),
    "tabs": prefixed(lambda number: f"\t\t{clock(number)}"),
    "YAML": prefixed(lambda number: "    "),
    "HTML": lambda lines: b"\n".join(
        raw(f'<span class="l">{html.escape(f"<4>{clock(number)}{text(line)}")}</span>')
        for number, line in enumerate(lines)
    ),
    "compose": prefixed(lambda number: f"web-1  | {clock(number)}"),
    "table": prefixed(lambda number: "2025-08-12T03:54:03\thost7\tkernel\twarning\t"),
    "boxed table": lambda lines: b"\n".join(b"|  host7  |  %b  |" % line.ljust(700) for line in lines),
    "CSV": lambda lines: b"\n".join(
        b'"2025-08-12 03:54:03","host7","%b"' % line.replace(b'"', b'""') for line in lines
    ),
    "logfmt": lambda lines: b"\n".join(
        b"ts=2025-08-12T03:54:03Z level=warn msg=%b" % (b'"%b"' % line if b" " in line else line) for line in lines
    ),
    "docker": objects(lambda number, line: {"log": f"{line}\n", "stream": "stdout", "time": "2026-11-03T14:02:11.1Z"}),
    "journald": objects(journal, separators=(",", ":")),
    "journald, pretty": objects(lambda number, line: {"_HOSTNAME": "n1", "MESSAGE": line, "PRIORITY": "4"}, indent=8),
    "dmesg --json": pretty_dmesg,
    "Google": document(lambda lines: [cloud(number, line) for number, line in enumerate(lines)], indent=2),
    "Google, compact": document(lambda lines: [cloud(number, line) for number, line in enumerate(lines)]),
    "CloudWatch": document(cloudwatch, indent=4),
    "CloudWatch, compact": document(cloudwatch, separators=(",", ":")),
    "CloudWatch, strings": document(lambda lines: lines, indent=4),
    "CloudWatch, text": lambda lines: b"\t".join(lines) + b"\n",
    "Azure": document(azure),
    "Loki": document(loki),
    "Loki of docker": objects(
        lambda number, line: {"line": json.dumps({"log": f"{line}\n"}), "timestamp": "2025-08-12T03:54:03Z"}
    ),
    "Elastic": objects(elastic),
    "JSON behind a stamp": lambda lines: b"\n".join(
        b"2025-08-12T03:54:03.1Z stdout F " + raw(json.dumps({"log": text(line)})) for line in lines
    ),
    "escaped for HTML": lambda lines: b"\n".join(
        raw(json.dumps({"m": text(line)})).replace(b"=", b"\\u003d").replace(b"<", b"\\u003c") for line in lines
    ),
    "one string": document(lambda lines: {"host": "n3", "dmesg": "\n".join(lines) + "\n", "x": 1}),
    "rsyslog": joined(b"#012"),
    "kmsg": joined(b"\\x0a"),
    "octal": joined(b"\\012"),
    "JSON without JSON": joined(b"\\n"),
    "all on one line": lambda lines: b"Nov  3 14:02:11 node-1 kernel: " + b"#012".join(lines),
    "Python": lambda lines: raw(repr([f"{text(line)}\n" for line in lines])),
    "mail": broken(72, at_blanks=True),
    "answered mail": broken(68, "> > ", at_blanks=True),
    "terminal": broken(80, at_blanks=False),
    "page": lambda lines: b"\n".join(
        clock(number).encode() + line.replace(b"  ", b" \xc2\xa0") for number, line in enumerate(lines)
    ),
    "OpenWrt": levelled("Mon Apr 12 18:29:{second:02d} 2021 kern.{level} kernel: [  267.720081] "),
    "BusyBox": levelled("Jan  1 00:00:{second:02d} board kern.{level} kernel: "),
    "BusyBox, small": levelled("Jan  1 00:00:{second:02d} kern.{level} kernel: "),
    "ChromeOS": levelled("2021-03-01T12:00:{second:02d}.123456-08:00 {level} kernel: [  267.720081] ", str.upper),
    "F5": levelled("Nov  3 14:02:{second:02d} bigip1 {level} kernel: "),
    "socklog": levelled("2021-03-01_12:00:{second:02d}.12345 kern.{level}: [  267.720081] "),
    "UTF-16": encoded("utf-16", "[Di Mär 12 03:54:03 2025] "),
    "UTF-16, big, no mark": encoded("utf-16-be", "[   24.023571] "),
    "UTF-8 with a mark": encoded("utf-8-sig", ""),
}

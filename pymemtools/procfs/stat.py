"""/proc/PID/stat: the identity of a process, and whether it has memory at all."""

from operator import itemgetter
from typing import NamedTuple

from pymemtools.errors import ParseError

_PLACES = (1, 6, 7, 9, 17, 19, 20, 21, 23, 25)  # of the numbers behind the name, in the order of Stat
_CHOSEN = itemgetter(*_PLACES)
PF_KTHREAD = 0x00200000  # include/linux/sched.h


class Stat(NamedTuple):
    """The fields of /proc/PID/stat that tell processes apart; sizes in bytes, None where there are fewer fields."""

    pid: int
    comm: bytes
    state: str
    ppid: int | None = None
    flags: int | None = None
    minor_faults: int | None = None  # since its start, of all its threads, those that ended included
    major_faults: int | None = None
    threads: int | None = None
    starttime_ticks: int | None = None
    vsize: int | None = None
    rss_pages: int | None = None
    startcode: int | None = None
    startstack: int | None = None

    @property
    def is_kernel_thread(self) -> bool:
        """Tell by PF_KTHREAD, before Linux 2.6.27 by having no address space; an empty cmdline proves nothing."""
        return bool((self.flags or 0) & PF_KTHREAD) or (self.vsize == 0 and not self.is_dead)

    @property
    def has_memory(self) -> bool | None:
        """Tell whether any of its memory is resident; or where that is not told, whether it has an address space."""
        size = self.vsize if self.rss_pages is None else self.rss_pages
        return None if size is None else size > 0

    @property
    def is_dead(self) -> bool:
        """Tell a zombie or a task being reaped: its memory is gone, unless other threads have it still."""
        return self.state in ("Z", "X", "x")

    @property
    def is_exiting(self) -> bool:
        """Tell a process that has given its memory back and is no zombie yet (exit_mm()); on Linux 2.6.27 or newer."""
        return self.vsize == 0 and not (self.flags or 0) & PF_KTHREAD and not self.is_dead

    @property
    def is_in_exec(self) -> bool:
        """Tell a process whose new program is not all mapped yet: it has memory but no code (load_elf_binary())."""
        return self.startcode == 0 and bool(self.vsize)

    def same_image(self, other: "Stat") -> bool:
        """Tell whether no exec and no PID reuse happened between two looks."""
        return (
            self.starttime_ticks == other.starttime_ticks
            and self.startcode == other.startcode
            and self.startstack == other.startstack
        )


def parse_stat(text: bytes, file: str = "stat") -> Stat:
    """Read one stat line; comm reaches from the first ``(`` to the last ``)``, whatever stands between.

    >>> parse_stat(b"7 (a) b) S 1 " + b"0 " * 48).comm
    b'a) b'

    A kernel may print fewer fields than today's; without an end of line the last one may be cut, and does not count.
    Raises ParseError. Source: fs/proc/array.c, do_task_stat().
    """
    opening = text.find(b"(")
    closing = text.rfind(b")")
    if opening < 0 or closing < opening:
        raise ParseError(file, 1, "expected 'PID (comm) state ...'")
    rest = text[closing + 2 :].split(None, _PLACES[-1] + 1)
    if len(rest) <= _PLACES[-1] + 1:
        return _short(text, opening, closing, file)
    try:
        numbers = list(map(int, _CHOSEN(rest)))
        found = Stat(int(text[:opening]), text[opening + 1 : closing], rest[0].decode("ascii"), *numbers)
    except ValueError:
        raise _no_stat(file) from None
    if min(numbers[2:]) < 0:  # which the kernel prints of no process
        raise _no_stat(file)
    return found


def _short(text: bytes, opening: int, closing: int, file: str) -> Stat:
    """Read what there is of a line with fewer fields: the state at least."""
    state, *rest = text[closing + 2 :].split() or [b""]
    if not text.endswith((b"\n", b" ")):
        rest = rest[:-1]
    try:
        numbers = [int(word) for word in rest]
        figures = [numbers[place - 1] for place in _PLACES if place <= len(numbers)]
        if state.isalpha() and min(figures[2:], default=0) >= 0:
            return Stat(int(text[:opening]), text[opening + 1 : closing], state.decode("ascii"), *figures)
    except ValueError:
        pass
    raise _no_stat(file)


def _no_stat(file: str) -> ParseError:
    return ParseError(file, 1, "expected numbers after the state")

"""Take the beginning of a report of the OOM killer: who asked for memory, for what, and on which kernel."""

from __future__ import annotations

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.learned_prefix import Prefixes, name_behind
from pymemtools.kernel_log.oom_facts import KillFacts
from pymemtools.kernel_log.oom_lines import nodes_in, text_of


class Head:
    """Take the first line, and that of the processor."""

    def __init__(self, facts: KillFacts, prefixes: Prefixes) -> None:
        self._facts = facts
        self._prefixes = prefixes
        self._invoker: bytes | None = None  # with what may be left of a prefix
        self._comm = b""  # of the processor's line
        self.before = b""  # prefix and name, as they stand before the first line's words

    @property
    def invoker(self) -> str | None:
        """Name who asked for memory; None where that is not certain."""
        if self._invoker is None:  # the processor's line names the same
            return text_of(self._comm) if self._comm and self._facts.values.get("gfp_mask") else None
        return name_behind(self.before, self._invoker, self._comm, self._prefixes)

    def take_head(self, message: bytes) -> bool:
        """Take the report's first line."""
        who, sign, what = message.partition(lines.HEAD_SIGN)
        match = lines.HEAD.match(what)
        if not sign or match is None:
            return False
        order, adj = lines.ORDER.search(match[3]), lines.HEAD_ADJ.search(match[3])
        if self._invoker is None and who.endswith(lines.INVOKED):
            self._invoker = who.removesuffix(lines.INVOKED)
        return self._facts.set(
            gfp_mask=text_of(match[1]),
            gfp_flags=None if match[2] is None else text_of(match[2]),
            order=None if order is None else int(order[1]),
            invoker_adj=None if adj is None else int(adj[1]),
            is_headless=False,
            **nodes_in(match[3]),
        )

    def take_cpu(self, message: bytes) -> bool:
        """Take the line of the processor, which names who asks and the kernel."""
        match = lines.CPU.match(message) or lines.OLD_CPU.match(message)
        if match is None:
            return False
        self._take_comm(match[2].partition(b" Kdump: ")[0])
        release = lines.RELEASE.search(match[3])
        return self._facts.set(invoker_pid=int(match[1]), kernel=None if release is None else text_of(release[1]))

    def _take_comm(self, comm: bytes) -> None:
        """Take the name of who asks, which tells what stands before it on the first line."""
        if self._comm or not comm:
            return
        self._comm = comm
        if (self._invoker or b"").endswith(comm):
            self._prefixes.learn(self.before.removesuffix(comm))

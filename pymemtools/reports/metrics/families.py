"""The metrics there are: each a name, what it counts, and whether it goes up and down or only up."""

from __future__ import annotations

from typing import NamedTuple

GAUGE, COUNTER = "gauge", "counter"


class Family(NamedTuple):
    """One metric: its name without the program's, which is before all of them."""

    key: str
    kind: str  # GAUGE or COUNTER
    help: str
    unit: str | None = None  # the name ends with it; of counters _total comes behind

    @property
    def name(self) -> str:
        """Give the whole name.

        >>> Family("paged_in", COUNTER, "", "bytes").name
        'pymemtools_paged_in_bytes_total'
        """
        unit = f"_{self.unit}" if self.unit else ""
        return f"pymemtools_{self.key}{unit}{'_total' if self.kind == COUNTER else ''}"


OF_COMMANDS = (
    Family("command_processes", GAUGE, "Processes of this name."),
    Family("command_pss", GAUGE, "Memory of processes of this name, each page divided by its users.", "bytes"),
    Family("command_uss", GAUGE, "Memory that only one process of this name has.", "bytes"),
    Family("command_rss", GAUGE, "Memory of processes of this name, shared pages once for each of them.", "bytes"),
    Family("command_swap", GAUGE, "Memory of processes of this name that is swapped out.", "bytes"),
)
OF_GROUPS = (
    Family("cgroup_current", GAUGE, "Memory that is charged to the group.", "bytes"),
    Family("cgroup_anonymous", GAUGE, "Of that anonymous memory.", "bytes"),
    Family("cgroup_page_cache", GAUGE, "Of that page cache, shared memory included.", "bytes"),
    Family("cgroup_kernel_memory", GAUGE, "Of that what the kernel has taken for it.", "bytes"),
    Family("cgroup_swap", GAUGE, "Memory of the group that is swapped out.", "bytes"),
    Family("cgroup_pss", GAUGE, "Share of its processes in what they map, whoever it is charged to.", "bytes"),
    Family("cgroup_headroom", GAUGE, "The least that a limit, its own or one above it, has left.", "bytes"),
    Family("cgroup_oom_kills", COUNTER, "Processes killed in the group for want of memory."),
    Family("cgroup_some_stalled", COUNTER, "Time in which some process of the group waited for memory.", "seconds"),
    Family("cgroup_full_stalled", COUNTER, "Time in which all of the group that could run did.", "seconds"),
)
OF_THE_MACHINE = (
    Family("processes", GAUGE, "Processes with memory."),
    Family("processes_unreadable", GAUGE, "Processes whose memory could not be read, and is missing in all sums."),
    Family("minor_faults", COUNTER, "Page faults that no disk had to be waited for."),
    Family("major_faults", COUNTER, "Page faults that waited for a disk or for swap."),
    Family("paged_in", COUNTER, "Read from disks.", "bytes"),
    Family("paged_out", COUNTER, "Written to disks.", "bytes"),
    Family("swapped_in", COUNTER, "Of that read from swap.", "bytes"),
    Family("swapped_out", COUNTER, "Of that written to swap.", "bytes"),
    Family("scanned_pages", COUNTER, "Pages looked at in search of memory, by whomever."),
    Family("stolen_pages", COUNTER, "Pages taken back, each counted once."),
    Family("refaulted_pages", COUNTER, "Pages needed again soon after they were taken back."),
    Family("direct_reclaims", COUNTER, "How often a process had to find memory itself."),
    Family("oom_kills", COUNTER, "Processes killed for want of memory."),
    Family("some_stalled", COUNTER, "Time in which some process waited for memory.", "seconds"),
    Family("full_stalled", COUNTER, "Time in which all that could run did.", "seconds"),
)
FAMILIES = (*OF_THE_MACHINE, *OF_COMMANDS, *OF_GROUPS)

"""Findings on settings: what is set in a way that costs, or that nobody expects at night."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import NOTICE, WARNING, Rule, Seen
from pymemtools.units import human_size, signed_number

_PAGES_A_SECOND = 50_000  # that KSM may look at before its thread is seen in top


def _aslr(evidence: Evidence) -> Iterator[Seen]:
    mode = (evidence.text("sys/kernel/randomize_va_space") or "").strip()
    if mode == "0":
        title = "Address spaces are not randomised: exploits know where everything is"
        yield Seen(WARNING, title, "kernel.randomize_va_space = 0", 0, "count")
    elif mode == "1":
        title = "The heap is not randomised"
        yield Seen(NOTICE, title, "kernel.randomize_va_space = 1", 1, "count")


def _panics(evidence: Evidence) -> Iterator[Seen]:
    mode = evidence.machine.setting("vm.panic_on_oom")
    if mode:
        title = "Out of memory, the machine goes down instead of killing a process"
        yield Seen(WARNING, title, f"vm.panic_on_oom = {mode}", mode, "count")


def _kills_asker(evidence: Evidence) -> Iterator[Seen]:
    if evidence.machine.setting("vm.oom_kill_allocating_task"):
        title = "Out of memory, whoever happens to ask is killed, not the largest"
        yield Seen(NOTICE, title, "vm.oom_kill_allocating_task = 1", 1, "count")


def _zone_reclaim(evidence: Evidence) -> Iterator[Seen]:
    mode = evidence.machine.setting("vm.zone_reclaim_mode")
    if mode and len({zone.node for zone in evidence.machine.zones}) > 1:
        title = "A full node reclaims its page cache before another node's free memory is used"
        yield Seen(WARNING, title, f"vm.zone_reclaim_mode = {mode}", mode, "count")


def _cache_pressure(evidence: Evidence) -> Iterator[Seen]:
    if evidence.machine.setting("vm.vfs_cache_pressure") == 0:
        title = "Dentries and inodes are never reclaimed: they may fill RAM"
        yield Seen(WARNING, title, "vm.vfs_cache_pressure = 0", 0, "count")


def _ksm(evidence: Evidence) -> Iterator[Seen]:
    get = {name: _number(evidence.text(f"/sys/kernel/mm/ksm/{name}")) for name in _OF_KSM}
    if get["run"] != 1:
        return
    scanned, pause, sharing = get["pages_to_scan"], get["sleep_millisecs"], get["pages_sharing"]
    rate = None if scanned is None or pause is None else scanned * 1000 / max(pause, 1)
    profit, page = get["general_profit"], evidence.machine.page_size
    saved = (sharing or 0) + (get["ksm_zero_pages"] or 0)  # with use_zero_pages, zeros are no page of its own
    if not saved and (get["full_scans"] or 0) > 1:
        figure = f"{get['full_scans']} full scans, 0 pages saved"
        yield Seen(NOTICE, "KSM scans and finds nothing to merge", figure, 0, "bytes")
    elif profit is not None and profit < 0:
        yield Seen(WARNING, "KSM takes more memory than it saves", f"general_profit {profit} bytes", profit, "bytes")
    elif rate is not None and rate > _PAGES_A_SECOND:
        figure = f"up to {rate:.0f} pages a second, {human_size(saved * page)} saved"
        yield Seen(NOTICE, "KSM scans so fast that it keeps a processor busy", figure, rate, "pages")


_OF_KSM = (
    *("run", "pages_to_scan", "sleep_millisecs"),
    *("pages_sharing", "ksm_zero_pages", "full_scans", "general_profit"),
)


def _number(text: str | None) -> int | None:
    return signed_number((text or "").strip())


RULES = (
    Rule(
        "aslr-off",
        WARNING,
        "kernel.randomize_va_space is not 2",
        "Documentation/admin-guide/sysctl/kernel.rst, randomize_va_space",
        "pymemtools lab aslr",
        "set kernel.randomize_va_space to 2",
        _aslr,
    ),
    Rule(
        "panic-on-oom",
        WARNING,
        "vm.panic_on_oom is not 0",
        "Documentation/admin-guide/sysctl/vm.rst, panic_on_oom; mm/oom_kill.c, check_panic_on_oom(), Linux 6.1",
        "pymemtools tunables explain panic_on_oom",
        "right for a cluster that fails over; else set it to 0",
        _panics,
    ),
    Rule(
        "oom-kills-asker",
        NOTICE,
        "vm.oom_kill_allocating_task is 1",
        "Documentation/admin-guide/sysctl/vm.rst, oom_kill_allocating_task",
        "pymemtools tunables explain oom_kill_allocating_task",
        "scores decide nothing then: set it to 0 unless looking at all processes takes too long",
        _kills_asker,
    ),
    Rule(
        "zone-reclaim",
        WARNING,
        "vm.zone_reclaim_mode is not 0 on a machine of several nodes",
        "Documentation/admin-guide/sysctl/vm.rst, zone_reclaim_mode: file servers should not have it on",
        "pymemtools numa",
        "set it to 0 unless every working set fits its node",
        _zone_reclaim,
    ),
    Rule(
        "vfs-cache-pressure",
        WARNING,
        "vm.vfs_cache_pressure is 0",
        "Documentation/admin-guide/sysctl/vm.rst, vfs_cache_pressure: can easily lead to out-of-memory conditions",
        "pymemtools tunables explain vfs_cache_pressure",
        "set it to 1 or more",
        _cache_pressure,
    ),
    Rule(
        "ksm-costly",
        WARNING,
        f"KSM runs and saves nothing, has a negative profit, or may scan more than {_PAGES_A_SECOND} pages a second",
        "Documentation/admin-guide/mm/ksm.rst, general_profit",
        "pymemtools ksm; pymemtools ksm --estimate",
        "switch it off (ksm.run = 2 takes apart what is merged), or scan slower",
        _ksm,
    ),
)

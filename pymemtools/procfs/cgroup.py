"""/proc/PID/cgroup: which control group, and so which container or systemd unit, a process belongs to."""

from collections.abc import Mapping

_UNIT_KINDS = (".service", ".scope", ".socket", ".mount", ".swap", ".slice")


def parse_cgroups(text: bytes) -> dict[str, str]:
    """Map each v1 controller, v1's named hierarchies (``name=systemd``) and v2 (``""``) to the process's path.

    >>> parse_cgroups(b"2:cpu,cpuacct:/docker/1f\\n0::/\\n")
    {'cpu': '/docker/1f', 'cpuacct': '/docker/1f', '': '/'}
    """
    paths: dict[str, str] = {}
    for line in text.split(b"\n"):
        fields = line.decode("utf-8", "surrogateescape").split(":", 2)
        if len(fields) == 3:
            for controller in fields[1].split(","):
                paths.setdefault(controller, fields[2])
    return paths


def parse_cgroup(text: bytes) -> str | None:
    """Give the process's path in the unified hierarchy, or in v1's memory hierarchy, or in systemd's.

    >>> parse_cgroup(b"4:memory:/docker/1f\\n0::/\\n")
    '/docker/1f'

    None when there is no cgroup at all.
    """
    return main_group(parse_cgroups(text))


def main_group(paths: Mapping[str, str]) -> str | None:
    """Choose, of a process's paths by controller, the one that it is known by. Source: cgroups(7)."""
    unified = paths.get("")
    if unified not in (None, "/"):
        return unified
    return paths.get("memory") or paths.get("name=systemd") or unified


def unit_of(cgroup: str | None) -> str | None:
    """Give the innermost systemd unit of a cgroup path, slices only when there is nothing better.

    >>> unit_of("/user.slice/user-0.slice/session-3.scope")
    'session-3.scope'
    """
    if cgroup is None:
        return None
    units = [part for part in cgroup.removesuffix(" (deleted)").split("/") if part.endswith(_UNIT_KINDS)]
    narrow = [unit for unit in units if not unit.endswith(".slice")]
    found = narrow or units
    return found[-1] if found else None

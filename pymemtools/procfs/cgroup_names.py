"""What programs call their control groups: the containers and pods that are in a path."""

from __future__ import annotations

import re

# Of docker, podman (libpod), cri-o, containerd and their like, as a group of their own or as a scope of systemd's.
_BY_ID = re.compile(r"(?:([a-z][a-z-]*)-|[^:]*:([a-z-]+):)?([0-9a-f]{64})(?:\.scope)?", re.DOTALL)
_POD = re.compile(
    r"(?:[a-z-]*-)?pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice|:.*)?"
    r"|libpod_pod_([0-9a-f]{64})(?:\.slice)?",
    re.DOTALL,
)
_BY_NAME = re.compile(
    r"lxc\.payload\.(.+)|machine-(.+)\.scope|systemd-nspawn@(.+)\.service", re.DOTALL
)  # of LXC, systemd-machined
_HOLDS_LXC = ("lxc", "lxc.payload")
SHORT_ID = 12  # hexadecimal digits, as docker shows
_SHORT_UID = 8  # those before the first dash


def container_of(cgroup: str) -> str | None:
    """Give the ID, or the name, of the innermost container that a path is of.

    >>> container_of(f"/system.slice/docker-{'1f' * 32}.scope/init")[:12], container_of("/lxc/web/init.scope")
    ('1f1f1f1f1f1f', 'web')
    """
    parts = cgroup.split("/")
    for place in reversed(range(len(parts))):
        by_id = _by_id(parts[place])
        if by_id is not None:
            return by_id[1]
        named = _BY_NAME.fullmatch(parts[place])
        if named is not None:
            return unescaped(next(name for name in named.groups() if name is not None))
        if place and parts[place - 1] in _HOLDS_LXC and parts[place]:
            return parts[place]
    return None


def own_container_of(cgroup: str) -> str | None:
    """Give the ID of the container that the last name of a path is of."""
    by_id = _by_id(cgroup.rpartition("/")[2])
    return None if by_id is None else by_id[1]


def pod_of(cgroup: str) -> str | None:
    """Give the UID of the pod of Kubernetes that a path is of, or the ID of podman's.

    >>> pod_of("/kubepods.slice/kubepods-pod5bd8ef07_3a5c_4bc3_8a8e_5b8ef07aa3cd.slice")
    '5bd8ef07-3a5c-4bc3-8a8e-5b8ef07aa3cd'
    """
    for part in reversed(cgroup.split("/")):
        match = _POD.fullmatch(part)
        if match is not None:
            return match[1].replace("_", "-") if match[1] else match[2]
    return None


def label_of(cgroup: str) -> str:
    """Give the last name of a path as people know it: long IDs are cut as docker does.

    >>> label_of(f"/docker/{'1f' * 32}"), label_of("/a/getty@tty1.service"), label_of("/")
    ('container 1f1f1f1f1f1f', 'getty@tty1.service', '/')
    """
    name = cgroup.rpartition("/")[2]
    by_id = _by_id(name)
    if by_id is not None:
        return f"{by_id[0]} {by_id[1][:SHORT_ID]}"
    pod = _POD.fullmatch(name)
    if pod is not None:
        return f"pod {pod[1][:_SHORT_UID] if pod[1] else pod[2][:SHORT_ID]}"
    return unescaped(name) if name else "/"


def short_path(cgroup: str) -> str:
    """Write a whole path so.

    >>> short_path(f"/kubepods/pod5bd8ef07-3a5c-4bc3-8a8e-5b8ef07aa3cd/{'1f' * 32}")
    '/kubepods/pod 5bd8ef07/container 1f1f1f1f1f1f'
    """
    return f"/{'/'.join(label_of(part) for part in cgroup.split('/') if part)}"


def unescaped(unit: str) -> str:
    r"""Undo systemd's escape of a dash, which is in most names that have any: systemd.unit(5).

    >>> unescaped(r"machine-qemu\x2d1\x2dweb.scope")
    'machine-qemu-1-web.scope'
    """
    return unit.replace(r"\x2d", "-")


def _by_id(name: str) -> tuple[str, str] | None:
    """Give runtime and ID of a container's group; that of its monitor (conmon) is none."""
    match = _BY_ID.fullmatch(name)
    if match is None or (match[1] or "").endswith("conmon"):
        return None
    return match[1] or match[2] or "container", match[3]

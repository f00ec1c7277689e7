"""The systemd unit of a recording that goes on for ever: all that it may not do, it cannot."""

from __future__ import annotations

from collections.abc import Sequence

# What it needs: to read what is of any user (memory of processes), and files that are root's alone (slabinfo).
_UNIT = """\
[Unit]
Description=Recording of memory by pymemtools
Documentation=man:pymemtools-record(1)

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=30
# Whoever ends for want of memory, not who tells of it; and nobody is to wait for it.
OOMScoreAdjust=-900
Nice=5
StateDirectory=pymemtools
StateDirectoryMode=0700
UMask=0077
CapabilityBoundingSet=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateDevices=yes
PrivateTmp=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=none
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
IPAddressDeny=any

[Install]
WantedBy=multi-user.target
"""


def unit(command: Sequence[str]) -> str:
    """Give the unit's text; words of the command are quoted as systemd.service(5) has it."""
    return _UNIT.format(command=" ".join(map(_quoted, command)))


def _quoted(word: str) -> str:
    """Quote a word: nothing in it is replaced by systemd, but for the directory of states that it begins with.

    >>> _quoted("%S/a.rec"), _quoted("%S/100%"), _quoted("50% off")
    ('%S/a.rec', '"%S/100%%"', '"50%% off"')
    """
    begin = "%S/" if word.startswith("%S/") else ""
    rest = word[len(begin) :]
    escaped = rest.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{begin}{escaped}"' if escaped != rest or not word or " " in word or "'" in word else word

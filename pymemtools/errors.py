"""The errors a user can cause; cli/ prints each as one line."""


class MemtoolsError(Exception):
    """Carry one line for the user; it may hold untrusted text, which is escaped where it is printed."""

    exit_status = 1


class UsageProblem(MemtoolsError):
    """Say that the call itself makes no sense (exit status 2)."""

    exit_status = 2


class Missing(MemtoolsError):
    """Say that the source has no such file: never captured, or the process is gone."""


class NotRecorded(Missing):
    """Say that a recording leaves a process's mappings out, and which it takes."""

    reason = "not recorded, as maps are only of processes that record --smaps names"

    def __init__(self, where: str) -> None:
        super().__init__(f"{where}: {self.reason}")


class NoSuchProcess(Missing):
    """Say that a process that was named is not there, or has ended; the command that was asked is put before it."""

    exit_status = 42  # as scripts know it from pmap of procps

    def __init__(self, pid: int) -> None:
        super().__init__(f"{pid}: no such process")


class Denied(MemtoolsError):
    """Say that the source has the file but we may not read it."""


class DeniedProcess(Denied):
    """Say that we may not look into a process that was named; the command that was asked is put before it."""

    def __init__(self, pid: int, reason: str) -> None:
        super().__init__(f"{pid}: {reason}")


class ParseError(MemtoolsError):
    """Say which file, which line and what was wrong with it."""

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        where = file if line is None else f"{file}: line {line}"
        super().__init__(f"{where}: {reason}")


class ArchiveError(MemtoolsError):
    """Say that an archive is damaged, hostile or not one at all."""


class TruncatedArchive(ArchiveError):
    """Say where an archive ends before its end; what was complete before that may be asked for."""


def excerpt(text: bytes) -> str:
    """Quote the start of untrusted text for a message, which is escaped as a whole where it is printed."""
    return f"'{text[:60].decode('utf-8', 'surrogateescape')}'"

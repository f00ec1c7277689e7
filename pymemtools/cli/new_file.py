"""Write a file whole or not at all, and never over another one unless told to."""

from __future__ import annotations

import os

from pymemtools.errors import MemtoolsError


def write_new_file(path: str, data: bytes, *, force: bool) -> None:
    """Write ``data`` to a new file beside ``path``, then give it the name.

    Without ``force`` an existing file or symbolic link of that name is refused, atomically; with it, replaced.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            if force:
                os.replace(temporary, path)
            else:
                os.link(temporary, path)
        finally:
            _remove(temporary)
    except FileExistsError:
        raise MemtoolsError(f"{path}: exists already (--force replaces it)") from None
    except OSError as error:
        raise MemtoolsError(f"{path}: {os.strerror(error.errno or 0)}") from None


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass

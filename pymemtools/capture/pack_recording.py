"""Make one file of a recording, to be sent: without what SQLite keeps beside it, and without free pages."""

from __future__ import annotations

from pymemtools.capture.recording_file import write_error
from pymemtools.errors import ArchiveError
from pymemtools.sources.recording.database import Database, sqlite_module
from pymemtools.sources.recording.schema import APPLICATION_ID, FORMAT


def pack_recording(path: str, packed: str) -> None:
    """Copy the recording ``path`` into the new file ``packed``, and check that. Raises MemtoolsError."""
    database = Database(path)
    try:
        database.copy_to(packed)
    finally:
        database.close()
    with write_error(path):
        connection = sqlite_module().connect(packed, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    if found != ("ok",):
        raise ArchiveError(f"{path}: damaged recording: {found[0]}")

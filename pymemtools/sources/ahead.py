"""Read a large file ahead of who parses it.

A read of many mappings is all the kernel's time, which Python's lock is not held for: on a second processor it costs
the parser nothing. Small files are over before a thread has started.
"""

from __future__ import annotations

from collections.abc import Iterator

_DIRECTLY = 2  # pieces: most processes have fewer
_AHEAD = 4  # pieces that wait to be parsed


def read_ahead(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Give the pieces, from the third on read by a thread of its own; raises what reading them raises."""
    for _ in range(_DIRECTLY):
        piece = next(pieces, None)
        if piece is None:
            return
        yield piece
    yield from _by_thread(pieces)


def _by_thread(pieces: Iterator[bytes]) -> Iterator[bytes]:
    from queue import Queue
    from threading import Thread

    waiting: Queue[bytes | Exception | None] = Queue(_AHEAD)
    is_wanted = True

    def read() -> None:
        end = None
        try:
            for piece in pieces:
                waiting.put(piece)
                if not is_wanted:
                    break
        except Exception as error:  # noqa: BLE001 (whatever it is, it is raised again where the pieces are wanted)
            end = error
        waiting.put(end)

    thread = Thread(target=read, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # RLIMIT_NPROC
        yield from pieces
        return
    try:
        while isinstance(piece := waiting.get(), bytes):
            yield piece
        if piece is not None:
            raise piece
    finally:
        is_wanted = False
        while thread.is_alive():
            while not waiting.empty():
                waiting.get()
            thread.join(0.001)

"""What a report of the OOM killer says once, whoever of those that take its lines finds it."""

from __future__ import annotations


class KillFacts:
    """Fields of the report by name, the first of each, and what lines told before they were cut."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.cut: dict[str, None] = {}

    def set(self, **facts: object) -> bool:
        """Keep what is known; the line that says it is the report's."""
        for name, value in facts.items():
            if value is not None:
                self.values.setdefault(name, value)
        return True

    def note_cut(self, what: str) -> bool:
        """Note what a line told before it was cut."""
        self.cut[what] = None
        return True

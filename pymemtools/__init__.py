"""Linux memory, on a live machine, a directory or a capture."""

__version__ = "0.1.0"

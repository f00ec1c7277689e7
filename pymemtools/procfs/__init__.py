"""Kernel text to records: one module per file of /proc, no input or output of its own."""

"""What the kernel writes to its log: bytes in, records out; the same rules as in procfs."""

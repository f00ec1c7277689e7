"""What the kernel would do: pure functions over records and settings, each citing its source and versions."""

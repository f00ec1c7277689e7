"""What the kernel would do: a question asked of a machine as it is, or with other settings, RAM, swap or kernel."""

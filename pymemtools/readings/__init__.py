"""What a question needs of a source, read once, of one moment: processes, mappings, the machine and its settings."""

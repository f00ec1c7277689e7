"""Questions: records in, rows out."""

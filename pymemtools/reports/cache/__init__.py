"""What is in the page cache, file by file."""

"""What grows in a recording, how fast, and when memory is used up by it."""

"""What no file tells: asked of the live kernel by other means, and of no copy."""

"""What experiments saw, held against laws: pure, so that a made-up sighting can be judged as a real one."""

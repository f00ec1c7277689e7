"""Take a capture: one archive of all that the commands need to know of a machine, to be read elsewhere."""

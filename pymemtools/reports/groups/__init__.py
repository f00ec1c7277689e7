"""Which memory group holds what, how near it is to a limit, and what the processes in it have mapped."""

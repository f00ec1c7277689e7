"""What page frames are used for, of a machine and of a process; what of memory nothing explains."""

"""/proc/PID/smaps and smaps_rollup, read in the ways that differ in what is kept: records, a table, sums, VM_ACCOUNT.

Nothing is imported here: each command needs one of them.
"""

"""Programs that experiments start, each in a Python of its own: they import nothing of ours.

Each is told the PID of its parent, dies with it, and lets itself be killed first when memory is short.
"""

"""Programs that experiments start, each in a Python of its own: of ours they import ``base`` only.

Each is told the PID of its parent, dies with it, and lets itself be killed first when memory is short.
"""

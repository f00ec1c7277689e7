"""The questions of smem: what does each process, mapping, user or group hold, and the machine as a whole?"""
